// The kernels for any machine.
#include "kernels/make_table.h"
#include "kernels/simd_scalar.h"
#include "kernels/tables.h"

namespace troika::kernels {

const KernelTable* scalar_table() { return &kTable<Scalar>; }

}  // namespace troika::kernels
