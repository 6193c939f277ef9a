#include "npu/txn/parameters.h"

#include "npu/txn/shim.h"

namespace troika::npu::txn {

void tell(std::vector<Operation>& stream, const DesignSpec& design, std::span<const int> buffers, std::span<const int> locks,
          const std::vector<uint32_t>& words) {
  for (size_t i = 0; i < buffers.size(); ++i) {
    const BufferSpec& buffer = design.buffers[size_t(buffers[i])];
    const LockSpec& lock = design.locks[size_t(locks[i])];
    stream.push_back(BlockWrite{register_of(buffer.tile, buffer.address), words});
    stream.push_back(Write{register_of(lock.tile, kCoreLocks + uint32_t(lock.number) * kLockBytes), 1});
  }
}

}  // namespace troika::npu::txn
