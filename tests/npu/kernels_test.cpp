// The cores' kernels, compiled for the host, against plain definitions; and that each stays within its buffers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <aie_api/aie.hpp>
#include <cmath>
#include <cstring>
#include <random>

#include "base/error.h"
#include "npu/gemm/reference.h"
#include "npu/kernels/catalogue.h"
#include "npu/kernels/kernels.h"
#include "npu/kernels/vector_math.h"

namespace troika::npu {
namespace {

template <typename Number>
std::vector<Number> random_integers(size_t count, int most, int seed) {
  std::mt19937 random(seed);
  std::vector<Number> values(count);
  for (Number& v : values) v = Number(int(random() % (2 * most + 1)) - most);
  return values;
}

std::vector<bf16> random_bf16(size_t count, int seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, 1);
  std::vector<bf16> values(count);
  for (bf16& v : values) v = float_to_bf16(normal(random));
  return values;
}

// Rows [m, k] as blocks [m/4, k/bk, 4, bk], columns [n, k] as blocks [n/bn, k, bn].
template <typename Number>
std::vector<Number> blocks_of_a(const std::vector<Number>& a, int m, int k, int bk) {
  std::vector<Number> blocks(a.size());
  for (int i = 0; i < m; ++i)
    for (int l = 0; l < k; ++l) blocks[((i / 4) * (k / bk) + l / bk) * 4 * bk + i % 4 * bk + l % bk] = a[i * k + l];
  return blocks;
}

template <typename Number>
std::vector<Number> blocks_of_b(const std::vector<Number>& b, int n, int k, int bn) {
  std::vector<Number> blocks(b.size());
  for (int j = 0; j < n; ++j)
    for (int l = 0; l < k; ++l) blocks[(j / bn * k + l) * bn + j % bn] = b[j * k + l];
  return blocks;
}

int place_in_c(int i, int j, int n, int bn) { return ((i / 4) * (n / bn) + j / bn) * 4 * bn + i % 4 * bn + j % bn; }

// One tile of A is one tile of X; likewise B and W. C of a tile is compared through the same blocks.
template <typename X>
void expect_product(int m, int k, int n, int bk, const std::vector<X>& a, void (*kernel)(const X*, const int8_t*, int32_t*)) {
  auto b = random_integers<int8_t>(n * k, 127, 2);
  std::vector<X> a_blocks = blocks_of_a(a, m, k, bk);
  std::vector<int8_t> b_blocks = blocks_of_b(b, n, k, 8);
  std::vector<int32_t> c(m * n + 1, 1000);
  kernel(a_blocks.data(), b_blocks.data(), c.data());
  std::vector<int32_t> expected = multiply({m, n, k}, a, b);
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) ASSERT_EQ(c[place_in_c(i, j, n, 8)], 1000 + expected[i * n + j]) << i << ", " << j;
  EXPECT_EQ(c[m * n], 1000);
}

TEST(NpuKernels, AddProductsOfInt8) {
  expect_product(64, 64, 128, 8, random_integers<int8_t>(64 * 64, 127, 1), mm_i8i8_i32_64x64x128);
  expect_product(64, 64, 64, 8, random_integers<int8_t>(64 * 64, 127, 1), mm_i8i8_i32_64x64x64);
}

TEST(NpuKernels, AddProductsOfFourRows) {
  expect_product(4, 64, 128, 8, random_integers<int8_t>(4 * 64, 127, 1), mm_i8i8_i32_4x64x128);
  expect_product(4, 64, 64, 8, random_integers<int8_t>(4 * 64, 127, 1), mm_i8i8_i32_4x64x64);
}

TEST(NpuKernels, AddProductsOfInt16ByInt8) {
  expect_product(64, 64, 64, 4, random_integers<int16_t>(64 * 64, 32767, 1), mm_i16i8_i32_64x64x64);
}

