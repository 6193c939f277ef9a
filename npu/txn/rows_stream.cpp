#include "npu/txn/rows_stream.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "npu/txn/parameters.h"
#include "npu/txn/shim.h"

namespace troika::npu::txn {

std::vector<uint32_t> rows_stream(const RowsDesign& design, int tiles) {
  if (tiles <= 0 || tiles % kTilesOfRound)
    fail("{} tiles do not fill the NPU's rounds of {}; pad them to {}.", tiles, kTilesOfRound,
         tiles <= 0 ? kTilesOfRound : (tiles / kTilesOfRound + 1) * kTilesOfRound);
  if (uint64_t(tiles) * std::max(design.x_bytes, design.y_bytes) > std::numeric_limits<uint32_t>::max())
    fail("{} tiles are more than the 4 GB that one run of the NPU reaches; cut them.", tiles);
  const uint32_t of_column = uint32_t(tiles) / kColumns;
  std::vector<Operation> operations;
  tell(operations, design.spec, design.parameters, design.parameter_locks, {uint32_t(tiles / kTilesOfRound)});
  auto move = [&](const ShimSpec& shim, int descriptor, uint32_t offset, uint32_t bytes, bool token) {
    Transfer transfer{.port = shim.port, .descriptor = descriptor};
    transfer.argument = uint32_t(shim.argument);
    transfer.offset = offset;
    transfer.words = bytes / 4;
    transfer.token = token;
    start(operations, transfer);
  };
  for (const ShimSpec& shim : design.spec.shims) {
    const uint32_t column = uint32_t(shim.port.tile.column);
    switch (RowsArgument(shim.argument)) {
      case kRowsX: move(shim, 0, column * of_column * design.x_bytes, of_column * design.x_bytes, false); break;
      case kRowsShared: move(shim, 1, 0, design.shared_bytes, false); break;
      case kRowsY: move(shim, 2, column * of_column * design.y_bytes, of_column * design.y_bytes, true); break;
    }
  }
  for (const ShimSpec& shim : design.spec.shims)
    if (shim.argument == kRowsY) operations.push_back(TokenWait{shim.port});
  return encode(operations);
}

}  // namespace troika::npu::txn
