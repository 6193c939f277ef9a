// How blocks of 16 rows are interleaved: what all formats of panel.cpp share.
#pragma once

#include <cstring>

#include "kernels/panel.h"

namespace troika::kernels {

// A block of each row.
template <class Block>
using Rows = const Block* const (&)[kPanelRows];

// `count` vectors: four bytes of each row, `first(row)` being its first byte.
template <typename First>
void interleave_fours(int count, First first, std::byte*& to) {
  for (int row = 0; row < kPanelRows; ++row) {
    auto from = reinterpret_cast<const std::byte*>(first(row));
    for (int i = 0; i < count; ++i) std::memcpy(to + (i * kPanelRows + row) * 4, from + 4 * i, 4);
  }
  to += count * kPanelRows * 4;
}

// `count` lines of values of type T.
template <typename T, typename First>
void interleave(int count, First first, std::byte*& to) {
  for (int row = 0; row < kPanelRows; ++row) {
    auto from = reinterpret_cast<const std::byte*>(first(row));
    for (int i = 0; i < count; ++i) {
      std::memcpy(to + (i * kPanelRows + row) * sizeof(T), from + i * sizeof(T), sizeof(T));
    }
  }
  to += count * kPanelRows * sizeof(T);
}

// A row's four bytes of vector i.
inline void put_four(uint32_t four, int i, int row, std::byte* quants) {
  std::memcpy(quants + (i * kPanelRows + row) * 4, &four, sizeof four);
}

// Bits 4j … 4j+3 of a word come to lie in bit j of its four bytes: bits of a row in order become those of vectors.
inline uint32_t spread_bits(uint32_t bits) {
  struct Table {
    uint32_t of[256];
    constexpr Table() : of{} {
      for (uint32_t i = 0; i < 256; ++i) {
        for (int k = 0; k < 8; ++k) of[i] |= (i >> k & 1) << (8 * (k % 4) + k / 4);
      }
    }
  };
  static constexpr Table kSpread;
  return kSpread.of[bits & 255] | kSpread.of[bits >> 8 & 255] << 2 | kSpread.of[bits >> 16 & 255] << 4 |
         kSpread.of[bits >> 24] << 6;
}

}  // namespace troika::kernels