// However the unit orders its sums, they stay within k roundings of the largest partial sum.
void expect_bf16_product(int m, int k, int n, void (*kernel)(const uint16_t*, const uint16_t*, float*)) {
  std::vector<bf16> a = random_bf16(m * k, 1), b = random_bf16(n * k, 2), a_size = a, b_size = b;
  for (bf16& v : a_size) v.bits &= 0x7fff;
  for (bf16& v : b_size) v.bits &= 0x7fff;
  std::vector<bf16> a_blocks = blocks_of_a(a, m, k, 8), b_blocks = blocks_of_b(b, n, k, 4);
  std::vector<float> c(m * n + 1, 3);
  kernel(&a_blocks[0].bits, &b_blocks[0].bits, c.data());
  std::vector<double> expected = multiply({m, n, k}, a, b), sizes = multiply({m, n, k}, a_size, b_size);
  for (int i = 0; i < m; ++i)
    for (int j = 0; j < n; ++j) {
      double within = (3 + sizes[i * n + j]) * (k + 1) * 0x1p-24;
      ASSERT_NEAR(c[place_in_c(i, j, n, 4)], 3 + expected[i * n + j], within) << i << ", " << j;
    }
  EXPECT_EQ(c[m * n], 3);
}

TEST(NpuKernels, AddProductsOfBfloat16InFloat32) {
  expect_bf16_product(64, 32, 64, mm_bf16_f32_64x32x64);
  expect_bf16_product(96, 32, 96, mm_bf16_f32_96x32x96);
  expect_bf16_product(32, 128, 32, mm_bf16_f32_32x128x32);
  expect_bf16_product(32, 32, 128, mm_bf16_f32_32x32x128);
}

TEST(NpuKernels, BringEveryFourBitValueToInt8) {
  std::mt19937 random(3);
  constexpr int n = 128, k = 64;
  for (int round = 0; round < 32; ++round) {
    std::vector<uint8_t> packed(2 * n + n * k / 2);
    for (uint8_t& byte : packed) byte = uint8_t(random());
    for (int i = 0; i < n; ++i) packed[i] = uint8_t(random() % 8 + 1), packed[n + i] = uint8_t(random() % 16);
    std::vector<int8_t> b(n * k + 1, 55);
    dequant_w4g64_i8_64x128(packed.data(), b.data());
    for (int i = 0; i < n * k; ++i) {
      int column = i / (8 * k) * 8 + i % 8, q = packed[2 * n + i / 2] >> (i % 2 * 4) & 15;
      ASSERT_EQ(b[i], (q - packed[n + column]) * packed[column]) << i;
    }
    EXPECT_EQ(b[n * k], 55);
  }
}

float of_bf16(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }

TEST(NpuKernels, ScaleSumsToBfloat16InPlace) {
  constexpr int m = 64, n = 128;
  std::mt19937 random(5);
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> tokens(m), channels(2 * n);
  for (float& v : tokens) v = 0.01f + std::fabs(normal(random));
  for (int i = 0; i < n; ++i) channels[i] = normal(random) / 1000, channels[n + i] = normal(random);
  std::vector<int32_t> sums(m * n), c;
  for (int32_t& v : sums) v = int32_t(random() % (1 << 25)) - (1 << 24);
  sums[0] = 127 * 127 * 18944;  // the largest that a product of ours reaches
  c = sums;
  epilogue_i32_bf16_64x128(tokens.data(), channels.data(), c.data());
  std::vector<uint16_t> y(m * n);
  std::memcpy(y.data(), c.data(), 2 * y.size());
  for (int i = 0; i < m * n; ++i) {
    int row = i / (4 * n) * 4 + i % 32 / 8, column = i % (4 * n) / 32 * 8 + i % 8;
    double exact = double(sums[i]) * tokens[row] * channels[column] + channels[n + column];
    ASSERT_NEAR(of_bf16(y[i]), exact, std::fabs(exact) * 0.004 + 1e-5) << row << ", " << column;
  }
}

