// Stands in for avx2.cpp, avx512.cpp and avx512_bf16.cpp on other processors.
#include "kernels/tables.h"

namespace troika::kernels {

const KernelTable* avx2_table() { return nullptr; }
const KernelTable* avx512_table() { return nullptr; }
const KernelTable* avx512_bf16_table() { return nullptr; }

}  // namespace troika::kernels
