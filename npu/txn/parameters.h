// What a stream tells cores before they begin.
#pragma once

#include <span>
#include <vector>

#include "npu/txn/operations.h"

namespace troika::npu::txn {

// Appends what writes the same words into each of `buffers` and then releases the lock of the same place in `locks`.
void tell(std::vector<Operation>& stream, const DesignSpec& design, std::span<const int> buffers, std::span<const int> locks,
          const std::vector<uint32_t>& words);

}  // namespace troika::npu::txn
