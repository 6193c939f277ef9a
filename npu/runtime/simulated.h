// The simulator behind the functions of a plug-in: what computes where there is no NPU, and in tests. It needs a design's name
// and no xclbin.
#pragma once

#include "npu/plugin/abi.h"

namespace troika::npu {

const abi::Plugin& simulated_plugin();

}  // namespace troika::npu
