// Panels of the formats whose levels come from a table (panel_formats_iq.h reads them). Entries of code books, and their
// signs, become the levels of single weights.
#pragma once

#include "kernels/pack.h"
#include "tensor/quant/blocks.h"
#include "tensor/quant/iq_tables.h"

namespace troika::kernels {

inline void pack_mxfp4(Rows<quant::BlockMxfp4> b, std::byte* quants, std::byte* lines) {
  interleave_fours(4, [&](int r) { return b[r]->q; }, quants);
  for (int r = 0; r < kPanelRows; ++r) lines[r] = std::byte(b[r]->exponent ^ 0x80);  // less 128, as a signed byte
}

inline void pack_iq4_xs(Rows<quant::BlockIQ4XS> b, std::byte* quants, std::byte* lines) {
  interleave_fours(32, [&](int r) { return b[r]->q; }, quants);
  for (int r = 0; r < kPanelRows; ++r) {
    for (int g = 0; g < 8; ++g) {
      int scale = (b[r]->scales_low[g / 2] >> (g % 2 * 4) & 15) | (b[r]->scales_high >> (2 * g) & 3) << 4;
      lines[g * kPanelRows + r] = std::byte(scale - 32);
    }
  }
  lines += 8 * kPanelRows;
  interleave<uint16_t>(1, [&](int r) { return &b[r]->d; }, lines);
}

// Lines of nibbles of a row, eight in four: line i has byte i of n, and byte 4 + i above it.
inline void put_nibbles(uint64_t n, int row, std::byte* lines) {
  uint64_t both = n | n >> 28;
  for (int i = 0; i < 4; ++i) lines[i * kPanelRows + row] = std::byte(both >> (8 * i) & 255);
}

// Here and below words are put together by shifts, not in arrays: what is read at once should not have been written
// piece by piece.
inline void add_byte(uint64_t& bytes, uint32_t value, int i) { bytes |= uint64_t{value} << (8 * i); }

// The scales of eight groups as in the file: of 16 weights each, two in a byte.
inline void put_halves(const uint8_t (&scales)[8], int row, std::byte* lines) {
  for (int part = 0; part < 2; ++part) {
    uint64_t n = 0;
    for (int i = 0; i < 8; ++i) add_byte(n, scales[4 * part + i / 2] >> (i % 2 * 4) & 15, i);
    put_nibbles(n, row, lines + 4 * kPanelRows * part);
  }
}

// The 32 signs of a group, of a word of four times 7 bits.
inline uint32_t even_signs(uint32_t word) {
  const uint8_t* signs = quant::kEvenSigns.entry;
  return signs[word & 127] | signs[word >> 7 & 127] << 8 | signs[word >> 14 & 127] << 16 |
         uint32_t{signs[word >> 21 & 127]} << 24;
}

constexpr uint64_t kEach = 0x0101010101010101;

// The signs of run l, a byte each: 1 where negative.
inline uint64_t signs_of_run(uint32_t signs, int l) {
  uint64_t bits = signs >> (8 * l);
  return ((bits & 15) * 0x00204081 & 0x01010101) | ((bits >> 4 & 15) * 0x00204081 & 0x01010101) << 32;
}

// Four vectors of levels of 4 bits; run l: those of eight weights, a byte each.
inline void put_split_nibbles(const uint64_t (&run)[4], int row, std::byte* quants) {
  for (int i = 0; i < 2; ++i) {
    uint64_t both = run[i] | run[2 + i] << 4;
    put_four(static_cast<uint32_t>(both), 2 * i, row, quants);
    put_four(static_cast<uint32_t>(both >> 32), 2 * i + 1, row, quants);
  }
}

inline void pack_iq3_xxs(Rows<quant::BlockIQ3XXS> b, std::byte* quants, std::byte* lines) {
  const auto& book = quant::kIq3XxsBook.entry;
  for (int r = 0; r < kPanelRows; ++r) {
    uint64_t scales = 0;
    for (int g = 0; g < 8; ++g) {
      uint32_t word = b[r]->signs[2 * g] | uint32_t{b[r]->signs[2 * g + 1]} << 16, signs = even_signs(word);
      uint64_t run[4];
      for (int l = 0; l < 4; ++l) {
        const uint8_t* q = b[r]->q + 8 * g + 2 * l;
        uint64_t sizes = book[q[0]] | uint64_t{book[q[1]]} << 32;
        // The sizes 4, 12 … 52, 62 are told apart by what they hold of eights.
        run[l] = (sizes >> 3 & 7 * kEach) | signs_of_run(signs, l) << 3;
      }
      put_split_nibbles(run, r, quants + 256 * g);
      add_byte(scales, word >> 28, g);
    }
    put_nibbles(scales, r, lines);
  }
  lines += 4 * kPanelRows;
  interleave<uint16_t>(1, [&](int r) { return &b[r]->d; }, lines);
}

inline void pack_iq3_s(Rows<quant::BlockIQ3S> b, std::byte* quants, std::byte* lines) {
  const auto& book = quant::kIq3SBook.entry;
  for (int r = 0; r < kPanelRows; ++r) {
    uint64_t scales = 0;
    for (int g = 0; g < 8; ++g) {
      uint32_t signs;
      std::memcpy(&signs, b[r]->signs + 4 * g, sizeof signs);
      uint64_t run[4];
      for (int l = 0; l < 4; ++l) {
        const uint8_t* q = b[r]->q + 8 * g + 2 * l;
        int high = b[r]->high[g] >> (2 * l);
        uint64_t sizes = book[q[0] | (high & 1) << 8] | uint64_t{book[q[1] | (high & 2) << 7]} << 32;
        uint64_t negative = signs_of_run(signs, l);
        // ±(2m + 1) = 2n − 15: n is 8 + m, or 7 − m, which is the other with all four bits turned over.
        run[l] = (8 * kEach | (sizes >> 1 & 7 * kEach)) ^ 15 * negative;
      }
      put_split_nibbles(run, r, quants + 256 * g);
      add_byte(scales, b[r]->scales[g / 2] >> (g % 2 * 4) & 15, g);
    }
    put_nibbles(scales, r, lines);
  }
  lines += 4 * kPanelRows;
  interleave<uint16_t>(1, [&](int r) { return &b[r]->d; }, lines);
}

// Two vectors of levels of 2 bits; `run` l: those of eight weights, a byte each.
inline void put_pairs(const uint64_t (&run)[4], int row, std::byte* quants) {
  for (int i = 0; i < 2; ++i) {
    uint64_t first = run[2 * i] | run[2 * i + 1] << 4;
    put_four(static_cast<uint32_t>(first) | static_cast<uint32_t>(first >> 32) << 2, i, row, quants);
  }
}

// A group of IQ2: the sizes 8, 25, 43 are told apart by what they hold of sixteens.
inline void put_three_sizes(const uint64_t (&entry)[4], uint32_t signs, int row, std::byte* quants) {
  uint64_t run[4];
  for (int l = 0; l < 4; ++l) run[l] = entry[l] >> 4 & 3 * kEach;
  put_pairs(run, row, quants);
  put_four(spread_bits(signs), 2, row, quants);
}

inline void pack_iq2_xxs(Rows<quant::BlockIQ2XXS> b, std::byte* quants, std::byte* lines) {
  for (int r = 0; r < kPanelRows; ++r) {
    uint64_t scales = 0;
    for (int g = 0; g < 8; ++g) {
      uint32_t words[2];
      std::memcpy(words, b[r]->words + 4 * g, sizeof words);
      uint64_t entry[4];
      for (int l = 0; l < 4; ++l) entry[l] = quant::kIq2XxsBook.entry[words[0] >> (8 * l) & 255];
      put_three_sizes(entry, even_signs(words[1]), r, quants + 192 * g);
      add_byte(scales, words[1] >> 28, g);
    }
    put_nibbles(scales, r, lines);
  }
  lines += 4 * kPanelRows;
  interleave<uint16_t>(1, [&](int r) { return &b[r]->d; }, lines);
}

inline void pack_iq2_xs(Rows<quant::BlockIQ2XS> b, std::byte* quants, std::byte* lines) {
  for (int r = 0; r < kPanelRows; ++r) {
    for (int g = 0; g < 8; ++g) {
      uint64_t entry[4];
      uint32_t signs = 0;
      for (int l = 0; l < 4; ++l) {
        int q = b[r]->q[4 * g + l];
        entry[l] = quant::kIq2XsBook.entry[q & 511];
        signs |= uint32_t{quant::kEvenSigns.entry[q >> 9]} << (8 * l);
      }
      put_three_sizes(entry, signs, r, quants + 192 * g);
    }
    put_halves(b[r]->scales, r, lines);
  }
  lines += 8 * kPanelRows;
  interleave<uint16_t>(1, [&](int r) { return &b[r]->d; }, lines);
}

inline void pack_iq2_s(Rows<quant::BlockIQ2S> b, std::byte* quants, std::byte* lines) {
  for (int r = 0; r < kPanelRows; ++r) {
    for (int g = 0; g < 8; ++g) {
      uint64_t entry[4];
      for (int l = 0; l < 4; ++l) {
        entry[l] = quant::kIq2SBook.entry[b[r]->q[4 * g + l] | (b[r]->high[g] >> (2 * l) & 3) << 8];
      }
      uint32_t signs;
      std::memcpy(&signs, b[r]->signs + 4 * g, sizeof signs);
      put_three_sizes(entry, signs, r, quants + 192 * g);
    }
    put_halves(b[r]->scales, r, lines);
  }
  lines += 8 * kPanelRows;
  interleave<uint16_t>(1, [&](int r) { return &b[r]->d; }, lines);
}

// An entry of IQ1, bytes -8, 0, 8, as the levels 0, 1, 2: 1, and 1 more where bit 3 is set, and 2 less where bit 7 is.
inline uint64_t ternary_levels(uint64_t entry) {
  return kEach + (entry >> 3 & kEach) - (entry >> 6 & 2 * kEach);
}

inline void pack_iq1_s(Rows<quant::BlockIQ1S> b, std::byte* quants, std::byte* lines) {
  for (int r = 0; r < kPanelRows; ++r) {
    uint64_t scales = 0;
    for (int g = 0; g < 8; ++g) {
      int high = b[r]->high[g];
      uint64_t run[4];
      for (int l = 0; l < 4; ++l) {
        run[l] = ternary_levels(quant::kIq1Book.entry[b[r]->q[4 * g + l] | (high >> (3 * l) & 7) << 8]);
      }
      put_pairs(run, r, quants + 128 * g);
      add_byte(scales, static_cast<uint32_t>(high) >> 12, g);
    }
    put_nibbles(scales, r, lines);
  }
  lines += 4 * kPanelRows;
  interleave<uint16_t>(1, [&](int r) { return &b[r]->d; }, lines);
}

inline void pack_iq1_m(Rows<quant::BlockIQ1M> b, std::byte* quants, std::byte* lines) {
  for (int r = 0; r < kPanelRows; ++r) {
    uint64_t scales[2] = {};
    uint32_t shifts = 0;
    for (int g = 0; g < 8; ++g) {
      uint64_t run[4];
      for (int l = 0; l < 4; ++l) {
        int high = b[r]->high[2 * g + l / 2] >> (l % 2 * 4);
        run[l] = ternary_levels(quant::kIq1Book.entry[b[r]->q[4 * g + l] | (high & 7) << 8]);
        int vector = 2 * g + l / 2;
        shifts |= uint32_t{(high & 8) == 0} << (vector / 8 * 16 + l % 2 * 8 + vector % 8);
      }
      put_pairs(run, r, quants + 128 * g);
      for (int half = 0; half < 2; ++half) {
        add_byte(scales[g / 4], b[r]->scales[g / 2] >> (g % 2 * 6 + half * 3) & 7, g % 4 * 2 + half);
      }
    }
    put_four(shifts, 16, r, quants);
    for (int i = 0; i < 2; ++i) put_nibbles(scales[i], r, lines + 4 * kPanelRows * i);
    int d = 0;
    for (int i = 0; i < 4; ++i) d |= b[r]->scales[i] >> 12 << (4 * i);
    auto half = static_cast<uint16_t>(d);
    std::memcpy(lines + 8 * kPanelRows + r * sizeof half, &half, sizeof half);
  }
}

}  // namespace troika::kernels
