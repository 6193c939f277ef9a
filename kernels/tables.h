// What each instruction set's file exports: its table, or null where it is not built. For kernel_table.cpp only,
// which knows what the machine can run.
#pragma once

#include "kernels/kernel_table.h"

namespace troika::kernels {

const KernelTable* scalar_table();
const KernelTable* avx2_table();

}  // namespace troika::kernels
