// What Q2_K, Q4_K and Q5_K share: 256 weights in groups, each group a line w = scale * q - minimum over the levels
// q in 0..top. Scales and minima are themselves stored, as a few bits times a factor common to the block. The
// formats differ in the number of groups and in how they lay out levels and lines.
#pragma once

#include <cstdint>

#include "tensor/quant/quant.h"

namespace troika::quant {

struct Line {
  float scale = 0, minimum = 0;  // neither negative
};

template <int kGroupCount, int kHighestScale>
struct LineBlock {
  static constexpr int kGroups = kGroupCount, kGroupValues = 256 / kGroupCount;
  static constexpr int kScaleTop = kHighestScale;  // highest stored scale or minimum
  uint16_t d, dmin;
  uint8_t scale[kGroups], minimum[kGroups];
  uint8_t levels[256];  // in the order of the weights
};
using LineBlock8 = LineBlock<8, 63>;    // Q4_K, Q5_K
using LineBlock16 = LineBlock<16, 15>;  // Q2_K

// The values from `first` on, with as many of importance or none. For LineBlock8 and LineBlock16.
template <class Block>
Block pack_lines(Values values, Values importance, size_t first, int top);

// The 12 bytes of Q4_K and Q5_K that hold eight scales and minima of 6 bits (BlockQ4K in blocks.h).
void store_lines(const LineBlock8& lines, uint8_t (&scales)[12]);
Line line_of(uint16_t d, uint16_t dmin, const uint8_t (&scales)[12], int group);

}  // namespace troika::quant
