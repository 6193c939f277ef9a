// Stands in for avx2.cpp and avx512.cpp on other processors.
#include "kernels/tables.h"

namespace troika::kernels {

const KernelTable* avx2_table() { return nullptr; }
const KernelTable* avx512_table() { return nullptr; }

}  // namespace troika::kernels
