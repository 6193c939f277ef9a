// The table of formats: sizes, the recorded blocks of the reference, and that packing loses no more than it
// must.
#include <gtest/gtest.h>

#include <fmt/format.h>

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
#include "tensor/quant/iq_tables.h"

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

// What the simplest packing into lines would lose (Q2_K: top 3 in groups of 16, Q4_K: 15, Q5_K: 31): the range of
// each group in `top` steps, scales and minima rounded to scale_top parts of their largest.
struct PlainLines {
  float top;
  int group_values = 32;
  float scale_top = 63;
};

double plain_lines_error(std::span<const float> x, PlainLines how) {
  double error = 0;
  for (size_t block = 0; block < x.size(); block += 256) {
    float scale[16], minimum[16], d = 0, dmin = 0;
    for (int g = 0; g < 256 / how.group_values; ++g) {
      float low = 0, high = x[block + g * how.group_values];
      for (int i = 0; i < how.group_values; ++i) {
        low = std::min(low, x[block + g * how.group_values + i]);
        high = std::max(high, x[block + g * how.group_values + i]);
      }
      scale[g] = (high - low) / how.top;
      minimum[g] = -low;
      d = std::max(d, scale[g] / how.scale_top);
      dmin = std::max(dmin, minimum[g] / how.scale_top);
    }
    d = f16_to_float(float_to_f16(d));
    dmin = f16_to_float(float_to_f16(dmin));
    for (int i = 0; i < 256; ++i) {
      int g = i / how.group_values;
      float s = d * std::min(how.scale_top, std::round(scale[g] / d));
      float m = dmin == 0 ? 0 : dmin * std::min(how.scale_top, std::round(minimum[g] / dmin));
      float q = s == 0 ? 0 : std::clamp(std::round((x[block + i] + m) / s), 0.0f, how.top);
      double off = double{s * q - m} - x[block + i];
      error += off * off;
    }
  }
  return error;
}

// The same for steps in groups of 16 (Q3_K: levels -4..3, scales -32..31; Q6_K: -32..31, -128..127): the weight of
// largest magnitude becomes the lowest level, the largest step the lowest scale.
struct PlainSteps {
  float half, scale_half;
};

double plain_steps_error(std::span<const float> x, PlainSteps how) {
  double error = 0;
  for (size_t block = 0; block < x.size(); block += 256) {
    float step[16], largest = 0;
    for (int g = 0; g < 16; ++g) {
      float peak = 0;
      for (int i = 0; i < 16; ++i)
        if (std::fabs(x[block + g * 16 + i]) > std::fabs(peak)) peak = x[block + g * 16 + i];
      step[g] = peak / -how.half;
      if (std::fabs(step[g]) > std::fabs(largest)) largest = step[g];
    }
    float d = f16_to_float(float_to_f16(largest / -how.scale_half));
    for (int i = 0; i < 256; ++i) {
      float s = d * std::clamp(std::round(step[i / 16] / d), -how.scale_half, how.scale_half - 1);
      float q = s == 0 ? 0 : std::clamp(std::round(x[block + i] / s), -how.half, how.half - 1);
      double off = double{s * q} - x[block + i];
      error += off * off;
    }
  }
  return error;
}

double plain_error(Format format, std::span<const float> values) {
  switch (format) {
    case Format::q2_k: return plain_lines_error(values, {.top = 3, .group_values = 16, .scale_top = 15});
    case Format::q3_k: return plain_steps_error(values, {.half = 4, .scale_half = 32});
    case Format::q4_k: return plain_lines_error(values, {.top = 15});
    case Format::q5_k: return plain_lines_error(values, {.top = 31});
    case Format::q6_k: return plain_steps_error(values, {.half = 32, .scale_half = 128});
    default: ADD_FAILURE() << "not a K-quant"; return 0;
  }
}

constexpr Format kKQuants[] = {Format::q2_k, Format::q3_k, Format::q4_k, Format::q5_k, Format::q6_k};

