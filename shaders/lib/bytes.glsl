// Arithmetic on the four bytes of a word at a time, none of which carries into its neighbour.
#ifndef TROIKA_BYTES
#define TROIKA_BYTES

// Bytes of 0..127 minus a number of 0..128: the top bit, set, is what a byte borrows from.
uvec4 subtract(uvec4 bytes, uint number) {
  return ((bytes | 0x80808080u) - number * 0x01010101u) ^ 0x80808080u;
}

#endif
