// What lies between kernel_table.cpp, which is compiled for the plainest machine, and the files of the instruction
// sets.
#pragma once

#include "kernels/kernel_table.h"

namespace troika::kernels {

// Each set's table, or null where it is not built. For kernel_table.cpp only, which knows what the machine can run.
const KernelTable* scalar_table();
const KernelTable* avx2_table();
const KernelTable* avx512_table();

// The format's own unpack, for kernels: they may call no inline function such as span's.
void unpack_values(const FormatInfo& format, const std::byte* blocks, float* values, int count) noexcept;

}  // namespace troika::kernels
