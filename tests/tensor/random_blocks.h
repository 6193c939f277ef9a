// Weights in any format for tests: packed where Troika packs the format, else random blocks of about the values'
// size.
#pragma once

#include <cmath>
#include <cstring>
#include <random>
#include <span>
#include <vector>

#include "base/half.h"
#include "tensor/format.h"

namespace troika {

// Sets the half that scales a block. All formats that are only read begin with it, but for iq1_m, which has it in
// the top nibbles of its last four words.
inline void set_block_scale(Format format, std::byte* block, float scale) {
  uint16_t half = float_to_f16(scale);
  if (format != Format::iq1_m) {
    std::memcpy(block, &half, sizeof half);
    return;
  }
  for (int i = 0; i < 4; ++i) {
    std::byte& high = block[48 + 2 * i + 1];
    high = (high & std::byte{0x0f}) | std::byte(half >> (4 * i) & 15) << 4;
  }
}

inline double rms(std::span<const float> values) {
  double squares = 0;
  for (float v : values) squares += double{v} * v;
  return std::sqrt(squares / static_cast<double>(values.size()));
}

inline std::vector<std::byte> random_blocks(Format format, std::span<const float> like) {
  const FormatInfo& f = info(format);
  std::vector<std::byte> bytes(like.size() / f.block_values * f.block_bytes);
  std::vector<float> values(f.block_values);
  std::mt19937 random(static_cast<uint32_t>(like.size()));
  double size = rms(like);
  for (size_t at = 0; at < bytes.size(); at += f.block_bytes) {
    for (int i = 0; i < f.block_bytes; ++i) bytes[at + i] = static_cast<std::byte>(random());
    set_block_scale(format, &bytes[at], 1);
    f.unpack(&bytes[at], values);
    double some_more_or_less = 0.5 + static_cast<double>(random() % 1024) / 1024;
    set_block_scale(format, &bytes[at], static_cast<float>(some_more_or_less * size / rms(values)));
  }
  return bytes;
}

inline std::vector<std::byte> as_blocks(Format format, std::span<const float> values) {
  const FormatInfo& f = info(format);
  if (!f.pack) return random_blocks(format, values);
  std::vector<std::byte> bytes(values.size() / f.block_values * f.block_bytes);
  f.pack(values, {}, bytes.data());
  return bytes;
}

}  // namespace troika
