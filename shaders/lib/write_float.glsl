// A number of a head to its place in a cache of f16 or f32. Behind lib/cache.glsl.
layout(buffer_reference, std430, buffer_reference_align = 2) coherent writeonly buffer HalvesOut { uint16_t at[]; };
layout(buffer_reference, std430, buffer_reference_align = 4) coherent writeonly buffer FloatsOut { float at[]; };

// The nearest half, ties to even.
uint half_bits(float value) {
  const uint all = floatBitsToUint(value), sign_ = all >> 16 & 0x8000u, x = all & 0x7fffffffu;
  if (x > 0x7f800000u) return sign_ | 0x7e00u;
  if (x >= 0x477ff000u) return sign_ | 0x7c00u;
  if (x < 0x38800000u) return sign_ | uint(roundEven(uintBitsToFloat(x) * 16777216.0));
  return sign_ | (x + 0xfffu + (x >> 13 & 1) - 0x38000000u) >> 13;
}

void write_half(uint64_t address, float value) { HalvesOut(address).at[0] = uint16_t(half_bits(value)); }

void write_float(uint format, Place place, float value) {
  if (format == kF16) write_half(place.first, value);
  else FloatsOut(place.first).at[0] = value;
}
