// The kernels that AVX-512's BF16 adds to avx512.cpp: products with F16 and BF16 weights. F16 is rounded to bf16, which
// has three bits less: docs/cpu.md says what that costs.
#include <cassert>

#include "kernels/linear_bf16.h"
#include "kernels/simd_avx512_bf16.h"
#include "kernels/tables.h"

namespace troika::kernels {
namespace {

template <class S>
struct WithBf16 {
  static constexpr int kMostFormats = 64;
  FormatKernels formats[kMostFormats];
  KernelTable table;

  explicit WithBf16(const KernelTable& plain) noexcept : table(plain) {
    assert(plain.format_count <= kMostFormats);
    for (int i = 0; i < plain.format_count; ++i) {
      formats[i] = plain.formats[i];
      if (formats[i].format == Format::f16) set_fast<PlainF16<S>>(formats[i]);
      if (formats[i].format == Format::bf16) set_fast<PlainBf16<S>>(formats[i]);
    }
    table.name = S::kName;
    table.formats = formats;
    table.tiles[static_cast<int>(Arithmetic::bf16)] = round_to_bf16<S>;
    table.bf16_peak = bf16_peak<S>;
  }
  WithBf16(const WithBf16&) = delete;

 private:
  template <class Weight>
  static void set_fast(FormatKernels& kernels) noexcept {
    kernels.fast = Arithmetic::bf16;
    kernels.rows.fast = linear_bf16<S, PairRows<S, Weight>>;
    kernels.panels.fast = linear_bf16<S, PairPanels<S>>;
  }
};

}  // namespace

const KernelTable* avx512_bf16_table() {
  static const WithBf16<Avx512Bf16> made(*avx512_table());
  return &made.table;
}

}  // namespace troika::kernels
