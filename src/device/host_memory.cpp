#include "device/host_memory.h"

#include <sys/mman.h>

#include <algorithm>

#include "base/error.h"

namespace troika::device {
namespace {

class MappedBuffer : public Buffer {
 public:
  explicit MappedBuffer(size_t bytes) : bytes_(bytes), mapped_(std::max<size_t>(bytes, 64)) {
    data_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data_ == MAP_FAILED) fail("cannot get {} MB of memory", bytes >> 20);
  }
  ~MappedBuffer() override { munmap(data_, mapped_); }
  MappedBuffer(const MappedBuffer&) = delete;
  MappedBuffer& operator=(const MappedBuffer&) = delete;
  size_t size() const override { return bytes_; }
  std::byte* host() override { return static_cast<std::byte*>(data_); }

 private:
  size_t bytes_, mapped_;
  void* data_;
};

class WrappedBuffer : public Buffer {
 public:
  explicit WrappedBuffer(HostRegion region) : region_(region) {}
  size_t size() const override { return region_.bytes; }
  std::byte* host() override { return region_.data; }

 private:
  HostRegion region_;
};

}  // namespace

std::shared_ptr<Buffer> allocate_host(size_t bytes) { return std::make_shared<MappedBuffer>(bytes); }
std::shared_ptr<Buffer> wrap_host(HostRegion region) { return std::make_shared<WrappedBuffer>(region); }

}  // namespace troika::device
