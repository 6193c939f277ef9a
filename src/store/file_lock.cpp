#include "store/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/error.h"
#include "store/stopped.h"

namespace troika::store {

namespace {

int make_lock_file(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
}

// By who held it before: others lock a new one then.
bool is_deleted(int fd) {
  struct stat about {};
  return ::fstat(fd, &about) == 0 && about.st_nlink == 0;
}

}  // namespace

FileLock::FileLock(const std::filesystem::path& path, const std::stop_token& stop,
                   const std::function<void()>& waits) {
  bool told = false;
  for (;;) {
    fd_ = make_lock_file(path);
    if (fd_ < 0) fail("cannot make the lock file {}: {}", path.string(), std::strerror(errno));
    while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      int why = errno;
      if ((why != EWOULDBLOCK && why != EINTR) || stop.stop_requested()) {
        ::close(fd_);
        if (stop.stop_requested())
          throw Stopped("stopped while waiting for another pull or change of the same");
        fail("cannot lock {}: {}", path.string(), std::strerror(why));
      }
      if (!told) waits();
      told = true;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    if (!is_deleted(fd_)) return;
    ::close(fd_);
  }
}

FileLock::~FileLock() {
  if (fd_ >= 0) ::close(fd_);
}

std::optional<FileLock> FileLock::take_if_free(const std::filesystem::path& path) {
  FileLock lock(make_lock_file(path));
  if (lock.fd_ < 0 || ::flock(lock.fd_, LOCK_EX | LOCK_NB) != 0 || is_deleted(lock.fd_)) return std::nullopt;
  return lock;
}

bool is_free(const std::filesystem::path& path) {
  int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return errno == ENOENT;
  bool free = ::flock(fd, LOCK_EX | LOCK_NB) == 0;
  ::close(fd);
  return free;
}

}  // namespace troika::store
