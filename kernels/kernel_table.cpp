// Chooses among the tables at run time. This file is compiled for the plainest machine.
#include "kernels/kernel_table.h"

#include <string>

#include "base/error.h"
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
  const KernelTable* fastest = nullptr;
  for (Isa isa : kIsas) {
    if (const KernelTable* table = kernel_table(isa)) fastest = table;
  }
  return *fastest;
}

const KernelTable& kernel_table(std::string_view name) {
  if (name.empty()) return kernel_table();
  std::string there;
  for (Isa isa : kIsas) {
    const KernelTable* table = kernel_table(isa);
    if (table && table->name == name) return *table;
    if (table) there += fmt::format("{}{}", there.empty() ? "" : ", ", table->name);
  }
  fail("this build or this machine has no kernels for \"{}\"; there are: {}", name, there);
}

}  // namespace troika::kernels
