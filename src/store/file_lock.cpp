#include "store/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/error.h"
#include "store/stopped.h"

namespace troika::store {

FileLock::FileLock(const std::filesystem::path& path, const std::stop_token& stop, const std::function<void()>& waits) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd_ < 0) fail("cannot make the lock file {}: {}", path.string(), std::strerror(errno));
  bool told = false;
  while (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
    int why = errno;
    if ((why != EWOULDBLOCK && why != EINTR) || stop.stop_requested()) {
      ::close(fd_);
      if (stop.stop_requested()) throw Stopped("stopped while waiting for another pull of the same file");
      fail("cannot lock {}: {}", path.string(), std::strerror(why));
    }
    if (!told) waits();
    told = true;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

FileLock::~FileLock() { ::close(fd_); }

bool is_free(const std::filesystem::path& path) {
  int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return errno == ENOENT;
  bool free = ::flock(fd, LOCK_EX | LOCK_NB) == 0;
  ::close(fd);
  return free;
}

}  // namespace troika::store
