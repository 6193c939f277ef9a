// The kernels for AVX-512 (F, BW, DQ, VL) with VNNI, as of Zen 4. See avx2.cpp.
#include "kernels/make_table.h"
#include "kernels/simd_avx512.h"
#include "kernels/tables.h"

namespace troika::kernels {

const KernelTable* avx512_table() { return &kTable<Avx512>; }

}  // namespace troika::kernels
