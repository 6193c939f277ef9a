// One KernelTable out of one Simd type.
#pragma once

#include "kernels/attend.h"
#include "kernels/attend_spans.h"
#include "kernels/choose.h"
#include "kernels/hadamard.h"
#include "kernels/kernel_table.h"
#include "kernels/linear.h"
#include "kernels/linear_int16.h"
#include "kernels/panel_formats_iq.h"
#include "kernels/peak.h"
#include "kernels/rows.h"
#include "kernels/weights_iq.h"

namespace troika::kernels {

template <class S, template <class> class Weight>
constexpr FormatKernels plain(Format format) {
  return {format, Arithmetic::float32, {linear_plain_rows<S, Weight<S>>, nullptr}, {linear_plain<S, Weight<S>>, nullptr}};
}

// Floats of 16 bits.
template <class S, template <class> class Weight>
constexpr FormatKernels pairs(Format format) {
  FormatKernels kernels = plain<S, Weight>(format);
  kernels.fast = Arithmetic::int16;
  kernels.rows.fast = linear_int16<S, PairRows<S, Weight<S>>>;
  kernels.panels.fast = linear_int16<S, PairPanels<S>>;
  return kernels;
}

// A block format that is read as it lies in the file.
template <class S, class Weight>
constexpr FormatKernels blocks(Format format) {
  return {format,
          Arithmetic::int8,
          {linear_floats<S, FromRows<S, Weight>>, linear_int8<S, FromRows<S, Weight>>},
          {nullptr, nullptr}};
}

// One that also comes in panels.
template <class S, template <class> class Panel>
constexpr FormatKernels panels(Format format) {
  using Weight = typename Panel<S>::Weight;
  FormatKernels kernels = blocks<S, Weight>(format);
  kernels.panels = {linear_floats<S, FromPanels<S, Panel<S>>>, linear_int8<S, FromPanels<S, Panel<S>>>};
  return kernels;
}

template <class S>
inline constexpr FormatKernels kFormats[] = {
    plain<S, PlainF32>(Format::f32),
    pairs<S, PlainF16>(Format::f16),
    pairs<S, PlainBf16>(Format::bf16),
    panels<S, PanelQ8_0>(Format::q8_0),
    panels<S, PanelQ4_0>(Format::q4_0),
    panels<S, PanelQ4_1>(Format::q4_1),
    panels<S, PanelQ5_0>(Format::q5_0),
    panels<S, PanelQ5_1>(Format::q5_1),
    panels<S, PanelIQ4NL>(Format::iq4_nl),
    panels<S, PanelQ2K>(Format::q2_k),
    panels<S, PanelQ3K>(Format::q3_k),
    panels<S, PanelQ4K>(Format::q4_k),
    panels<S, PanelQ5K>(Format::q5_k),
    panels<S, PanelQ6K>(Format::q6_k),
    panels<S, PanelMxfp4>(Format::mxfp4),
    panels<S, PanelQ1_0>(Format::q1_0),
    panels<S, PanelQ2_0>(Format::q2_0),
    panels<S, PanelIQ4XS>(Format::iq4_xs),
    panels<S, PanelIQ3S>(Format::iq3_s),
    panels<S, PanelIQ3XXS>(Format::iq3_xxs),
    panels<S, PanelIQ2S>(Format::iq2_s),
    panels<S, PanelIQ2XS>(Format::iq2_xs),
    panels<S, PanelIQ2XXS>(Format::iq2_xxs),
    panels<S, PanelIQ1M>(Format::iq1_m),
    panels<S, PanelIQ1S>(Format::iq1_s),
    panels<S, PanelTQ1_0>(Format::tq1_0),
    panels<S, PanelTQ2_0>(Format::tq2_0),
};

template <class S>
inline constexpr KernelTable kTable = {
    .name = S::kName,
    .formats = kFormats<S>,
    .format_count = sizeof(kFormats<S>) / sizeof(FormatKernels),
    .any = {Format::f32, Arithmetic::float32, {linear_foreign<S>, nullptr}, {nullptr, nullptr}},
    .tile_tokens = S::kTile,
    .panels_together = S::kPanelsTogether,
    .tiles = {interleave<S>, quantise<S>, round_to_int16<S>},
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
    .rotate = rotate<S>,
    .write_key = write_key<S>,
    .write_value = write_value<S>,
    .attend = attend<S>,
    .attend_join = attend_join<S>,
    .attend_spans = attend_spans<S>,
    .largest_of_blocks = largest_of_blocks<S>,
    .weigh = weigh_logits<S>,
    .keep_weights = keep_weights<S>,
    .place = place<S>,
    .fp32_peak = fp32_peak<S>,
    .int8_peak = int8_peak<S>,
    .int16_peak = int16_peak<S>,
    .relax = S::relax,
};

}  // namespace troika::kernels
