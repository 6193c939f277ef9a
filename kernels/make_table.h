// One KernelTable out of one Simd type.
#pragma once

#include "kernels/attend.h"
#include "kernels/attend_spans.h"
#include "kernels/kernel_table.h"
#include "kernels/linear.h"
#include "kernels/rows.h"
#include "kernels/weights_iq.h"

namespace troika::kernels {

template <class S, template <class> class Weight>
constexpr FormatKernels plain_row(Format format) {
  return {format, linear<S, PlainTile, Weight<S>>, nullptr};
}

template <class S, template <class> class Weight>
constexpr FormatKernels block_row(Format format) {
  return {format, linear<S, UnpackedTile, Weight<S>>, linear<S, IntegerTile, Weight<S>>};
}

template <class S>
inline constexpr FormatKernels kFormats[] = {
    plain_row<S, PlainF32>(Format::f32),
    plain_row<S, PlainF16>(Format::f16),
    plain_row<S, PlainBf16>(Format::bf16),
    block_row<S, WeightQ8_0>(Format::q8_0),
    block_row<S, WeightQ4_0>(Format::q4_0),
    block_row<S, WeightQ4_1>(Format::q4_1),
    block_row<S, WeightQ5_0>(Format::q5_0),
    block_row<S, WeightQ5_1>(Format::q5_1),
    block_row<S, WeightIQ4NL>(Format::iq4_nl),
    block_row<S, WeightMxfp4>(Format::mxfp4),
    block_row<S, WeightQ1_0>(Format::q1_0),
    block_row<S, WeightQ2_0>(Format::q2_0),
    block_row<S, WeightQ2K>(Format::q2_k),
    block_row<S, WeightQ3K>(Format::q3_k),
    block_row<S, WeightQ4K>(Format::q4_k),
    block_row<S, WeightQ5K>(Format::q5_k),
    block_row<S, WeightQ6K>(Format::q6_k),
    block_row<S, WeightIQ4XS>(Format::iq4_xs),
    block_row<S, WeightIQ3S>(Format::iq3_s),
    block_row<S, WeightIQ3XXS>(Format::iq3_xxs),
    block_row<S, WeightIQ2S>(Format::iq2_s),
    block_row<S, WeightIQ2XS>(Format::iq2_xs),
    block_row<S, WeightIQ2XXS>(Format::iq2_xxs),
    block_row<S, WeightIQ1M>(Format::iq1_m),
    block_row<S, WeightIQ1S>(Format::iq1_s),
    block_row<S, WeightTQ1_0>(Format::tq1_0),
    block_row<S, WeightTQ2_0>(Format::tq2_0),
};

template <class S>
inline constexpr KernelTable kTable = {
    .name = S::kName,
    .formats = kFormats<S>,
    .format_count = sizeof(kFormats<S>) / sizeof(FormatKernels),
    .any = {Format::f32, linear<S, ForeignTile, void>, nullptr},
    .quantise = quantise<S>,
    .rms_norm = rms_norm<S>,
    .layer_norm = layer_norm<S>,
    .add_norm = add_norm<S>,
    .add = add<S>,
    .mul = mul<S>,
    .scale = scale<S>,
    .softcap = softcap<S>,
    .unary = unary<S>,
    .gated = gated<S>,
    .mix = mix<S>,
    .match_rms = match_rms<S>,
    .cut_below = cut_below<S>,
    .rope = rope<S>,
    .to_f16 = to_f16<S>,
    .attend = attend<S>,
    .attend_spans = attend_spans<S>,
    .relax = S::relax,
};

}  // namespace troika::kernels
