// A design as text of mlir-aie's dialect, from which the open tools build what configures an array (npu/build/README.md).
// Everything is placed already: addresses, numbers of locks and descriptors, channels. The tools route streams and compile
// the cores' programs. The syntax is that of mlir-aie 1.3.2.
#pragma once

#include <string>

#include "npu/design/spec.h"

namespace troika::npu {

// Throws Error when the dialect cannot say it: two things of one name on a tile, a kernel that is given buffers of various
// sizes, a buffer that is no whole number of words.
std::string to_mlir(const DesignSpec& design);

}  // namespace troika::npu
