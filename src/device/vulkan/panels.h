// Weights in the layout that the shaders read: 16 rows of a matrix, interleaved in pieces of 16 bytes, so
// that 16 lanes which read the same piece of 16 rows read 256 bytes in a row. The bytes are the file's own
// blocks, only permuted:
//
//   panel = block 0 of the 16 rows | block 1 of the 16 rows | …
//   block = pieces | rests                    block_bytes * 16 bytes; P = block_bytes / 16 whole pieces a row
//   pieces = piece 0 of row 0 | piece 0 of row 1 | … row 15 | piece 1 of row 0 | … | piece P-1 of row 15
//   rests  = rest of row 0 | rest of row 1 | … | rest of row 15        block_bytes % 16 bytes each
//
//   pieces: bytes [head, head + 16 P) of the native block; rest: [0, head), then [head + 16 P, block_bytes)
//
// Plain floats count as blocks of 16 bytes, zeros behind the last of a row. Rows that the last panel lacks
// are zeros.
#pragma once

#include <cstddef>
#include <string_view>

#include "tensor/format.h"

namespace troika::device::vulkan {

inline constexpr int kPanelRows = 16;

struct PanelFormat {
  Format format;
  std::string_view shader;  // shaders/quant/<shader>.glsl
  int block_values, block_bytes;
  int head;  // bytes before the first piece, chosen so that the long arrays of a block are aligned pieces
};

// Null: there is no shader for the format.
const PanelFormat* find_panel_format(Format format);

// Bytes of one panel.
size_t panel_bytes(const PanelFormat& format, int columns);

// Rows [first, first + 16) of a matrix of `rows` rows become one panel. Any thread.
void pack_panel(const PanelFormat& format, const std::byte* matrix, int rows, int columns, int first,
                std::byte* panel);

}  // namespace troika::device::vulkan