// Gates from −51 to 51, and far beyond what 2^x could take.
void expect_gate(void (*kernel)(const uint16_t*, uint16_t*), double (*function)(double)) {
  constexpr int count = 64 * 64;
  std::vector<uint16_t> gate_up(2 * count), y(count + 1, 0x1234);
  std::vector<float> gates(count), ups(count);
  for (int i = 0; i < count; ++i) {
    gates[i] = float(bfloat16((i - count / 2) / 40.0f));
    ups[i] = float(bfloat16(float(i % 13) - 6));
    if (i < 4) gates[i] = i % 2 ? 1e30f : -1e30f;
    int at = i / 32 * 64 + i % 32;
    gate_up[at] = bfloat16(gates[i]).bits;
    gate_up[at + 32] = bfloat16(ups[i]).bits;
  }
  kernel(gate_up.data(), y.data());
  for (int i = 0; i < count; ++i) {
    double exact = (i >= 4 ? function(gates[i]) : i % 2 ? 1e30 : 0) * ups[i];
    ASSERT_NEAR(of_bf16(y[i]), exact, std::fabs(exact) * 0.0045 + 1e-30) << gates[i] << ", " << ups[i];
  }
  EXPECT_EQ(y[count], 0x1234);
}

TEST(NpuKernels, GateWithSilu) {
  expect_gate(silu_mul_bf16_64x128, [](double x) { return x / (1 + std::exp(-x)); });
}

TEST(NpuKernels, GateWithGelu) {  // x · (1 + tanh z) / 2, where 1 + tanh z is 2 / (1 + e^−2z): tanh alone loses small ones
  expect_gate(gelu_mul_bf16_64x128, [](double x) {
    double z = std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
    double exact = x / (1 + std::exp(-2 * z));
    EXPECT_NEAR(exact, x * (1 + std::tanh(z)) / 2, std::fabs(x) * 1e-12);
    return exact;
  });
}

TEST(NpuKernels, RaiseTwoToAnyPowerWithinTwoToTheMinus12) {
  for (float x = -126; x < 126; x += 0.01f) {
    double exact = std::exp2(double(x));
    ASSERT_NEAR(exp2(all(x))[0], exact, exact * 0x1p-12) << x;
  }
  EXPECT_EQ(exp2(all(0))[15], 1);
}

TEST(NpuKernels, TakeInverseRootsWithinTwoToTheMinus18) {
  for (float x = 1e-12f; x < 1e12f; x *= 1.01f) {
    double exact = 1 / std::sqrt(double(x));
    ASSERT_NEAR(inverse_root(all(x))[3], exact, exact * 0x1p-18) << x;
  }
}

double value(bf16 v) { return bf16_to_float(v); }

// Rounding to bfloat16 changes a number by 2^-8 of itself at most; the arithmetic before by much less.
constexpr double kRounding = 0x1.08p-8;

TEST(NpuKernels, NormaliseARowByItsRootMeanSquare) {
  constexpr int n = 3584;
  for (float size : {1e-3f, 1.0f, 200.0f}) {
    std::vector<bf16> x = random_bf16(n, 7), y(n + 1, bf16{0x1234});
    std::vector<float> weights(n + 8);
    double squares = 0;
    for (int i = 0; i < n; ++i) {
      x[i] = float_to_bf16(bf16_to_float(x[i]) * size);
      weights[i] = 1 + std::sin(float(i));
      squares += value(x[i]) * value(x[i]);
    }
    weights[n] = 1e-6f;
    rms_norm_bf16_3584(&x[0].bits, weights.data(), &y[0].bits);
    for (int i = 0; i < n; ++i) {
      double exact = value(x[i]) * weights[i] / std::sqrt(squares / n + double(weights[n]));
      ASSERT_NEAR(value(y[i]), exact, std::fabs(exact) * kRounding) << i;
    }
    EXPECT_EQ(y[n].bits, 0x1234);
  }
}

