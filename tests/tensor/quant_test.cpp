// The table of formats: sizes, the recorded blocks of the reference, and that packing loses no more than it
// must.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "base/error.h"
#include "base/half.h"
#include "tensor/format.h"
#include "tensor/quant/blocks.h"

namespace troika {
namespace {

std::vector<float> random_values(size_t count, float deviation, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, deviation);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

std::vector<std::byte> packed(const FormatInfo& f, std::span<const float> values,
                              std::span<const float> importance = {}) {
  size_t bytes = values.size() / f.block_values * f.block_bytes;
  std::vector<std::byte> out(bytes + 16, std::byte{0xa5});
  f.pack(values, importance, out.data());
  for (size_t i = bytes; i < out.size(); ++i)
    EXPECT_EQ(out[i], std::byte{0xa5}) << f.name << " wrote past its blocks";
  out.resize(bytes);
  return out;
}

std::vector<float> unpacked(const FormatInfo& f, std::span<const std::byte> bytes) {
  std::vector<float> values(bytes.size() / f.block_bytes * f.block_values + 1, 12345.0f);
  f.unpack(bytes.data(), std::span(values).first(values.size() - 1));
  EXPECT_EQ(values.back(), 12345.0f) << f.name << " wrote past its values";
  values.pop_back();
  return values;
}

double squared_error(std::span<const float> a, std::span<const float> b, std::span<const float> weight = {}) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i)
    sum += (weight.empty() ? 1.0 : weight[i]) * (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
  return sum;
}

double packing_error(Format format, std::span<const float> values) {
  const FormatInfo& f = info(format);
  return squared_error(values, unpacked(f, packed(f, values)));
}

double relative_error(const FormatInfo& f, std::span<const float> values) {
  auto back = unpacked(f, packed(f, values));
  std::vector<float> zeros(values.size());
  return std::sqrt(squared_error(values, back) / squared_error(values, zeros));
}

// What the simplest packing of Q4_K (top 15) or Q5_K (31) would lose: the range of each group in `top` steps,
// scales and minima rounded to 6 bits of their largest.
double plain_lines_error(std::span<const float> x, float top) {
  double error = 0;
  for (size_t block = 0; block < x.size(); block += 256) {
    float scale[8], minimum[8], d = 0, dmin = 0;
    for (int g = 0; g < 8; ++g) {
      float low = 0, high = x[block + g * 32];
      for (int i = 0; i < 32; ++i) {
        low = std::min(low, x[block + g * 32 + i]);
        high = std::max(high, x[block + g * 32 + i]);
      }
      scale[g] = (high - low) / top;
      minimum[g] = -low;
      d = std::max(d, scale[g] / 63);
      dmin = std::max(dmin, minimum[g] / 63);
    }
    d = f16_to_float(float_to_f16(d));
    dmin = f16_to_float(float_to_f16(dmin));
    for (int i = 0; i < 256; ++i) {
      float s = d * std::min(63.0f, std::round(scale[i / 32] / d));
      float m = dmin == 0 ? 0 : dmin * std::min(63.0f, std::round(minimum[i / 32] / dmin));
      float q = s == 0 ? 0 : std::clamp(std::round((x[block + i] + m) / s), 0.0f, top);
      double off = double{s * q - m} - x[block + i];
      error += off * off;
    }
  }
  return error;
}

double plain_q6_k_error(std::span<const float> x) {
  double error = 0;
  for (size_t block = 0; block < x.size(); block += 256) {
    float step[16], largest = 0;
    for (int g = 0; g < 16; ++g) {
      float peak = 0;
      for (int i = 0; i < 16; ++i)
        if (std::fabs(x[block + g * 16 + i]) > std::fabs(peak)) peak = x[block + g * 16 + i];
      step[g] = peak / -32;
      if (std::fabs(step[g]) > std::fabs(largest)) largest = step[g];
    }
    float d = f16_to_float(float_to_f16(largest / -128));
    for (int i = 0; i < 256; ++i) {
      float s = d * std::clamp(std::round(step[i / 16] / d), -128.0f, 127.0f);
      float q = s == 0 ? 0 : std::clamp(std::round(x[block + i] / s), -32.0f, 31.0f);
      double off = double{s * q} - x[block + i];
      error += off * off;
    }
  }
  return error;
}

std::vector<std::byte> from_hex(const std::string& hex) {
  std::vector<std::byte> bytes(hex.size() / 2);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  return bytes;
}

std::filesystem::path shared_folder() {
  const char* set = std::getenv("TROIKA_SHARED");
  return set ? std::filesystem::path(set) : std::filesystem::path(TROIKA_SOURCE_DIR) / "../shared";
}

TEST(Formats, UnpackTheRecordedBlocksBitForBit) {
  auto path = shared_folder() / "data/quant-goldens/main.json";
  std::ifstream in(path);
  if (!in)
    GTEST_SKIP() << "no recorded blocks at " << path << " (set TROIKA_SHARED to the folder that has them)";
  auto goldens = nlohmann::json::parse(in);
  int compared = 0;
  for (const auto& [name, golden] : goldens.items()) {
    auto format = find_format(name);
    if (!format) continue;
    const FormatInfo& f = info(*format);
    EXPECT_EQ(static_cast<int>(f.format), golden["type_id"]);
    EXPECT_EQ(f.block_values, golden["block_size"]);
    EXPECT_EQ(f.block_bytes, golden["type_size"]);
    auto blocks = from_hex(golden["blocks_hex"]), expected = from_hex(golden["f32_le_hex"]);
    auto values = unpacked(f, blocks);
    ASSERT_EQ(values.size() * 4, expected.size()) << name;
    for (size_t i = 0; i < values.size(); ++i) {
      float want;
      std::memcpy(&want, expected.data() + 4 * i, 4);
      ASSERT_EQ(std::bit_cast<uint32_t>(values[i]), std::bit_cast<uint32_t>(want))
          << name << " weight " << i << ": " << values[i] << " instead of " << want;
    }
    ++compared;
  }
  EXPECT_EQ(compared, 9);  // Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q4_K Q5_K Q6_K BF16
}

TEST(Formats, AreFoundByNameInAnyCaseAndByNumber) {
  EXPECT_EQ(find_format("Q4_K"), Format::q4_k);
  EXPECT_EQ(find_format("bf16"), Format::bf16);
  EXPECT_EQ(find_format("q4"), std::nullopt);
  EXPECT_EQ(find_format(""), std::nullopt);
  EXPECT_EQ(find_format(14u), Format::q6_k);
  EXPECT_EQ(find_format(4u), std::nullopt);
  for (const FormatInfo& f : formats()) EXPECT_EQ(&info(f.format), &f);
}

TEST(Formats, BytesOfAShapeAreThoseOfItsBlocks) {
  EXPECT_EQ(bytes_of(Format::f32, {3, 5}), 60u);
  EXPECT_EQ(bytes_of(Format::q4_k, {7, 512}), 7u * 288);
  EXPECT_EQ(bytes_of(Format::q6_k, {2, 3, 4, 256}), 24u * 210);
  EXPECT_THROW(bytes_of(Format::q4_k, {7, 255}), Error);
  EXPECT_THROW(bytes_of(Format::q8_0, {7, 16}), Error);
  EXPECT_THROW(bytes_of(Format::f32, {2147483647, 2147483647, 2147483647, 4}), Error);
}

TEST(Formats, PackNothingIntoNothing) {
  for (const FormatInfo& f : formats()) {
    f.pack({}, {}, nullptr);
    f.unpack(nullptr, {});
  }
}

TEST(Formats, LoseNoMoreOfGaussianWeightsThanTheirBitsMust) {
  struct {
    Format format;
    double bound;
  } bounds[] = {
      {Format::f32, 0},       {Format::f16, 3e-4},    {Format::bf16, 2.5e-3}, {Format::q8_0, 6e-3},
      {Format::q4_0, 9.5e-2}, {Format::q4_1, 8.4e-2}, {Format::q5_0, 4.7e-2}, {Format::q5_1, 4.1e-2},
      {Format::q4_k, 7.2e-2}, {Format::q5_k, 3.7e-2}, {Format::q6_k, 1.8e-2},
  };
  auto values = random_values(64 * 256, 0.02f, 1);
  for (auto [format, bound] : bounds)
    EXPECT_LE(relative_error(info(format), values), bound) << info(format).name;
}

TEST(Formats, KQuantsAreNeverWorseThanPlainRounding) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    auto values = random_values(256, seed % 3 == 0 ? 5.0f : 0.01f, seed);
    if (seed % 4 == 1) values[seed % 256] *= 30;  // an outlier
    if (seed % 4 == 2)
      for (float& value : values) value += 0.05f;  // all on one side
    if (seed % 4 == 3)
      for (float& value : values) value = std::fabs(value);
    EXPECT_LE(packing_error(Format::q4_k, values), plain_lines_error(values, 15) * (1 + 1e-5)) << "seed " << seed;
    EXPECT_LE(packing_error(Format::q5_k, values), plain_lines_error(values, 31) * (1 + 1e-5)) << "seed " << seed;
    EXPECT_LE(packing_error(Format::q6_k, values), plain_q6_k_error(values) * (1 + 1e-5)) << "seed " << seed;
  }
}

