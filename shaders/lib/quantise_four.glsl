// Eight lanes of a workgroup round a block of 32 values together, four each, as quantise_block() does it. Included behind
// `const uint kRounding`, how many lanes may do so.
#include "lib/quantise.glsl"
#include "lib/half.glsl"

shared float largest_[kRounding];
shared int fours_[kRounding];
shared float squares_[kRounding];

// Four numbers of a lane, and where in the rows; `write`: there is such a place. All lanes call it.
void quantise_four(const float x[4], Numbers numbers, Scales scales, uint lane, uint row, uint column, uint columns, bool write) {
  const uint at = row * columns + column;
  if (kHalves) {
    if (write) put_four_halves(uint64_t(numbers), row, column, columns, x);
    return;
  }
  barrier();
  if (lane < kRounding) largest_[lane] = max(max(abs(x[0]), abs(x[1])), max(abs(x[2]), abs(x[3])));
  barrier();
  const uint first = min(lane, kRounding - 1) / 8 * 8;
  float largest = 0;
  [[unroll]] for (uint i = 0; i < 8; ++i) largest = max(largest, largest_[first + i]);
  const float scale = largest / 127;
  int q[4];
  [[unroll]] for (uint j = 0; j < 4; ++j) q[j] = int8_of(x[j], scale);
  if (lane < kRounding) fours_[lane] = q[0] + q[1] + q[2] + q[3];
  barrier();
  if (!write) return;
  word_of(numbers, at / 4, q[0] & 0xff | (q[1] & 0xff) << 8 | (q[2] & 0xff) << 16 | q[3] << 24);
  if (lane % 8 == 0) {
    int halves[2] = int[2](0, 0);
    [[unroll]] for (uint i = 0; i < 8; ++i) halves[i / 4] += fours_[lane + i];
    scales.at[at / 32] = scales_of(scale, halves);
  }
}

// The sum of squares of each block, for the first of its lanes. All lanes call it.
float squares_of_block(const float x[4], uint lane) {
  float sum = 0;
  [[unroll]] for (uint j = 0; j < 4; ++j) sum = fma(x[j], x[j], sum);
  barrier();
  if (lane < kRounding) squares_[lane] = sum;
  barrier();
  const uint first = min(lane, kRounding - 1) / 8 * 8;
  sum = squares_[first];
  [[unroll]] for (uint i = 1; i < 8; ++i) sum += squares_[first + i];
  return sum;
}
