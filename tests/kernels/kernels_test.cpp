// The tables of all instruction sets of this machine: the integer kernels against an exact emulation, the small
// kernels against the C library, and the tables against each other. (tests/device compares all ops with their
// definitions.)
#include "kernels/kernel_table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "base/half.h"
#include "tensor/random_blocks.h"

namespace troika::kernels {
namespace {

std::vector<const KernelTable*> tables() {
  std::vector<const KernelTable*> found;
  for (Isa isa : {Isa::scalar, Isa::avx2}) {
    if (const KernelTable* table = kernel_table(isa)) found.push_back(table);
  }
  return found;
}

std::vector<float> random_values(size_t n, uint32_t seed, float scale = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> values(n);
  for (float& v : values) v = normal(random);
  return values;
}

struct QuantisedRow {
  const int8_t* q;
  const float* scale;
  const float* sum;
};

QuantisedRow row_of(const std::vector<std::byte>& bytes, int row, int depth) {
  const std::byte* p = bytes.data() + row * quantised_row_bytes(depth);
  auto scale = reinterpret_cast<const float*>(p + depth);
  return {reinterpret_cast<const int8_t*>(p), scale, scale + depth / kQuantBlock};
}

TEST(Quantise, RoundsToTheNearestOf255Steps) {
  for (const KernelTable* table : tables()) {
    for (int depth : {32, 96, 256}) {
      auto x = random_values(size_t(3) * depth, 4, 10);
      for (int i = 0; i < 32; ++i) x[depth + i] = 0;  // a block of zeros
      std::vector<std::byte> out(3 * quantised_row_bytes(depth), std::byte{0x5a});
      table->quantise(x.data(), 3, depth, out.data(), quantised_row_bytes(depth));
      for (int row = 0; row < 3; ++row) {
        QuantisedRow r = row_of(out, row, depth);
        for (int b = 0; b < depth / 32; ++b) {
          float largest = 0;
          int sum = 0;
          for (int i = 0; i < 32; ++i) {
            float value = x[size_t(row) * depth + b * 32 + i];
            largest = std::max(largest, std::abs(value));
            sum += r.q[b * 32 + i];
            EXPECT_NEAR(r.q[b * 32 + i] * r.scale[b], value, r.scale[b] * 0.5001f) << table->name;
          }
          EXPECT_FLOAT_EQ(r.scale[b], largest / 127);
          EXPECT_FLOAT_EQ(r.sum[b], r.scale[b] * float(sum));
        }
      }
    }
  }
}

// The same integers multiplied one by one in double: what is left is float32 rounding of the sums.
TEST(IntegerLinear, EqualsAnExactEmulation) {
  for (const KernelTable* table : tables()) {
    for (int f = 0; f < table->format_count; ++f) {
      const FormatKernels& kernels = table->formats[f];
      if (!kernels.int8) continue;
      const FormatInfo& format = info(kernels.format);
      for (int tokens : {1, 2, 3, 5, 8, 11}) {
        int depth = 5 * format.block_values, rows = 7;
        auto weights = random_values(size_t(rows) * depth, 8);
        size_t stride = row_bytes(kernels.format, depth);
        std::vector<std::byte> bytes = as_blocks(kernels.format, weights);
        format.unpack(bytes.data(), weights);
        auto x = random_values(size_t(tokens) * depth, 9, 3);
        std::vector<std::byte> quantised(tokens * quantised_row_bytes(depth));
        table->quantise(x.data(), tokens, depth, quantised.data(), quantised_row_bytes(depth));
        auto bias = random_values(rows, 10);
        std::vector<float> out(size_t(tokens) * (rows + 2), -1e30f);
        kernels.int8({.x = quantised.data(), .x_stride = quantised_row_bytes(depth), .tokens = tokens, .depth = depth,
                      .weight = bytes.data(), .weight_stride = stride, .rows = rows, .bias = bias.data(),
                      .out = out.data(), .out_stride = size_t(rows) + 2});
        for (int t = 0; t < tokens; ++t) {
          QuantisedRow r = row_of(quantised, t, depth);
          for (int o = 0; o < rows; ++o) {
            double want = bias[o], size = std::abs(want);
            for (int k = 0; k < depth; ++k) {
              double product = double(weights[size_t(o) * depth + k]) * r.q[k] * r.scale[k / 32];
              want += product;
              size += std::abs(product);
            }
            EXPECT_NEAR(out[size_t(t) * (rows + 2) + o], want, 2e-6 * size)
                << table->name << " " << format.name << " token " << t << " of " << tokens << " row " << o;
          }
          EXPECT_EQ(out[size_t(t) * (rows + 2) + rows], -1e30f) << "written past the rows";
        }
      }
    }
  }
}

// Scales that are numbers: the halves of a block become 1.
void scale_by_one(Format format, std::byte* block) {
  uint16_t one = float_to_f16(1);
  auto put = [&](size_t at) { std::memcpy(block + at, &one, sizeof one); };
  switch (format) {
    case Format::q4_1: case Format::q5_1: case Format::q4_k: case Format::q5_k: return put(0), put(2);
    case Format::q2_k: return put(80), put(82);
    case Format::q3_k: return put(108);
    case Format::q6_k: return put(208);
    case Format::tq1_0: return put(52);
    case Format::tq2_0: return put(64);
    case Format::mxfp4: block[0] = std::byte{128}; return;
    default: return set_block_scale(format, block, 1);
  }
}

// The largest weights and activations of every format fit the 16-bit sums of the vector kernels.
TEST(IntegerLinear, SurvivesExtremeValues) {
  for (const KernelTable* table : tables()) {
    for (int f = 0; f < table->format_count; ++f) {
      const FormatKernels& kernels = table->formats[f];
      if (!kernels.int8) continue;
      const FormatInfo& format = info(kernels.format);
      int depth = format.block_values;
      for (int pattern : {0x00, 0x7f, 0x80, 0xff}) {
        std::vector<std::byte> bytes(row_bytes(kernels.format, depth), std::byte(pattern));
        scale_by_one(kernels.format, bytes.data());
        std::vector<float> weights(depth);
        format.unpack(bytes.data(), weights);
        for (float sign : {1.0f, -1.0f}) {
          std::vector<float> x(depth, sign);
          std::vector<std::byte> quantised(quantised_row_bytes(depth));
          table->quantise(x.data(), 1, depth, quantised.data(), quantised.size());
          float out = 0;
          kernels.int8({.x = quantised.data(), .x_stride = quantised.size(), .tokens = 1, .depth = depth,
                        .weight = bytes.data(), .weight_stride = bytes.size(), .rows = 1, .bias = nullptr, .out = &out,
                        .out_stride = 1});
          double want = 0, size = 0;
          for (float w : weights) want += w * sign, size += std::abs(w);
          EXPECT_NEAR(out, want, 2e-6 * size) << table->name << " " << format.name << " pattern " << pattern;
        }
      }
    }
  }
}

TEST(Activations, AreAccurateOverTheWholeRange) {
  std::vector<float> x;
  for (float v = -120; v <= 120; v += 0.037f) x.push_back(v);
  for (float v = 1e-6f; v < 1; v *= 1.7f) x.insert(x.end(), {v, -v});
  x.push_back(0);
  std::vector<float> out(x.size());
  for (const KernelTable* table : tables()) {
    auto expect = [&](const char* what, double (*want)(double), double relative, double absolute) {
      for (size_t i = 0; i < x.size(); ++i) {
        double right = want(x[i]);
        ASSERT_NEAR(out[i], right, relative * std::abs(right) + absolute) << table->name << " " << what << "(" << x[i] << ")";
      }
    };
    table->unary(Unary::silu, x.data(), out.data(), x.size());
    expect("silu", [](double v) { return v / (1 + std::exp(-v)); }, 1e-6, 1e-30);
    table->unary(Unary::gelu_tanh, x.data(), out.data(), x.size());
    expect("gelu_tanh", [](double v) {
      return 0.5 * v * (1 + std::tanh(0.79788456080286536 * (v + 0.044715 * v * v * v)));
    }, 2e-6, 1e-6);
    table->softcap(x.data(), 1, out.data(), x.size());
    expect("tanh", [](double v) { return std::tanh(v); }, 1e-6, 0);
  }
}

TEST(Activations, LetNotANumberThrough) {
  for (const KernelTable* table : tables()) {
    std::vector<float> x(9, NAN), out(9);
    for (Unary kind : {Unary::silu, Unary::gelu_tanh, Unary::gelu_erf, Unary::relu}) {
      table->unary(kind, x.data(), out.data(), x.size());
      for (float v : out) EXPECT_TRUE(std::isnan(v)) << table->name << " " << int(kind);
    }
  }
}

TEST(ToF16, RoundsLikeTheCompiler) {
  auto x = random_values(1003, 6, 100);
  for (const KernelTable* table : tables()) {
    for (size_t n : {1u, 7u, 8u, 1003u}) {
      std::vector<uint16_t> out(n + 1, 0x1234);
      table->to_f16(x.data(), out.data(), n);
      for (size_t i = 0; i < n; ++i) EXPECT_EQ(out[i], float_to_f16(x[i]));
      EXPECT_EQ(out[n], 0x1234);
    }
  }
}

// Everything that only differs by fused or separate rounding: each table against the first.
TEST(Tables, AgreeWithEachOther) {
  auto all = tables();
  for (const KernelTable* table : all) {
    for (int f = 0; f < table->format_count; ++f) {
      const FormatInfo& format = info(table->formats[f].format);
      int depth = 3 * format.block_values + (format.block_values == 1 ? 40 : 0), rows = 5, tokens = 7;
      size_t stride = row_bytes(format.format, depth);
      std::vector<std::byte> bytes = as_blocks(format.format, random_values(size_t(rows) * depth, 12));
      size_t shift = format.block_values == 1 ? 1 : 0;  // a tensor of a safetensors file may begin at any byte
      bytes.insert(bytes.begin(), shift, std::byte{0});
      auto x = random_values(size_t(tokens) * depth, 13);
      std::vector<float> want(size_t(tokens) * rows), got(want.size());
      auto run = [&](const KernelTable& t, std::vector<float>& out) {
        t.formats[f].float32({.x = reinterpret_cast<const std::byte*>(x.data()), .x_stride = depth * sizeof(float),
                              .tokens = tokens, .depth = depth, .weight = bytes.data() + shift, .weight_stride = stride,
                              .rows = rows, .bias = nullptr, .out = out.data(), .out_stride = size_t(rows)});
      };
      run(*all[0], want);
      run(*table, got);
      for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-4) << table->name << " " << format.name;
    }
  }
}

// What formats without a row run on: here every format does, whose unpacked values the table multiplies in float32.
TEST(Tables, MultiplyByAnyFormat) {
  for (const KernelTable* table : tables()) {
    for (const FormatInfo& format : formats()) {
      for (int tokens : {1, 2, 9}) {
        int depth = 3 * format.block_values + (format.block_values == 1 ? 260 : 0), rows = 5;
        std::vector<float> weights = random_values(size_t(rows) * depth, 14, 5);
        std::vector<std::byte> bytes = as_blocks(format.format, weights);
        format.unpack(bytes.data(), weights);
        auto x = random_values(size_t(tokens) * depth, 15);
        std::vector<float> want(size_t(tokens) * (rows + 1), -3), got(want.size(), -3);
        auto run = [&](LinearKernel kernel, const void* weight, size_t stride, std::vector<float>& out) {
          kernel({.x = reinterpret_cast<const std::byte*>(x.data()), .x_stride = depth * sizeof(float),
                  .tokens = tokens, .depth = depth, .weight = static_cast<const std::byte*>(weight),
                  .weight_stride = stride, .rows = rows, .bias = nullptr, .out = out.data(),
                  .out_stride = size_t(rows) + 1, .format = &format});
        };
        run(table->find(Format::f32).float32, weights.data(), depth * sizeof(float), want);
        run(table->any.float32, bytes.data(), row_bytes(format.format, depth), got);
        EXPECT_EQ(got, want) << table->name << " " << format.name << " tokens " << tokens;
      }
    }
  }
}

TEST(Tables, OfferTheFastestOfThisMachine) {
  EXPECT_NE(kernel_table(Isa::scalar), nullptr);
  EXPECT_EQ(kernel_table().name, tables().back()->name);
}

}  // namespace
}  // namespace troika::kernels
