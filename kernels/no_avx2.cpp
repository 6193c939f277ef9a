// Stands in for avx2.cpp on other processors.
#include "kernels/tables.h"

namespace troika::kernels {

const KernelTable* avx2_table() { return nullptr; }

}  // namespace troika::kernels