TEST(Formats, KQuantsGainMuchOverPlainRounding) {
  auto values = random_values(64 * 256, 0.02f, 5);
  EXPECT_LE(packing_error(Format::q4_k, values), plain_lines_error(values, 15) * 0.9);
  EXPECT_LE(packing_error(Format::q5_k, values), plain_lines_error(values, 31) * 0.9);
  EXPECT_LE(packing_error(Format::q6_k, values), plain_q6_k_error(values) * 0.9);
}

TEST(Formats, KQuantsSpendTheirErrorWhereItMattersLeast) {
  auto values = random_values(16 * 256, 0.02f, 9);
  std::vector<float> importance(values.size());
  for (size_t i = 0; i < importance.size(); ++i) importance[i] = i % 8 == 0 ? 100.0f : 1.0f;
  for (Format format : {Format::q4_k, Format::q5_k, Format::q6_k}) {
    const FormatInfo& f = info(format);
    double weighed = squared_error(values, unpacked(f, packed(f, values, importance)), importance);
    double even = squared_error(values, unpacked(f, packed(f, values)), importance);
    EXPECT_LT(weighed, even * 0.9) << f.name;
  }
}

TEST(Formats, ZerosStayZeros) {
  std::vector<float> zeros(512);
  for (const FormatInfo& f : formats())
    for (float value : unpacked(f, packed(f, zeros))) EXPECT_EQ(value, 0.0f) << f.name;
}

