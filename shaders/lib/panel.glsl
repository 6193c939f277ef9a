// Where the bytes of a row lie in a panel: 16 rows of a matrix, interleaved block by block. A block of 16 rows, whose
// native blocks have B bytes each, P = B / 16 whole pieces of them:
//
//   piece 0 of row 0 | piece 0 of row 1 | … row 15 | piece 1 of row 0 | … | piece P-1 of row 15    16 bytes each
//   rest of row 0 | rest of row 1 | … | rest of row 15                                             B % 16 bytes each
//
// The pieces are native bytes [head, head + 16 P), the rest is the `head` bytes before them, then those behind them
// (src/device/vulkan/panels.cpp has the heads).
#ifndef TROIKA_PANEL
#define TROIKA_PANEL
#include "lib/memory.glsl"

// Offsets are 32 bits, so that one 64-bit addition is left.
uint64_t piece_address(uint64_t block, uint row, uint index) { return block + (index * 256 + row * 16); }
uvec4 piece(uint64_t block, uint row, uint index) { return words4_at(piece_address(block, row, index)); }

uint64_t rest_address(uint64_t block, uint row, uint block_bytes) {
  return block + (block_bytes / 16 * 256 + row * (block_bytes % 16));
}

#endif
