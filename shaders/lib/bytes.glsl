// Arithmetic on the four bytes of a word at a time, none of which carries into its neighbour.
#ifndef TROIKA_BYTES
#define TROIKA_BYTES

// Signed bytes plus a number, of each word its own; no sum may leave -128..127. With the sign bit flipped the
// bytes count from 0, and so do the sums.
uvec4 add(uvec4 bytes, ivec4 numbers) {
  return ((bytes ^ 0x80808080u) + uvec4(numbers) * 0x01010101u) ^ 0x80808080u;
}
uvec4 add(uvec4 bytes, int number) { return add(bytes, ivec4(number)); }

// Bits 0..15 as 16 bytes of 0 or 1. By the multiplication bit k of four lands in bit 8k (k + 7k), and no two meet.
uvec4 spread_bits(uint bits) {
  return (uvec4(bits, bits >> 4, bits >> 8, bits >> 12) & 0xfu) * 0x00204081u & 0x01010101u;
}

// Bytes of 1..127, negative where bit i of the lower 16 is set for byte i.
uvec4 with_signs(uvec4 bytes, uint signs) {
  uvec4 negative = spread_bits(signs);
  return (bytes ^ negative * 0xffu) + negative;
}

#endif
