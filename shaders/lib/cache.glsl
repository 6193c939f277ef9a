// Keys and values of a head, in pages as src/device/device.h draws them or, for kRows, as rows of a tensor.
#include "lib/memory.glsl"

const uint kF32 = 0, kF16 = 1, kQ8_0 = 2, kQ4_0 = 3, kRows = 4;

// Bytes of one head's page.
uint page_bytes(uint format, uint dim) {
  const uint values = kPageTokens * dim;
  switch (format) {
    case kF32: return values * 4;
    case kF16: return values * 2;
    case kQ8_0: return values + values / 32 * 2;
    default: return values / 2 + values / 32 * 2;
  }
}

// Where a block's bytes lie: 32 values of one token, `stride` apart, and its scale behind the page's numbers.
struct Place {
  uint64_t first, scale;
  uint stride;
};

Place key_place(uint format, uint64_t page, uint dim, uint token, uint d) {
  switch (format) {
    case kF32: return Place(page + (d * kPageTokens + token) * 4, 0, kPageTokens * 4);
    case kF16: return Place(page + (d * kPageTokens + token) * 2, 0, kPageTokens * 2);
    case kQ8_0:
      return Place(page + (d * kPageTokens + token), page + (kPageTokens * dim + (d / 32 * kPageTokens + token) * 2), kPageTokens);
    default:
      return Place(page + ((d / 32 * 16 + d % 16) * kPageTokens + token),
                   page + (kPageTokens * dim / 2 + (d / 32 * kPageTokens + token) * 2), kPageTokens);
  }
}

Place value_place(uint format, uint64_t page, uint dim, uint token, uint d) {
  switch (format) {
    case kF32: return Place(page + (token * dim + d) * 4, 0, 4);
    case kF16: return Place(page + (token * dim + d) * 2, 0, 2);
    case kQ8_0:
      return Place(page + (token * dim + d), page + (kPageTokens * dim + (token * (dim / 32) + d / 32) * 2), 1);
    default:
      return Place(page + (token * (dim / 2) + d / 32 * 16 + d % 16),
                   page + (kPageTokens * dim / 2 + (token * (dim / 32) + d / 32) * 2), 1);
  }
}

// The value at a place; d: which of the head, for whose nibble it is.
float read_place(uint format, Place place, uint d) {
  switch (format) {
    case kF32: return uintBitsToFloat(word_at(place.first));
    case kF16: return half_at(place.first);
    case kQ8_0: return float(bitfieldExtract(int(byte_at(place.first)), 0, 8)) * half_at(place.scale);
    default: {
      const uint byte_ = byte_at(place.first);
      return (float(d % 32 < 16 ? byte_ & 15 : byte_ >> 4) - 8) * half_at(place.scale);
    }
  }
}

// Of a value, the same of so many tokens later in its page.
Place later_value(uint format, Place place, uint dim, uint tokens) {
  const uint bytes = page_bytes(format, dim) / kPageTokens, of_scales = dim / 32 * 2;
  const bool plain = format == kF32 || format == kF16;
  return Place(place.first + tokens * (plain ? bytes : bytes - of_scales), place.scale + tokens * of_scales, place.stride);
}

vec4 halves4_at(uint64_t address) {
  const uvec2 words = words2_at(address);
  return vec4(unpackHalf2x16(words.x), unpackHalf2x16(words.y));
}

// Four values of which the first lies at a place: of a key, those of four tokens; of a value, d to d + 3.
vec4 read_four(uint format, Place place, uint d, const bool of_key) {
  if (format == kF32) return uintBitsToFloat(words4_at(place.first));
  if (format == kF16) return halves4_at(place.first);
  const uint word = word_at(place.first);
  const vec4 scale = of_key ? halves4_at(place.scale) : vec4(half_at(place.scale));
  if (format == kQ8_0) return vec4(unpack8(int32_t(word))) * scale;
  return (vec4(unpack8(word >> (d % 32 < 16 ? 0 : 4) & 0x0f0f0f0fu)) - 8) * scale;
}
