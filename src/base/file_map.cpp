#include "base/file_map.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <utility>
#include <vector>

#include "base/error.h"

namespace troika {
namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

// The whole pages of the system that a part lies in, or that lie in it.
struct Pages {
  std::byte* data;
  size_t bytes;
  size_t size = static_cast<size_t>(::sysconf(_SC_PAGESIZE));

  static Pages around(std::span<const std::byte> part) {
    Pages pages{const_cast<std::byte*>(part.data()), part.size()};
    size_t before = reinterpret_cast<uintptr_t>(pages.data) % pages.size;
    pages.data -= before;
    pages.bytes += before;
    return pages;
  }
  static Pages within(std::span<const std::byte> part) {
    Pages pages = around(part);
    size_t begin = part.data() == pages.data ? 0 : pages.size;
    pages.bytes = pages.bytes / pages.size * pages.size;
    pages.data += begin;
    pages.bytes -= std::min(begin, pages.bytes);
    return pages;
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
  int fd = std::exchange(file.fd, -1);
  return std::shared_ptr<const FileMap>(new FileMap(path, fd, {static_cast<const std::byte*>(data), size}));
}

FileMap::FileMap(std::filesystem::path path, int fd, std::span<const std::byte> bytes)
    : path_(std::move(path)), fd_(fd), data_(bytes.data()), size_(bytes.size()) {}

FileMap::~FileMap() {
  ::munmap(const_cast<std::byte*>(data_), size_);
  ::close(fd_);
}

size_t FileMap::offset_of(std::span<const std::byte> part) const {
  check(part.data() >= data_ && part.data() + part.size() <= data_ + size_, "a part of the file");
  return static_cast<size_t>(part.data() - data_);
}

void FileMap::read(std::span<const std::byte> part, std::byte* out) const {
  size_t begin = offset_of(part);
  for (size_t done = 0; done < part.size();) {
    ssize_t got = ::pread(fd_, out + done, part.size() - done, static_cast<off_t>(begin + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail("cannot read {}: {}", path_.string(), std::strerror(errno));
    if (got == 0) fail("{} has been cut short while it was read; is it still being written?", path_.string());
    done += static_cast<size_t>(got);
  }
}

void FileMap::drop_cached(std::span<const std::byte> part) const {
  constexpr size_t kLongestRun = size_t{2} << 20;  // of pages that are kept and dropped as one
  size_t begin = offset_of(part), before = std::min(begin, kLongestRun);
  ::posix_fadvise(fd_, static_cast<off_t>(begin - before), static_cast<off_t>(part.size() + before), POSIX_FADV_DONTNEED);
}

bool FileMap::is_cached(std::span<const std::byte> part) const {
  offset_of(part);  // checks that it is one
  Pages pages = Pages::around(part);
  std::vector<unsigned char> resident((pages.bytes + pages.size - 1) / pages.size);
  if (::mincore(pages.data, pages.bytes, resident.data()) != 0) return false;
  size_t there = static_cast<size_t>(std::ranges::count_if(resident, [](unsigned char page) { return page & 1; }));
  return there >= resident.size() - resident.size() / 16;
}

void FileMap::drop_mapped(std::span<const std::byte> part) const {
  offset_of(part);  // checks that it is one
  Pages pages = Pages::within(part);
  if (pages.bytes > 0) ::madvise(pages.data, pages.bytes, MADV_DONTNEED);
}

void will_need(std::span<const std::byte> bytes) {
  Pages pages = Pages::around(bytes);
  ::madvise(pages.data, pages.bytes, MADV_WILLNEED);
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