TEST(Formats, ConstantBlocksKeepTheirValue) {
  for (float constant : {1.0f, -1.0f, 0.37f, -250.0f}) {
    std::vector<float> values(256, constant);
    for (const FormatInfo& f : formats()) {
      if (f.format == Format::i32) continue;
      for (float value : unpacked(f, packed(f, values)))
        EXPECT_NEAR(value, constant, std::fabs(constant) * 5e-3) << f.name;
    }
  }
}

TEST(Formats, TinyAndHugeValuesGiveFiniteNumbers) {
  for (float size : {1e-45f, 1e-38f, 1e-20f, 1e-8f, 1e-5f, 1e4f, 6e4f, 1e6f, 1e20f, 3e38f}) {
    auto values = random_values(512, 1, 3);
    for (float& value : values) value *= size;
    for (const FormatInfo& f : formats()) {
      if (f.block_values == 1) continue;
      auto back = unpacked(f, packed(f, values));
      for (size_t i = 0; i < back.size(); ++i)
        ASSERT_TRUE(std::isfinite(back[i])) << f.name << " at size " << size;
      if (size > 1e-3f && size <= 1e4f) {
        EXPECT_LT(relative_error(f, values), 0.1) << f.name << " at size " << size;
      }
    }
  }
}

TEST(Formats, NotANumberAndInfinityDoNoHarmToTheOtherValues) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  for (const FormatInfo& f : formats()) {
    if (f.block_values == 1) continue;
    auto values = random_values(512, 1, 4);
    values[3] = nan;
    auto back = unpacked(f, packed(f, values));
    values[3] = 0;
    EXPECT_LT(squared_error(values, back), 0.01 * 512) << f.name;
    values[7] = inf;
    values[300] = -inf;
    for (float value : unpacked(f, packed(f, values))) EXPECT_TRUE(std::isfinite(value)) << f.name;
    std::vector<float> all(256, nan);
    for (float value : unpacked(f, packed(f, all))) EXPECT_EQ(value, 0.0f) << f.name;
    std::vector<float> bad_importance(512, nan);
    bad_importance[5] = inf;
    bad_importance[6] = -1;
    for (float value : unpacked(f, packed(f, values, bad_importance)))
      EXPECT_TRUE(std::isfinite(value)) << f.name;
  }
}

