#include "store/durable_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>

#include "base/error.h"

namespace troika::store {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void cannot_write(const fs::path& path) {
  fail("cannot write {}: {}", path.string(), std::strerror(errno));
}

// Makes something beside `path` that no other thread or process has. A process that was killed may have left
// one under the very name that ours would take: in a container the numbers of processes begin anew.
fs::path make_beside(const fs::path& path, const std::function<bool(const fs::path&)>& make) {
  static std::atomic<unsigned> count{0};
  for (;;) {
    fs::path fresh =
        path.parent_path() / fmt::format(".{}.{}.{}", path.filename().string(), ::getpid(), ++count);
    if (make(fresh)) return fresh;
    if (errno != EEXIST) cannot_write(path);
  }
}

}  // namespace

void make_folders(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail("cannot make the folder {}: {}", folder.string(), error.message());
}

void rename_durably(const fs::path& from, const fs::path& to) {
  if (std::rename(from.c_str(), to.c_str()) != 0) cannot_write(to);
  int folder = ::open(to.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;  // some file systems cannot open folders; the file itself is there
  ::fsync(folder);
  ::close(folder);
}

void replace_file(const fs::path& path, std::string_view content) {
  std::FILE* file = nullptr;
  fs::path fresh = make_beside(path, [&](const fs::path& name) {
    file = std::fopen(name.c_str(), "wxe");
    return file != nullptr;
  });
  bool written = std::fwrite(content.data(), 1, content.size(), file) == content.size() &&
                 std::fflush(file) == 0 && ::fsync(::fileno(file)) == 0;
  if (std::fclose(file) != 0 || !written) {
    int why = errno;
    ::unlink(fresh.c_str());
    errno = why;
    cannot_write(path);
  }
  rename_durably(fresh, path);
}

void replace_link(const fs::path& path, const fs::path& target) {
  fs::path fresh =
      make_beside(path, [&](const fs::path& name) { return ::symlink(target.c_str(), name.c_str()) == 0; });
  rename_durably(fresh, path);
}

}  // namespace troika::store
