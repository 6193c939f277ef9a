// 32 values as int8 and a scale (lib/int8.glsl).
#include "lib/int8.glsl"

layout(buffer_reference, std430, buffer_reference_align = 4) writeonly buffer WordsOut { VISIBLE int at[]; };

int int8_of(float x, float scale) {
  const float inverse = scale > 1e-30 ? 1 / scale : 0;
  return clamp(int(roundEven(x * inverse)), -127, 127);
}

void word_of(Numbers numbers, uint index, int word) { WordsOut(uint64_t(numbers)).at[index] = word; }

vec4 scales_of(float scale, const int sums[2]) { return vec4(scale, scale * sums[0], scale * sums[1], scale * (sums[0] + sums[1])); }

void quantise_block(const float x[32], Numbers numbers, Scales scales, uint block) {
  float largest = 0;
  [[unroll]] for (int i = 0; i < 32; ++i) largest = max(largest, abs(x[i]));
  const float scale = largest / 127;
  int words[8], sums[2] = int[2](0, 0);
  [[unroll]] for (int w = 0; w < 8; ++w) {
    words[w] = 0;
    [[unroll]] for (int b = 0; b < 4; ++b) {
      const int q = int8_of(x[4 * w + b], scale);
      words[w] |= (q & 0xff) << (8 * b);
      sums[w / 4] += q;
    }
  }
  numbers.at[block * 2] = ivec4(words[0], words[1], words[2], words[3]);
  numbers.at[block * 2 + 1] = ivec4(words[4], words[5], words[6], words[7]);
  scales.at[block] = scales_of(scale, sums);
}