std::vector<std::byte> from_hex(const std::string& hex) {
  std::vector<std::byte> bytes(hex.size() / 2);
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(std::stoi(hex.substr(2 * i, 2), nullptr, 16));
  return bytes;
}

// The formats that can be packed.
std::vector<FormatInfo> packable() {
  std::vector<FormatInfo> rows;
  for (const FormatInfo& f : formats())
    if (f.pack) rows.push_back(f);
  return rows;
}

// What packing loses of normally distributed weights, relative to their size, at most.
double gaussian_bound(Format format) {
  struct {
    Format format;
    double bound;
  } bounds[] = {
      {Format::f32, 0},        {Format::f16, 3e-4},     {Format::bf16, 2.5e-3},  {Format::q8_0, 6e-3},
      {Format::q4_0, 9.5e-2},  {Format::q4_1, 8.4e-2},  {Format::q5_0, 4.7e-2},  {Format::q5_1, 4.1e-2},
      {Format::q4_k, 7.2e-2},  {Format::q5_k, 3.7e-2},  {Format::q6_k, 1.8e-2},  {Format::q2_k, 2.9e-1},
      {Format::q3_k, 1.5e-1},  {Format::iq4_nl, 8e-2},  {Format::iq4_xs, 8e-2},  {Format::mxfp4, 1.2e-1},
      {Format::tq1_0, 4.4e-1}, {Format::tq2_0, 4.4e-1}, {Format::q1_0, 6.1e-1},  {Format::q2_0, 3.6e-1},
  };
  for (auto [row, bound] : bounds)
    if (row == format) return bound;
  ADD_FAILURE() << info(format).name << " has no bound in this test";
  return 0;
}

nlohmann::json read_json(const std::filesystem::path& path) {
  std::ifstream in(path);
  return in ? nlohmann::json::parse(in) : nlohmann::json();
}

std::filesystem::path shared_folder() {
  const char* set = std::getenv("TROIKA_SHARED");
  return set ? std::filesystem::path(set) : std::filesystem::path(TROIKA_SOURCE_DIR) / "../shared";
}

// Recorded blocks and their values: returns how many formats were compared.
int expect_recorded_values(const nlohmann::json& goldens) {
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
    EXPECT_EQ(values.size() * 4, expected.size()) << name;
    if (values.size() * 4 != expected.size()) continue;
    for (size_t i = 0; i < values.size(); ++i) {
      float want;
      std::memcpy(&want, expected.data() + 4 * i, 4);
      if (std::bit_cast<uint32_t>(values[i]) == std::bit_cast<uint32_t>(want)) continue;
      ADD_FAILURE() << name << " weight " << i << ": " << values[i] << " instead of " << want;
      break;
    }
    ++compared;
  }
  return compared;
}

