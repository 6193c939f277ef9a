#include "store/durable_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/error.h"

namespace troika::store {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void cannot_write(const fs::path& path) { fail("cannot write {}: {}", path.string(), std::strerror(errno)); }

// A name beside `path` that no other thread or process uses.
fs::path fresh_beside(const fs::path& path) {
  static std::atomic<unsigned> count{0};
  return path.parent_path() / fmt::format(".{}.{}.{}", path.filename().string(), ::getpid(), ++count);
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
  fs::path fresh = fresh_beside(path);
  std::FILE* file = std::fopen(fresh.c_str(), "wxe");
  if (!file) cannot_write(path);
  bool written = std::fwrite(content.data(), 1, content.size(), file) == content.size() && std::fflush(file) == 0 &&
                 ::fsync(::fileno(file)) == 0;
  if (std::fclose(file) != 0 || !written) {
    int why = errno;
    ::unlink(fresh.c_str());
    errno = why;
    cannot_write(path);
  }
  rename_durably(fresh, path);
}

void replace_link(const fs::path& path, const fs::path& target) {
  fs::path fresh = fresh_beside(path);
  if (::symlink(target.c_str(), fresh.c_str()) != 0) cannot_write(path);
  rename_durably(fresh, path);
}

}  // namespace troika::store
