// The code books of the IQ formats: vectors of small numbers in memory (src/device/vulkan/grids.h), and the signs that
// go with them.
#ifndef TROIKA_CODE_BOOK
#define TROIKA_CODE_BOOK
#include "lib/memory.glsl"

// Two entries of eight bytes.
uvec4 eights_at(uint64_t tables, uint first, uint second) {
  return uvec4(words2_at(tables + first * 8), words2_at(tables + second * 8));
}

// Four entries of four bytes.
uvec4 fours_at(uint64_t tables, uvec4 index) {
  return uvec4(word_at(tables + index.x * 4), word_at(tables + index.y * 4), word_at(tables + index.z * 4),
               word_at(tables + index.w * 4));
}

// The four bytes of a word, each an index.
uvec4 indices(uint word) { return uvec4(word, word >> 8, word >> 16, word >> 24) & 0xffu; }

// Four bytes of seven signs get their eighth, which makes the number of set bits even.
uint even_signs(uint bytes) {
  uint parity = bytes ^ bytes >> 4;  // right in the lowest bit of a byte, in the end
  parity ^= parity >> 2;
  parity ^= parity >> 1;
  return bytes | (parity & 0x01010101u) << 7;
}

// Four times seven bits, one after the other, as four bytes.
uint sevens_to_bytes(uint bits) {
  return (bits & 0x7fu) | (bits & 0x3f80u) << 1 | (bits & 0x1fc000u) << 2 | (bits & 0x0fe00000u) << 3;
}

#endif