TEST(Formats, PackingWhatWasUnpackedChangesLittle) {
  auto values = random_values(8 * 256, 0.05f, 6);
  for (const FormatInfo& f : formats()) {
    if (f.format == Format::i32) continue;
    auto once = unpacked(f, packed(f, values));
    auto twice = unpacked(f, packed(f, once));
    double bound = 0.2 * squared_error(values, once) + 1e-12;
    EXPECT_LE(squared_error(once, twice), bound) << f.name;
  }
}

TEST(Formats, Q8RoundsHalvesAwayFromZero) {
  std::vector<float> values(32);
  values[0] = 127;
  values[1] = 2.5f;
  values[2] = -2.5f;
  values[3] = -127;
  auto bytes = packed(info(Format::q8_0), values);
  quant::BlockQ8_0 block;
  std::memcpy(&block, bytes.data(), sizeof block);
  EXPECT_EQ(f16_to_float(block.d), 1.0f);
  EXPECT_EQ(block.q[0], 127);
  EXPECT_EQ(block.q[1], 3);
  EXPECT_EQ(block.q[2], -3);
  EXPECT_EQ(block.q[3], -127);
}

TEST(Formats, Q4GivesTheLargestMagnitudeTheSideOfEightSteps) {
  std::vector<float> values(32);
  values[0] = 16;
  values[17] = -14;
  auto bytes = packed(info(Format::q4_0), values);
  quant::BlockQ4_0 block;
  std::memcpy(&block, bytes.data(), sizeof block);
  EXPECT_EQ(f16_to_float(block.d), -2.0f);
  EXPECT_EQ(block.q[0], 0 | 8 << 4);
  EXPECT_EQ(block.q[1], 8 | 15 << 4);
}

TEST(Formats, Q5GivesTheLargestMagnitudeTheSideOfSixteenSteps) {
  std::vector<float> values(32);
  values[0] = 32;
  values[17] = -30;
  auto bytes = packed(info(Format::q5_0), values);
  quant::BlockQ5_0 block;
  std::memcpy(&block, bytes.data(), sizeof block);
  EXPECT_EQ(f16_to_float(block.d), -2.0f);
  EXPECT_EQ(block.q[0], 0);         // weight 0: level 0; weight 16: level 16
  EXPECT_EQ(block.q[1], 15 << 4);   // weight 1: level 16; weight 17: level 31
  EXPECT_EQ(block.high[0], 0xfe);   // all but weight 0
  EXPECT_EQ(block.high[2], 0xff);
}

TEST(Formats, RangedBlocksLayTheirLevelsFromTheLeastToTheGreatest) {
  for (auto [format, top] : {std::pair{Format::q4_1, 15}, {Format::q5_1, 31}}) {
    std::vector<float> values(32);
    for (int i = 0; i < 32; ++i) values[i] = 3 + 0.5f * static_cast<float>(i % (top + 1));
    EXPECT_EQ(unpacked(info(format), packed(info(format), values)), values) << info(format).name;
  }
}

// The layouts by hand, for machines without the recorded blocks: one weight is set, all others are zero.
TEST(Formats, Q4KFindsEveryWeightScaleAndMinimumInItsPlace) {
  const FormatInfo& f = info(Format::q4_k);
  for (int i = 0; i < 256; ++i) {
    quant::BlockQ4K block{};
    int g = i / 32;
    block.d = float_to_f16(0.5f);
    block.dmin = float_to_f16(0.25f);
    block.q[g / 2 * 32 + i % 32] = g % 2 == 0 ? 0x0d : 0xd0;
    if (g < 4) {
      block.scales[g] = 41;
      block.scales[g + 4] = 22;
    } else {
      block.scales[g + 4] = (41 & 15) | (22 & 15) << 4;
      block.scales[g - 4] = (41 >> 4) << 6;
      block.scales[g] = (22 >> 4) << 6;
    }
    auto values = unpacked(f, std::as_bytes(std::span(&block, 1)));
    for (int k = 0; k < 256; ++k) {
      float expected = k == i ? 0.5f * 41 * 13 - 0.25f * 22 : k / 32 == g ? -0.25f * 22 : 0;
      ASSERT_EQ(values[k], expected) << "weight " << k << " with weight " << i << " set";
    }
  }
}