TEST(NpuKernels, MakeARowOfScoresOneThatAddsUpToOne) {
  constexpr int n = 2048;
  std::vector<bf16> x = random_bf16(n, 9), y(n + 1, bf16{0x1234});
  for (int i = 0; i < n; ++i) x[i] = float_to_bf16(i < 1500 ? 20 * bf16_to_float(x[i]) : -INFINITY);
  double largest = -INFINITY, sum = 0;
  for (bf16 v : x) largest = std::max(largest, value(v));
  for (bf16 v : x) sum += std::exp(value(v) - largest);
  softmax_bf16_2048(&x[0].bits, &y[0].bits);
  for (int i = 0; i < n; ++i) {
    double exact = std::exp(value(x[i]) - largest) / sum;
    ASSERT_NEAR(value(y[i]), exact, exact * kRounding + 1e-30) << i;
  }
  EXPECT_EQ(y[n].bits, 0x1234);
  std::fill_n(x.begin(), n, float_to_bf16(-INFINITY));
  softmax_bf16_2048(&x[0].bits, &y[0].bits);
  for (int i = 0; i < n; ++i) ASSERT_EQ(value(y[i]), 1.0 / n);
}

TEST(NpuKernels, TurnHeadsByTheirPosition) {
  constexpr int heads = 32, d = 128;
  std::vector<bf16> x = random_bf16(heads * d + 2 * d, 11), y(heads * d + 1, bf16{0x1234});
  std::vector<float> angles(d);
  for (int i = 0; i < d / 2; ++i) {
    float angle = 777 * std::pow(1e6f, -float(i) / (d / 2));
    angles[i] = std::cos(angle), angles[d / 2 + i] = std::sin(angle);
  }
  std::memcpy(&x[heads * d].bits, angles.data(), sizeof(float) * d);
  rope_bf16_32x128(&x[0].bits, &y[0].bits);
  for (int head = 0; head < heads; ++head)
    for (int i = 0; i < d / 2; ++i) {
      int first = head * d + i, second = first + d / 2;
      double a = value(x[first]), b = value(x[second]), cos = angles[i], sin = angles[d / 2 + i];
      ASSERT_NEAR(value(y[first]), a * cos - b * sin, std::fabs(a * cos - b * sin) * kRounding + 1e-6) << head << ", " << i;
      ASSERT_NEAR(value(y[second]), b * cos + a * sin, std::fabs(b * cos + a * sin) * kRounding + 1e-6) << head << ", " << i;
    }
  EXPECT_EQ(y[heads * d].bits, 0x1234);
}

TEST(NpuKernels, ClearSums) {
  std::vector<int32_t> c(64 * 128 + 1, 7);
  zero_i32_64x128(c.data());
  EXPECT_EQ(std::count(c.begin(), c.end(), 0), 64 * 128);
  EXPECT_EQ(c.back(), 7);
}

TEST(NpuKernels, StayWithinTheBuffersOfTheCatalogue) {
  for (const kernels::Kernel& kernel : kernels::all()) {
    constexpr size_t kGuard = 64;
    std::vector<std::vector<std::byte>> memory;
    std::vector<std::byte*> buffers;
    for (const kernels::Argument& argument : kernel.arguments) {
      memory.emplace_back(argument.bytes + 2 * kGuard, std::byte{0});
      auto& bytes = memory.back();
      std::fill_n(bytes.begin(), kGuard, std::byte{0xa5});
      std::fill_n(bytes.end() - kGuard, kGuard, std::byte{0xa5});
      buffers.push_back(bytes.data() + kGuard);
    }
    auto before = memory;
    kernel.run(buffers);
    for (size_t i = 0; i < memory.size(); ++i) {
      bool read = kernel.arguments[i].access == kernels::Access::read;
      EXPECT_TRUE(!read || memory[i] == before[i]) << kernel.name << " writes its argument " << i;
      EXPECT_TRUE(std::equal(memory[i].begin(), memory[i].begin() + kGuard, before[i].begin())) << kernel.name;
      EXPECT_TRUE(std::equal(memory[i].end() - kGuard, memory[i].end(), before[i].end() - kGuard)) << kernel.name;
    }
  }
}

