// The kernels for AVX2 with FMA and F16C. Everything here has the ISA in its symbol: see simd_scalar.h.
#include "kernels/make_table.h"
#include "kernels/simd_avx2.h"
#include "kernels/tables.h"

namespace troika::kernels {

const KernelTable* avx2_table() { return &kTable<Avx2>; }

}  // namespace troika::kernels
