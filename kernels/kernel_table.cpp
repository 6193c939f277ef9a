// Chooses among the tables at run time. This file is compiled for the plainest machine.
#include "kernels/kernel_table.h"

#include "base/platform.h"
#include "kernels/tables.h"

namespace troika::kernels {

const KernelTable* kernel_table(Isa isa) {
  switch (isa) {
    case Isa::scalar: return scalar_table();
    case Isa::avx2: return platform::cpu().avx2 ? avx2_table() : nullptr;
    case Isa::avx512: return platform::cpu().avx512 ? avx512_table() : nullptr;
  }
  return nullptr;
}

void unpack_values(const FormatInfo& format, const std::byte* blocks, float* values, int count) noexcept {
  format.unpack(blocks, {values, static_cast<size_t>(count)});
}

const KernelTable& kernel_table() {
  for (Isa isa : {Isa::avx512, Isa::avx2}) {
    if (const KernelTable* table = kernel_table(isa)) return *table;
  }
  return *kernel_table(Isa::scalar);
}

}  // namespace troika::kernels
