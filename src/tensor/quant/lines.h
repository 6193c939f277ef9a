// What Q4_K and Q5_K share: 256 weights in 8 groups of 32, each group a line w = scale * q - minimum over the
// levels q in 0..top. Scales and minima are themselves stored, as 6 bits times a factor common to the block
// (BlockQ4K in blocks.h shows where the bits lie). The formats differ in how they lay out the levels.
#pragma once

#include <cstdint>

#include "tensor/quant/quant.h"

namespace troika::quant {

struct Line {
  float scale = 0, minimum = 0;  // neither negative
};

struct LineBlock {
  static constexpr int kGroups = 8, kGroupValues = 32;
  uint16_t d, dmin;
  uint8_t scales[12];
  uint8_t levels[kGroups * kGroupValues];  // in the order of the weights
};

// 256 values, and as many of importance or none.
LineBlock pack_lines(Values values, Values importance, int top);

Line line_of(uint16_t d, uint16_t dmin, const uint8_t (&scales)[12], int group);

}  // namespace troika::quant
