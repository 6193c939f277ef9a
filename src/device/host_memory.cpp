#include "device/host_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/error.h"

namespace troika::device {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kChunk = size_t{256} << 20;       // address space; memory is what is touched
constexpr size_t kMostShared = size_t{64} << 20;   // so that no chunk stays empty for more than a quarter
constexpr size_t kAlignment = 64;

class MappedBuffer : public Buffer {
 public:
  // `alignment`: a power of two; what mmap gives is aligned to a page of 4 KiB.
  explicit MappedBuffer(size_t bytes, size_t alignment = 1) : bytes_(bytes) {
    mapped_ = std::max<size_t>(bytes, 64) + alignment - 1;  // address space; memory is what is touched
    void* mapping = MAP_FAILED;
    if (mapped_ >= bytes) mapping = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) fail("cannot get {} MB of memory", bytes >> 20);
    mapping_ = static_cast<std::byte*>(mapping);
    uintptr_t address = reinterpret_cast<uintptr_t>(mapping_);
    data_ = mapping_ + ((address + alignment - 1) / alignment * alignment - address);
  }
  ~MappedBuffer() override { munmap(mapping_, mapped_); }
  MappedBuffer(const MappedBuffer&) = delete;
  MappedBuffer& operator=(const MappedBuffer&) = delete;
  size_t size() const override { return bytes_; }
  std::byte* host() override { return data_; }

 private:
  size_t bytes_, mapped_;
  std::byte *mapping_, *data_;
};

class Piece : public Buffer {
 public:
  Piece(std::shared_ptr<Buffer> of, size_t offset, size_t bytes)
      : of_(std::move(of)), data_(of_->host() + offset), bytes_(bytes) {}
  size_t size() const override { return bytes_; }
  std::byte* host() override { return data_; }

 private:
  std::shared_ptr<Buffer> of_;
  std::byte* data_;
  size_t bytes_;
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

std::shared_ptr<Buffer> allocate_huge(size_t bytes) {
  auto buffer = std::make_shared<MappedBuffer>(bytes, kHugePage);
  madvise(buffer->host(), bytes, MADV_HUGEPAGE);  // refused: small pages serve as well
  return buffer;
}

std::shared_ptr<Buffer> HugeChunks::allocate(size_t bytes) {
  if (bytes > kMostShared) return allocate_huge(bytes);
  if (!chunk_ || bytes > kChunk - used_) {
    chunk_ = allocate_huge(kChunk);
    used_ = 0;
  }
  size_t offset = used_;
  used_ += (bytes + kAlignment - 1) / kAlignment * kAlignment;
  return std::make_shared<Piece>(chunk_, offset, bytes);
}

std::shared_ptr<Buffer> wrap_host(HostRegion region) { return std::make_shared<WrappedBuffer>(region); }

}  // namespace troika::device