// tools/reference/make_blocks.py made these with the reference's reader.
TEST(Formats, UnpackOurRecordedBlocksBitForBit) {
  auto goldens = read_json(std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/tensor/blocks.json");
  int blocks = 0;
  for (const FormatInfo& f : formats()) blocks += f.block_values > 1;
  EXPECT_EQ(expect_recorded_values(goldens), blocks);
}

TEST(Formats, UnpackTheRecordedBlocksBitForBit) {
  auto path = shared_folder() / "data/quant-goldens/main.json";
  auto goldens = read_json(path);
  if (goldens.is_null())
    GTEST_SKIP() << "no recorded blocks at " << path << " (set TROIKA_SHARED to the folder that has them)";
  EXPECT_EQ(expect_recorded_values(goldens), 23);
}

uint64_t fnv1a(const void* data, size_t bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (size_t i = 0; i < bytes; ++i) hash = (hash ^ static_cast<const uint8_t*>(data)[i]) * 0x100000001b3;
  return hash;
}

TEST(CodeBooks, AreThoseOfTheReference) {
  auto hashes = read_json(std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/tensor/blocks.json")["code_books_fnv1a"];
  auto expect = [&](const char* name, const auto& book) {
    EXPECT_EQ(fmt::format("{:016x}", fnv1a(book.entry, sizeof book.entry)), hashes[name]) << name;
  };
  expect("iq2_xxs", quant::kIq2XxsBook);
  expect("iq2_xs", quant::kIq2XsBook);
  expect("iq2_s", quant::kIq2SBook);
  expect("iq3_xxs", quant::kIq3XxsBook);
  expect("iq3_s", quant::kIq3SBook);
  expect("iq1_s in eighths", quant::kIq1Book);
  expect("signs", quant::kEvenSigns);
  expect("iq4_nl", quant::kIq4Levels);
  expect("mxfp4", quant::kFp4Levels);
}

// Blocks are foreign bytes: whatever they are, reading them stays inside the block, the code books and the values
// (the sanitizers watch), and gives the same numbers again.
TEST(Formats, ReadAnyBytesAtAll) {
  std::mt19937 random(21);
  for (const FormatInfo& f : formats()) {
    constexpr int count = 64;
    std::vector<std::byte> bytes(size_t(count) * f.block_bytes);
    for (int round = 0; round < 20; ++round) {
      for (std::byte& byte : bytes)
        byte = round == 0 ? std::byte{0xff} : round == 1 ? std::byte{0x80} : static_cast<std::byte>(random());
      if (round % 4 == 3)  // halves that are infinite or no numbers, wherever a scale may lie
        for (size_t i = 1; i < bytes.size(); i += 2) bytes[i] |= std::byte{0x7c};
      std::vector<float> values(size_t(count) * f.block_values), again(values.size());
      f.unpack(bytes.data(), values);
      f.unpack(bytes.data(), again);
      EXPECT_EQ(std::memcmp(values.data(), again.data(), values.size() * sizeof(float)), 0) << f.name;
    }
  }
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
  for (const FormatInfo& f : formats()) f.unpack(nullptr, {});
  for (const FormatInfo& f : packable()) f.pack({}, {}, nullptr);
}

TEST(Formats, LoseNoMoreOfGaussianWeightsThanTheirBitsMust) {
  auto values = random_values(64 * 256, 0.02f, 1);
  for (const FormatInfo& f : packable()) {
    if (f.format == Format::i32) continue;
    double bound = gaussian_bound(f.format), loss = relative_error(f, values);
    EXPECT_LE(loss, bound) << f.name;
    EXPECT_GE(loss, bound * 0.6) << f.name << ": the bound is too generous";
  }
}

TEST(Formats, KQuantsAreNeverWorseThanPlainRounding) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    auto values = random_values(256, seed % 3 == 0 ? 5.0f : 0.01f, seed);
    if (seed % 4 == 1) values[seed % 256] *= 30;  // an outlier
    if (seed % 4 == 2)
      for (float& value : values) value += 0.05f;  // all on one side
    if (seed % 4 == 3)
      for (float& value : values) value = std::fabs(value);
    for (Format format : kKQuants)
      EXPECT_LE(packing_error(format, values), plain_error(format, values) * (1 + 1e-5))
          << info(format).name << " seed " << seed;
  }
}

TEST(Formats, KQuantsGainMuchOverPlainRounding) {
  auto values = random_values(64 * 256, 0.02f, 5);
  for (Format format : kKQuants)
    EXPECT_LE(packing_error(format, values), plain_error(format, values) * 0.9) << info(format).name;
}