TEST(Formats, BlocksOf32FindEveryWeightInItsPlace) {
  auto expect_one = [](auto block, Format format, int i, float set, float others) {
    auto values = unpacked(info(format), std::as_bytes(std::span(&block, 1)));
    for (int k = 0; k < 32; ++k)
      ASSERT_EQ(values[k], k == i ? set : others) << info(format).name << " weight " << k << " of " << i;
  };
  auto fill = [](auto& block, int i) {
    block.d = float_to_f16(0.5f);
    block.q[i % 16] = i < 16 ? 0x0b : 0xb0;
    if constexpr (requires { block.m; }) block.m = float_to_f16(-0.75f);
    if constexpr (requires { block.high; }) block.high[i / 8] = static_cast<uint8_t>(1 << (i % 8));
  };
  for (int i = 0; i < 32; ++i) {
    quant::BlockQ4_0 q4_0{};
    quant::BlockQ4_1 q4_1{};
    quant::BlockQ5_0 q5_0{};
    quant::BlockQ5_1 q5_1{};
    fill(q4_0, i), fill(q4_1, i), fill(q5_0, i), fill(q5_1, i);
    expect_one(q4_0, Format::q4_0, i, 0.5f * (11 - 8), 0.5f * -8);
    expect_one(q4_1, Format::q4_1, i, 0.5f * 11 - 0.75f, -0.75f);
    expect_one(q5_0, Format::q5_0, i, 0.5f * (27 - 16), 0.5f * -16);
    expect_one(q5_1, Format::q5_1, i, 0.5f * 27 - 0.75f, -0.75f);
  }
}

TEST(Formats, Q5KFindsEveryFifthBitInItsPlace) {
  const FormatInfo& f = info(Format::q5_k);
  for (int i = 0; i < 256; ++i) {
    quant::BlockQ5K block{};
    int g = i / 32;
    block.d = float_to_f16(0.5f);
    block.dmin = float_to_f16(0.25f);
    for (int k = 0; k < 4; ++k) {
      block.scales[k] = 3;  // of groups 0 to 3
      block.scales[k + 4] = 2;
      block.scales[k + 8] = 3 | 2 << 4;  // of groups 4 to 7
    }
    block.q[g / 2 * 32 + i % 32] = g % 2 == 0 ? 0x0d : 0xd0;
    block.high[i % 32] = static_cast<uint8_t>(1 << g);
    auto values = unpacked(f, std::as_bytes(std::span(&block, 1)));
    for (int k = 0; k < 256; ++k)
      ASSERT_EQ(values[k], k == i ? 0.5f * 3 * 29 - 0.25f * 2 : -0.25f * 2) << "weight " << k << " of " << i;
  }
}

TEST(Formats, Q6KFindsEveryWeightAndScaleInItsPlace) {
  const FormatInfo& f = info(Format::q6_k);
  for (int i = 0; i < 256; ++i) {
    quant::BlockQ6K block{};
    int half = i / 128, quarter = i % 128 / 32, l = i % 32;
    block.d = float_to_f16(0.5f);
    block.scales[i / 16] = -7;
    block.ql[64 * half + l + (quarter % 2 ? 32 : 0)] = quarter < 2 ? 0x0b : 0xb0;
    block.qh[32 * half + l] = static_cast<uint8_t>(2 << (2 * quarter));
    auto values = unpacked(f, std::as_bytes(std::span(&block, 1)));
    for (int k = 0; k < 256; ++k) {
      int q = k == i ? (2 << 4 | 11) - 32 : -32;
      ASSERT_EQ(values[k], k / 16 == i / 16 ? 0.5f * -7 * static_cast<float>(q) : 0)
          << "weight " << k << " of " << i;
    }
  }
}

}  // namespace
}  // namespace troika
