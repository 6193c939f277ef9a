// How the NPU shares memory with others, as far as this machine's kernel and libraries allow: each way is tried by a product
// that reads through it.
//
//   1   the host's own pages, which a GPU imports as well
//   2   memory of the NPU's that is exported as a dma-buf
//   4   none: what both need is copied
//
// Step 3, memory of a GPU's that the NPU imports, is tried with the NPU's own export.
#pragma once

#include <string>

#include "npu/runtime/gemm_array.h"

namespace troika::npu {

struct Sharing {
  std::string host_pages, exported, imported;  // "": it works; else why not

  int step() const { return host_pages.empty() ? 1 : exported.empty() ? 2 : 4; }
};

// Throws ArrayError when the array is lost meanwhile.
Sharing probe_sharing(const GemmContext& context);

std::string to_text(const Sharing& sharing);  // one line

}  // namespace troika::npu
