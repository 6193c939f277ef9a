// Weights as panels: 16 rows of a matrix, interleaved so that one load reads the same columns of all of them. A panel
// takes the bytes that its rows take in the file (where panel.cpp says so, up to 1.6 times as many), in another order:
//
//   panel   = stretches of 256 columns, the last of what is left, each padded to 64 bytes
//   stretch = quants of its blocks | lines of its blocks             a block: the 32 … 256 columns of the format's own
//   quants  = vectors of 64 bytes: 4 bytes of row 0 | 4 bytes of row 1 | … | 4 bytes of row 15
//   lines   = scales and mins: one byte (or half) of row 0, of row 1, … of row 15, then the next
//
// Plain floats have no lines: column 0 of the 16 rows, column 1, … To be multiplied in int16, those of 16 bits are rounded
// in groups of 64 columns, each row with a scale of its own:
//
//   stretch = lines of its groups, padded to 64 bytes | quants
//   lines   = scales of rows 0 … 15 as bf16, powers of two: 2^-11 of the one just below the group's largest
//   quants  = vectors of 64 bytes: 2 columns of row 0 | 2 columns of row 1 | … , an int16 each, |q| ≤ 4095; a zero behind
//             the last of an odd number
//
// A group that has a number that is not finite has a scale that is no number. Rows that a last panel lacks are zeros.
#pragma once

#include <cstddef>
#include <span>

#include "tensor/format.h"

namespace troika::kernels {

inline constexpr int kPanelRows = 16;
inline constexpr int kStretchColumns = 256;

// What numbers are multiplied as. Every weight can be multiplied in float32; what is faster, a table says (kernel_table.h).
enum class Arithmetic { float32, int8, int16 };
inline constexpr int kArithmetics = 3;

inline constexpr int kPairGroup = 64;              // columns of int16 that share a scale
inline constexpr float kPairStep = 0x1p-11f;       // the scale of a group whose largest magnitude is 1 … 2
inline constexpr float kLeastPaired = 0x1p-115f;   // a group whose largest is below becomes zeros: its scale is no float

struct PanelFormat {
  Format format;
  int quant_bytes;  // of a block of 16 rows; of plain values, of a column
  int line_bytes;
  // One block of each of the 16 rows; null: plain values, which pack_plain takes.
  void (*pack)(const std::byte* const (&blocks)[kPanelRows], std::byte* quants, std::byte* lines);
  // All columns of up to 16 rows that follow each other.
  void (*pack_plain)(const std::byte* rows, int count, int columns, std::byte* panel) = nullptr;
  int line_columns = 0;  // of a row of plain values that share lines; 0: there are none
};

// Of panels to be multiplied so. Null: weights of this format are read as they lie in the file.
const PanelFormat* find_panel_format(Format format, Arithmetic arithmetic);

// Bytes of one panel, a multiple of 64.
size_t panel_bytes(const PanelFormat& format, int columns);

// Rows [first, first + 16) of a matrix of `rows` rows become one panel. Fast enough to follow memory; any thread.
void pack_panel(const PanelFormat& format, const std::byte* matrix, int rows, int columns, int first, std::byte* panel);

}  // namespace troika::kernels
