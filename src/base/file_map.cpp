#include "base/file_map.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "base/error.h"

namespace troika {
namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

std::shared_ptr<const FileMap> FileMap::open(const std::filesystem::path& path) {
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};  // a FIFO would wait for its writer
  if (file.fd < 0) fail("cannot open {}: {}", path.string(), std::strerror(errno));
  struct stat status {};
  if (::fstat(file.fd, &status) != 0) fail("cannot read {}: {}", path.string(), std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail("{} is not a regular file", path.string());
  if (status.st_size == 0) fail("{} is empty", path.string());
  size_t size = static_cast<size_t>(status.st_size);
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
  if (data == MAP_FAILED) fail("cannot map {}: {}", path.string(), std::strerror(errno));
  return std::shared_ptr<const FileMap>(new FileMap(static_cast<const std::byte*>(data), size));
}

FileMap::~FileMap() { ::munmap(const_cast<std::byte*>(data_), size_); }

void will_need(std::span<const std::byte> bytes) {
  auto begin = reinterpret_cast<uintptr_t>(bytes.data()), page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  uintptr_t before = begin % page;  // madvise takes whole pages
  ::madvise(reinterpret_cast<void*>(begin - before), bytes.size() + before, MADV_WILLNEED);
}

std::string read_text_file(const std::filesystem::path& path, size_t limit) {
  std::error_code error;
  auto size = std::filesystem::file_size(path, error);
  if (error) fail("cannot read {}: {}", path.string(), error.message());
  if (size > limit) fail("{} has {} bytes, more than the {} that are allowed here", path.string(), size, limit);
  std::ifstream in(path, std::ios::binary);
  std::string text(size, '\0');
  if (!in.read(text.data(), static_cast<std::streamsize>(size))) fail("cannot read {}", path.string());
  return text;
}

}  // namespace troika
