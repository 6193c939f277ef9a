// Arithmetic on the four bytes of a word at a time, none of which carries into its neighbour.
#ifndef TROIKA_BYTES
#define TROIKA_BYTES

// Bytes of 0..127 minus a number of 0..128: the top bit, set, is what a byte borrows from.
uvec4 subtract(uvec4 bytes, uint number) {
  return ((bytes | 0x80808080u) - number * 0x01010101u) ^ 0x80808080u;
}

// Bits 0..15 as 16 bytes of 0 or 1. By the multiplication bit k of four lands in bit 8k (k + 7k), and no two meet.
uvec4 spread_bits(uint bits) {
  return (uvec4(bits, bits >> 4, bits >> 8, bits >> 12) & 0xfu) * 0x00204081u & 0x01010101u;
}

#endif
