// A file descriptor with an owner, so that none is left open when something fails.
#pragma once

#include <unistd.h>

#include <utility>

namespace troika::npu {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}  // negative: none
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int number() const { return fd_; }

 private:
  int fd_;
};

}  // namespace troika::npu
