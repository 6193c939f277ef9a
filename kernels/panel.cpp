// How each format's blocks are interleaved; panel_formats.h reads them. Compiled for the plainest machine.
#include "kernels/panel.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "kernels/pack_iq.h"
#include "tensor/quant/blocks.h"

namespace troika::kernels {
namespace {

void pack_q8_0(Rows<quant::BlockQ8_0> b, std::byte* quants, std::byte* lines) {
  interleave_fours(8, [&](int r) { return b[r]->q; }, quants);
  interleave<uint16_t>(1, [&](int r) { return &b[r]->d; }, lines);
}

// Q4_0, IQ4_NL: split nibbles and one scale
template <class Block>
void pack_nibbles(Rows<Block> b, std::byte* quants, std::byte* lines) {
  interleave_fours(4, [&](int r) { return b[r]->q; }, quants);
  interleave<uint16_t>(1, [&](int r) { return &b[r]->d; }, lines);
}

void pack_q4_1(Rows<quant::BlockQ4_1> b, std::byte* quants, std::byte* lines) {
  pack_nibbles(b, quants, lines);
  lines += kPanelRows * sizeof(uint16_t);
  interleave<uint16_t>(1, [&](int r) { return &b[r]->m; }, lines);
}

template <class Block>
void pack_fives(Rows<Block> b, std::byte* quants) {
  interleave_fours(4, [&](int r) { return b[r]->q; }, quants);
  for (int r = 0; r < kPanelRows; ++r) {
    uint32_t fifths;
    std::memcpy(&fifths, b[r]->high, sizeof fifths);
    put_four(spread_bits(fifths), 0, r, quants);
  }
}

void pack_q5_0(Rows<quant::BlockQ5_0> b, std::byte* quants, std::byte* lines) {
  pack_fives(b, quants);
  interleave<uint16_t>(1, [&](int r) { return &b[r]->d; }, lines);
}

void pack_q5_1(Rows<quant::BlockQ5_1> b, std::byte* quants, std::byte* lines) {
  pack_fives(b, quants);
  interleave<uint16_t>(2, [&](int r) { return &b[r]->d; }, lines);
}

// Scales and mins of six bits, d, dmin
template <class Block>
void pack_k_lines(Rows<Block> b, std::byte* lines) {
  interleave<uint8_t>(12, [&](int r) { return b[r]->scales; }, lines);
  interleave<uint16_t>(2, [&](int r) { return &b[r]->d; }, lines);
}

void pack_q4_k(Rows<quant::BlockQ4K> b, std::byte* quants, std::byte* lines) {
  interleave_fours(32, [&](int r) { return b[r]->q; }, quants);
  pack_k_lines(b, lines);
}

void pack_q5_k(Rows<quant::BlockQ5K> b, std::byte* quants, std::byte* lines) {
  interleave_fours(32, [&](int r) { return b[r]->q; }, quants);
  interleave_fours(8, [&](int r) { return b[r]->high; }, quants);
  pack_k_lines(b, lines);
}

void pack_q6_k(Rows<quant::BlockQ6K> b, std::byte* quants, std::byte* lines) {
  interleave_fours(32, [&](int r) { return b[r]->ql; }, quants);
  interleave_fours(16, [&](int r) { return b[r]->qh; }, quants);
  interleave<uint8_t>(16, [&](int r) { return b[r]->scales; }, lines);
  interleave<uint16_t>(1, [&](int r) { return &b[r]->d; }, lines);
}

void pack_q2_k(Rows<quant::BlockQ2K> b, std::byte* quants, std::byte* lines) {
  interleave_fours(16, [&](int r) { return b[r]->q; }, quants);
  interleave<uint8_t>(16, [&](int r) { return b[r]->scales; }, lines);
  interleave<uint16_t>(2, [&](int r) { return &b[r]->d; }, lines);
}

void pack_q3_k(Rows<quant::BlockQ3K> b, std::byte* quants, std::byte* lines) {
  interleave_fours(16, [&](int r) { return b[r]->q; }, quants);
  interleave_fours(8, [&](int r) { return b[r]->high; }, quants);
  interleave<uint8_t>(12, [&](int r) { return b[r]->scales; }, lines);
  interleave<uint16_t>(1, [&](int r) { return &b[r]->d; }, lines);
}

void pack_tq2_0(Rows<quant::BlockTQ2_0> b, std::byte* quants, std::byte* lines) {
  interleave_fours(16, [&](int r) { return b[r]->q; }, quants);
  interleave<uint16_t>(1, [&](int r) { return &b[r]->d; }, lines);
}

// The first `kDigits` digits of `kCount` bytes of TQ1_0 (blocks.h).
template <int kCount, int kDigits>
void digits_of(const uint8_t* bytes, uint8_t* to) {
  uint16_t fraction[kCount];
  for (int i = 0; i < kCount; ++i) fraction[i] = bytes[i];
  for (int n = 0; n < kDigits; ++n) {
    for (int i = 0; i < kCount; ++i) {
      auto thrice = static_cast<uint16_t>(fraction[i] * 3);
      to[n * kCount + i] = static_cast<uint8_t>(thrice >> 8);
      fraction[i] = thrice & 255;
    }
  }
}

// Two bits for each digit, where TQ2_0 has them.
void pack_tq1_0(Rows<quant::BlockTQ1_0> b, std::byte* quants, std::byte* lines) {
  for (int r = 0; r < kPanelRows; ++r) {
    uint8_t digits[256], pairs[64];
    digits_of<32, 5>(b[r]->q, digits);
    digits_of<16, 5>(b[r]->q + 32, digits + 160);
    digits_of<4, 4>(b[r]->high, digits + 240);
    for (int half = 0; half < 2; ++half) {
      const uint8_t* d = digits + 128 * half;
      for (int i = 0; i < 32; ++i) {
        pairs[32 * half + i] = static_cast<uint8_t>(d[i] | d[32 + i] << 2 | d[64 + i] << 4 | d[96 + i] << 6);
      }
    }
    for (int i = 0; i < 16; ++i) std::memcpy(quants + (i * kPanelRows + r) * 4, pairs + 4 * i, 4);
  }
  interleave<uint16_t>(1, [&](int r) { return &b[r]->d; }, lines);
}

// The levels of a byte, a byte each. Bits 7..0, as written in groups of two, go
//   33221100 → ······33 ······22 ······11 ······00
uint32_t four_levels(uint32_t byte) { return (byte | byte << 6 | byte << 12 | byte << 18) & 0x03030303; }

void pack_q2_0(Rows<quant::BlockQ2_0> b, std::byte* quants, std::byte* lines) {
  for (int r = 0; r < kPanelRows; ++r) {
    for (int i = 0; i < 4; ++i) {
      uint32_t four = 0;
      for (int j = 0; j < 4; ++j) four |= four_levels(b[r]->q[4 * j + i]) << (2 * j);
      put_four(four, i, r, quants);
    }
  }
  interleave<uint16_t>(1, [&](int r) { return &b[r]->d; }, lines);
}

void pack_q1_0(Rows<quant::BlockQ1_0> b, std::byte* quants, std::byte* lines) {
  for (int r = 0; r < kPanelRows; ++r) {
    // Vector 4j + i is nibble i of two bytes: those nibbles of all j, together, are spread.
    uint16_t two[8];
    std::memcpy(two, b[r]->q, sizeof two);
    for (int i = 0; i < 4; ++i) {
      uint32_t nibbles = 0;
      for (int j = 0; j < 8; ++j) nibbles |= uint32_t(two[j] >> (4 * i) & 15) << (4 * j);
      put_four(spread_bits(nibbles), i, r, quants);
    }
  }
  interleave<uint16_t>(1, [&](int r) { return &b[r]->d; }, lines);
}

constexpr size_t kMostBlockBytes = 256;

template <class Block, void (*kPack)(Rows<Block>, std::byte*, std::byte*)>
void pack_as(const std::byte* const (&blocks)[kPanelRows], std::byte* quants, std::byte* lines) {
  static_assert(sizeof(Block) <= kMostBlockBytes && alignof(Block) <= 64);
  const Block* typed[kPanelRows];
  for (int r = 0; r < kPanelRows; ++r) typed[r] = reinterpret_cast<const Block*>(blocks[r]);
  kPack(typed, quants, lines);
}

// Columns of up to 16 rows of plain values, a stretch of each row after the other.
template <typename T>
void pack_plain(const std::byte* rows, int count, int columns, std::byte* panel) {
  constexpr int kStretch = 64;
  for (int k = 0; k < columns; k += kStretch) {
    int wide = std::min(kStretch, columns - k);
    for (int r = 0; r < kPanelRows; ++r) {
      const std::byte* from = rows + (size_t(r) * columns + k) * sizeof(T);
      std::byte* to = panel + (size_t(k) * kPanelRows + r) * sizeof(T);
      for (int i = 0; i < wide; ++i, to += kPanelRows * sizeof(T)) {
        T value = 0;
        if (r < count) std::memcpy(&value, from + i * sizeof(T), sizeof value);
        std::memcpy(to, &value, sizeof value);
      }
    }
  }
}

// Formats of 16 bits as floats. Loops over them have no branches, so that the compiler makes vectors of them.
struct Half {
  static constexpr int kInfinite = 0x7c00;
  // A half's bits, moved to where float32 has exponent and fraction, are the number times 2^-112.
  static float value(uint16_t bits) {
    uint32_t moved = (bits & 0x7fffu) << 13 | (bits & 0x8000u) << 16;
    float small;
    std::memcpy(&small, &moved, sizeof small);
    return small * 0x1p112f;
  }
};
struct BrainFloat {
  static constexpr int kInfinite = 0x7f80;
  static float value(uint16_t bits) {
    uint32_t wide = uint32_t{bits} << 16;
    float value;
    std::memcpy(&value, &wide, sizeof value);
    return value;
  }
};

// Rounds a group of a row; returns the scale as bf16.
template <class Float>
uint16_t round_to_int16(const uint16_t (&from)[kPairGroup], int16_t (&to)[kPairGroup]) {
  int16_t most = 0;  // magnitudes are in the order of their bits
  for (uint16_t bits : from) most = std::max(most, static_cast<int16_t>(bits & 0x7fff));
  float largest = Float::value(static_cast<uint16_t>(most)), step, to_steps = 0;
  uint32_t bits;
  std::memcpy(&bits, &largest, sizeof bits);
  bits &= 0x7f800000;  // the power of two that is not above it
  std::memcpy(&step, &bits, sizeof step);
  step *= kPairStep;
  if (most >= Float::kInfinite || largest < kLeastPaired) {
    std::fill_n(to, kPairGroup, int16_t{0});
    return most >= Float::kInfinite ? 0x7fc0 : 0;
  }
  to_steps = 1 / step;
  for (int i = 0; i < kPairGroup; ++i) {
    // Added to 1.5 · 2^23 a number loses its fraction to the nearest, of two as near to the even one; the lowest bits
    // of the sum are the whole number's.
    float rounded = Float::value(from[i]) * to_steps + 12582912.0f;
    uint32_t whole;
    std::memcpy(&whole, &rounded, sizeof whole);
    to[i] = static_cast<int16_t>(whole);
  }
  std::memcpy(&bits, &step, sizeof bits);
  return static_cast<uint16_t>(bits >> 16);
}

// To be multiplied in int16.
template <class Float>
void pack_pairs(const std::byte* rows, int count, int columns, std::byte* panel) {
  constexpr size_t kPairBytes = kPanelRows * 2 * sizeof(int16_t), kLineBytes = kPanelRows * sizeof(uint16_t);
  for (int k = 0; k < columns; k += kStretchColumns) {
    int in_stretch = std::min(kStretchColumns, columns - k), groups = (in_stretch + kPairGroup - 1) / kPairGroup;
    std::byte *lines = panel, *quants = panel + (groups * kLineBytes + 63) / 64 * 64;
    std::fill(panel, quants, std::byte{0});
    for (int first = 0; first < in_stretch; first += kPairGroup, lines += kLineBytes) {
      int wide = std::min(kPairGroup, in_stretch - first);
      for (int r = 0; r < kPanelRows; ++r) {
        uint16_t from[kPairGroup] = {};
        int16_t values[kPairGroup];
        if (r < count) {
          std::memcpy(from, rows + (size_t(r) * columns + k + first) * sizeof(uint16_t), wide * sizeof(uint16_t));
        }
        uint16_t scale = round_to_int16<Float>(from, values);
        std::byte* to = quants + size_t(first) / 2 * kPairBytes + r * 2 * sizeof(int16_t);
        for (int i = 0; i < wide; i += 2, to += kPairBytes) std::memcpy(to, values + i, 2 * sizeof(int16_t));
        std::memcpy(lines + r * sizeof scale, &scale, sizeof scale);
      }
    }
    panel = quants + size_t(in_stretch + 1) / 2 * kPairBytes;
  }
}

constexpr PanelFormat kPanelFormats[] = {
    {Format::f32, 64, 0, nullptr, pack_plain<uint32_t>},
    {Format::f16, 32, 0, nullptr, pack_plain<uint16_t>},
    {Format::bf16, 32, 0, nullptr, pack_plain<uint16_t>},
    {Format::q8_0, 512, 32, pack_as<quant::BlockQ8_0, pack_q8_0>},
    {Format::q4_0, 256, 32, pack_as<quant::BlockQ4_0, pack_nibbles>},
    {Format::q4_1, 256, 64, pack_as<quant::BlockQ4_1, pack_q4_1>},
    {Format::q5_0, 320, 32, pack_as<quant::BlockQ5_0, pack_q5_0>},
    {Format::q5_1, 320, 64, pack_as<quant::BlockQ5_1, pack_q5_1>},
    {Format::iq4_nl, 256, 32, pack_as<quant::BlockIQ4NL, pack_nibbles>},
    {Format::q4_k, 2048, 256, pack_as<quant::BlockQ4K, pack_q4_k>},
    {Format::q5_k, 2560, 256, pack_as<quant::BlockQ5K, pack_q5_k>},
    {Format::q6_k, 3072, 288, pack_as<quant::BlockQ6K, pack_q6_k>},
    {Format::q2_k, 1024, 320, pack_as<quant::BlockQ2K, pack_q2_k>},
    {Format::q3_k, 1536, 224, pack_as<quant::BlockQ3K, pack_q3_k>},
    {Format::q1_0, 256, 32, pack_as<quant::BlockQ1_0, pack_q1_0>},
    {Format::q2_0, 256, 32, pack_as<quant::BlockQ2_0, pack_q2_0>},
    {Format::tq2_0, 1024, 32, pack_as<quant::BlockTQ2_0, pack_tq2_0>},
    {Format::mxfp4, 256, 16, pack_as<quant::BlockMxfp4, pack_mxfp4>},
    // More bytes than the file has (the padding of stretches included)
    {Format::iq4_xs, 2048, 160, pack_as<quant::BlockIQ4XS, pack_iq4_xs>},    // ×1.03: scales of a byte
    {Format::tq1_0, 1024, 32, pack_as<quant::BlockTQ1_0, pack_tq1_0>},       // ×1.26: 2 bits for a digit
    {Format::iq3_s, 2048, 96, pack_as<quant::BlockIQ3S, pack_iq3_s>},        // ×1.24: 4 bits a weight
    {Format::iq3_xxs, 2048, 96, pack_as<quant::BlockIQ3XXS, pack_iq3_xxs>},  // ×1.39
    {Format::iq2_s, 1536, 160, pack_as<quant::BlockIQ2S, pack_iq2_s>},       // ×1.32: 3 bits
    {Format::iq2_xs, 1536, 160, pack_as<quant::BlockIQ2XS, pack_iq2_xs>},    // ×1.46
    {Format::iq2_xxs, 1536, 96, pack_as<quant::BlockIQ2XXS, pack_iq2_xxs>},  // ×1.58
    {Format::iq1_m, 1088, 160, pack_as<quant::BlockIQ1M, pack_iq1_m>},       // ×1.43: 2 bits, and 1 for each 8 weights
    {Format::iq1_s, 1024, 96, pack_as<quant::BlockIQ1S, pack_iq1_s>},        // ×1.44: 2 bits
};

constexpr PanelFormat kInt16Panels[] = {
    {Format::f16, 32, 32, nullptr, pack_pairs<Half>, kPairGroup},
    {Format::bf16, 32, 32, nullptr, pack_pairs<BrainFloat>, kPairGroup},
};

}  // namespace

const PanelFormat* find_panel_format(Format format, Arithmetic arithmetic) {
  auto rows = arithmetic == Arithmetic::int16 ? std::span<const PanelFormat>(kInt16Panels) : kPanelFormats;
  for (const PanelFormat& f : rows) {
    if (f.format == format) return &f;
  }
  return nullptr;
}

size_t panel_bytes(const PanelFormat& format, int columns) {
  int block_values = info(format.format).block_values, line_columns = std::max(format.line_columns, block_values);
  auto padded = [](int bytes) { return (size_t(bytes) + 63) / 64 * 64; };
  auto stretch = [&](int of) {
    return padded(of / block_values * format.quant_bytes) +
           padded((of + line_columns - 1) / line_columns * format.line_bytes);
  };
  return columns / kStretchColumns * stretch(kStretchColumns) + stretch(columns % kStretchColumns);
}

void pack_panel(const PanelFormat& format, const std::byte* matrix, int rows, int columns, int first, std::byte* panel) {
  alignas(64) static constexpr std::byte kZeros[kMostBlockBytes] = {};  // a block of a row that there is not
  const FormatInfo& f = info(format.format);
  size_t stride = row_bytes(format.format, columns);
  std::byte* end = panel + panel_bytes(format, columns);
  if (!format.pack) {
    std::fill(panel + size_t(columns) / 2 * 2 * format.quant_bytes, end, std::byte{0});  // what an odd column leaves
    return format.pack_plain(matrix + first * stride, rows - first, columns, panel);
  }
  for (int k = 0; k < columns; k += kStretchColumns) {
    int count = std::min(kStretchColumns, columns - k) / f.block_values;
    std::byte *quants = panel, *lines = panel + size_t(count) * format.quant_bytes;
    panel += panel_bytes(format, count * f.block_values);
    for (int block = k / f.block_values, last = block + count; block < last; ++block) {
      const std::byte* blocks[kPanelRows];
      for (int r = 0; r < kPanelRows; ++r) {
        blocks[r] = first + r < rows ? matrix + size_t(first + r) * stride + size_t(block) * f.block_bytes : kZeros;
      }
      format.pack(blocks, quants, lines);
      quants += format.quant_bytes;
      lines += format.line_bytes;
    }
    std::fill(lines, panel, std::byte{0});
  }
}

}  // namespace troika::kernels