TEST(Formats, TheSearchesSpendTheirErrorWhereItMattersLeast) {
  auto values = random_values(16 * 256, 0.02f, 9);
  std::vector<float> importance(values.size());
  for (size_t i = 0; i < importance.size(); ++i) importance[i] = i % 8 == 0 ? 100.0f : 1.0f;
  for (Format format : {Format::q2_k, Format::q3_k, Format::q4_k, Format::q5_k, Format::q6_k, Format::iq4_nl,
                        Format::iq4_xs}) {
    const FormatInfo& f = info(format);
    double weighed = squared_error(values, unpacked(f, packed(f, values, importance)), importance);
    double even = squared_error(values, unpacked(f, packed(f, values)), importance);
    EXPECT_LT(weighed, even * 0.9) << f.name;
  }
}

TEST(Formats, ZerosStayZeros) {
  std::vector<float> zeros(512);
  for (const FormatInfo& f : packable())
    for (float value : unpacked(f, packed(f, zeros))) EXPECT_EQ(value, 0.0f) << f.name;
}

TEST(Formats, ConstantBlocksKeepTheirValue) {
  for (float constant : {1.0f, -1.0f, 0.37f, -250.0f}) {
    std::vector<float> values(256, constant);
    for (const FormatInfo& f : packable()) {
      if (f.format == Format::i32) continue;
      for (float value : unpacked(f, packed(f, values)))
        EXPECT_NEAR(value, constant, std::fabs(constant) * (f.format == Format::mxfp4 ? 0.2 : 5e-3)) << f.name;
    }
  }
}

TEST(Formats, TinyAndHugeValuesGiveFiniteNumbers) {
  for (float size : {1e-45f, 1e-38f, 1e-20f, 1e-8f, 1e-5f, 1e4f, 6e4f, 1e6f, 1e20f, 3e38f}) {
    auto values = random_values(512, 1, 3);
    for (float& value : values) value *= size;
    for (const FormatInfo& f : packable()) {
      if (f.block_values == 1) continue;
      auto back = unpacked(f, packed(f, values));
      for (size_t i = 0; i < back.size(); ++i)
        ASSERT_TRUE(std::isfinite(back[i])) << f.name << " at size " << size;
      if (size > 1e-3f && size <= 1e4f) {
        EXPECT_LT(relative_error(f, values), 1.1 * gaussian_bound(f.format)) << f.name << " at size " << size;
      }
    }
  }
}

TEST(Formats, NotANumberAndInfinityDoNoHarmToTheOtherValues) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  for (const FormatInfo& f : packable()) {
    if (f.block_values == 1) continue;
    auto values = random_values(512, 1, 4);
    values[3] = nan;
    auto back = unpacked(f, packed(f, values));
    values[3] = 0;
    double bound = gaussian_bound(f.format);
    EXPECT_LT(squared_error(values, back), 1.2 * bound * bound * 512) << f.name;
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
  for (const FormatInfo& f : packable()) {
    if (f.format == Format::i32) continue;
    auto once = unpacked(f, packed(f, values));
    auto twice = unpacked(f, packed(f, once));
    double bound = 0.2 * squared_error(values, once) + 1e-12;
    EXPECT_LE(squared_error(once, twice), bound) << f.name;
  }
}

TEST(Formats, TernaryWeightsArePackedWithoutLoss) {
  std::mt19937 random(8);
  std::vector<float> values(4 * 256);
  for (size_t i = 0; i < values.size(); ++i) {
    float step = 0.25f * static_cast<float>(1 + i / 256);
    values[i] = step * static_cast<float>(static_cast<int>(random() % 3) - 1);
  }
  for (Format format : {Format::tq1_0, Format::tq2_0})
    EXPECT_EQ(unpacked(info(format), packed(info(format), values)), values) << info(format).name;
}

TEST(Formats, Mxfp4KeepsTheNumbersOfItsList) {
  std::vector<float> values;
  for (float power : {0x1p-20f, 0.5f, 64.0f})
    for (int i = 0; i < 32; ++i) values.push_back(power * quant::kFp4Levels.entry[(i * 5 + 7) % 16]);
  EXPECT_EQ(unpacked(info(Format::mxfp4), packed(info(Format::mxfp4), values)), values);
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