TEST(W4, KeepsEveryWeightWithinAStep) {
  std::mt19937 random(4);
  std::normal_distribution<float> normal(0.01f, 0.02f);
  constexpr int n = 7, k = 192;
  std::vector<float> weights(n * k);
  for (float& w : weights) w = normal(random);
  std::fill_n(weights.begin(), k, 0.0f);            // a channel of zeros
  for (int i = 0; i < k; ++i) weights[k + i] = 1;   // and one without negative values
  weights[2 * k + 5] = 40;                          // and one outlier
  for (int i = 0; i < k; ++i) weights[3 * k + i] = i % 2 ? 1.0f : -1.0f;  // the widest group
  W4Matrix w = quantise_w4(weights, n, k);
  std::vector<int8_t> values = int8_of(w);
  for (int row = 0; row < n; ++row)
    for (int i = 0; i < k; ++i) {
      size_t at = row * k + i, group = w.group(row, i);
      int exact = (w.q[at] - w.zero[group]) * w.group_scale[group];
      ASSERT_LE(std::abs(exact), 127) << row << ", " << i;
      ASSERT_EQ(values[at], exact);
      ASSERT_LE(w.q[at], 15);
      float step = w.group_scale[group] * w.channel_scale[row];
      ASSERT_LE(std::fabs(values[at] * w.channel_scale[row] - weights[at]), step * 1.001f) << row << ", " << i;
    }
}

TEST(Tiling, UnpacksWhatTheArrayWouldWrite) {
  // Each word of Y as the array orders it: block of rows, column, block along N, row; then in blocks.
  for (const GemmTile& tile : {kW4A8, kW8A8, kW8A16, kW4A8Few}) {
    GemmShape shape{2 * tile.block_m(), 3 * tile.block_n(), tile.block_k()};
    std::vector<int32_t> words;
    int quarter = shape.n / kColumns;
    for (int block = 0; block < 2; ++block)
      for (int column = 0; column < kColumns; ++column)
        for (int j = 0; j < 3; ++j)
          for (int row = 0; row < kCoreRows; ++row)
            for (int i = 0; i < tile.m * tile.n; ++i) {
              int m = i / (4 * tile.n) * 4 + i % 32 / 8, n = i % (4 * tile.n) / 32 * 8 + i % 8;
              words.push_back((block * tile.block_m() + row * tile.m + m) * shape.n + column * quarter + j * tile.n + n);
            }
    std::vector<int32_t> y = unpack_sums(tile, shape, std::as_bytes(std::span(words)));
    for (size_t i = 0; i < y.size(); ++i) ASSERT_EQ(y[i], int(i));
  }
}

TEST(Tiling, OfFewRowsReadsTheSameWeights) {
  EXPECT_EQ(for_rows(kW4A8, 16), kW4A8Few);
  EXPECT_EQ(for_rows(kW8A8, 1), kW8A8Few);
  EXPECT_EQ(for_rows(kW8A8, 17), kW8A8);
  EXPECT_EQ(for_rows(kW8A16, 1), kW8A16);
  const GemmShape shape{256, 512, 256};
  auto w = random_integers<int8_t>(512 * 256, 127, 6);
  EXPECT_EQ(pack_w(kW8A8Few, shape, w), pack_w(kW8A8, shape, w));
  EXPECT_EQ(pack_w(kW8A16, shape, w), pack_w(kW8A8, shape, w));
  std::vector<float> floats(w.begin(), w.end());
  W4Matrix w4 = quantise_w4(floats, 512, 256);
  EXPECT_EQ(pack_w(kW4A8Few, w4), pack_w(kW4A8, w4));
}

TEST(W4, OfTinyWeightsAreZerosAndOfNoNumbersAreRefused) {
  std::vector<float> weights(kW4Group, 1e-39f);
  const W4Matrix tiny = quantise_w4(weights, 1, kW4Group);
  EXPECT_EQ(tiny.channel_scale[0], 0);
  EXPECT_EQ(int8_of(tiny), std::vector<int8_t>(kW4Group, 0));
  for (float odd : {INFINITY, -INFINITY, NAN}) {
    weights[5] = odd;
    try {
      quantise_w4(weights, 1, kW4Group);
      FAIL() << odd;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("Output channel 0 has a weight that is"));
    }
  }
}

}  // namespace
}  // namespace troika::npu
