// The linear kernels of every instruction set and format, over rows as in the file and over panels, with activations in
// float32 and rounded to int8 or int16, against sums in double of what the format table unpacks. (tests/device runs the same
// kernels through ops.)
#include <gtest/gtest.h>

#include "kernels/linear_case.h"

namespace troika::kernels {
namespace {

constexpr int kTokenCounts[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 31, 32, 33, 64, 96};
constexpr int kRowCounts[] = {1, 3, 15, 16, 17, 33, 47};

constexpr const char* kArithmeticNames[] = {"float32", "int8", "int16"};

struct Form {
  Layout layout;
  Arithmetic arithmetic;
  LinearKernel kernel;

  std::string name() const {
    return fmt::format("{}, {}", layout == Layout::rows ? "rows" : "panels", kArithmeticNames[int(arithmetic)]);
  }
  bool takes(int depth) const { return arithmetic != Arithmetic::int8 || depth % kQuantBlock == 0; }
};

std::vector<Form> forms_of(const KernelTable& table, Format format) {
  std::vector<Form> found;
  for (Layout layout : {Layout::rows, Layout::panels}) {
    for (Arithmetic arithmetic : {Arithmetic::float32, Arithmetic::int8, Arithmetic::int16}) {
      LinearKernel kernel = table.find(format).linear(arithmetic, layout == Layout::panels);
      if (kernel) found.push_back({layout, arithmetic, kernel});
    }
  }
  return found;
}

// Columns multiplied, of a weight that may have more.
struct Depth {
  int used, columns;
};

std::vector<Depth> depths_of(Format format) {
  int block = info(format).block_values;
  std::vector<Depth> found;
  for (int depth : {1, 3, 17, 32, 64, 96, 128, 255, 256, 288, 512, 768, 896, 2816}) {
    if (depth % block == 0) found.push_back({depth, found.size() % 2 == 1 ? depth + block : depth});
  }
  return found;
}

class EveryLinear : public ::testing::TestWithParam<std::tuple<NamedIsa, Format>> {
 protected:
  void SetUp() override {
    table_ = kernel_table(std::get<0>(GetParam()).isa);
    if (!table_) GTEST_SKIP() << "this build or machine lacks " << std::get<0>(GetParam()).name;
  }
  Format format() const { return std::get<1>(GetParam()); }
  const KernelTable& table() const { return *table_; }

 private:
  const KernelTable* table_ = nullptr;
};

struct ExactResult {
  double value, size;  // size: the sum of the products' absolute values
};

ExactResult exact(const Weights& w, Arithmetic arithmetic, int row, const double* x, int depth) {
  double sum = 0, size = 0;
  for (int k = 0; k < depth; ++k) {
    double product = double{w.value(arithmetic, row, k)} * x[k];
    sum += product;
    size += std::abs(product);
  }
  return {sum, size};
}

// What the rounding of float32 may add up to: a part for every product summed, of which most cancel.
double tolerance(int depth) { return 2e-7 * (2 + std::sqrt(double(depth))); }

TEST_P(EveryLinear, MultipliesAsDefined) {
  for (Depth depth : depths_of(format())) {
    for (int rows : kRowCounts) {
      if ((rows < 33 && depth.used > 320) || (rows > 33 && depth.used > 1000)) continue;  // one large shape is enough
      Weights weights(format(), rows, depth.columns, uint32_t(depth.used + rows));
      int most = rows == 47 ? kMostTokens : 17;
      auto x = random_values(size_t(most) * depth.used, 5, 3);
      auto bias_values = random_values(size_t(rows) + 1, 6);
      for (const Form& form : forms_of(table(), format())) {
        if (!form.takes(depth.used)) continue;
        SCOPED_TRACE(fmt::format("{}, {} rows, {} of {} columns", form.name(), rows, depth.used, depth.columns));
        for (const float* bias : {static_cast<const float*>(nullptr), std::as_const(bias_values).data() + 1}) {
          TiledTokens tiled(table(), x, most, depth.used, form.arithmetic);
          Outputs out = multiply(form.kernel, weights, form.layout, tiled, {0, rows}, bias);
          ASSERT_TRUE(out.is_clean()) << "written beside the outputs";
          auto numbers = multiplied_with(table(), x, tiled);
          for (int t = 0; t < most; t += bias ? 7 : 1) {
            for (int row = 0; row < rows; ++row) {
              ExactResult want = exact(weights, form.arithmetic, row, &numbers[size_t(t) * depth.used], depth.used);
              if (bias) want.value += bias[row], want.size += std::abs(bias[row]);
              ASSERT_NEAR(out.at(t)[row], want.value, tolerance(depth.used) * want.size) << "token " << t << " row " << row;
            }
          }
        }
      }
    }
  }
}

// However many tokens there are, whichever rows are wanted, and wherever the weights lie.
TEST_P(EveryLinear, GivesARowTheSameBitsInEveryCall) {
  constexpr int kRows = 47;
  constexpr Rows kParts[] = {{0, 47}, {0, 16}, {5, 11}, {15, 2}, {16, 16}, {17, 1}, {31, 16}, {46, 1}, {3, 40}, {20, 0}};
  for (Depth depth : depths_of(format())) {
    if (depth.used != 288 && depth.used != 2816 && depth.used > 96) continue;
    Weights weights(format(), kRows, depth.columns, 21);
    auto x = random_values(size_t(kMostTokens) * depth.used, 22);
    auto bias = random_values(kRows, 23);
    for (Arithmetic arithmetic : {Arithmetic::float32, Arithmetic::int8, Arithmetic::int16}) {
      const Outputs* first = nullptr;
      std::vector<Outputs> keep;
      keep.reserve(1);
      for (const Form& form : forms_of(table(), format())) {
        if (form.arithmetic != arithmetic || !form.takes(depth.used)) continue;
        SCOPED_TRACE(fmt::format("{}, {} of {} columns", form.name(), depth.used, depth.columns));
        TiledTokens all(table(), x, kMostTokens, depth.used, arithmetic);
        if (!first) first = &keep.emplace_back(multiply(form.kernel, weights, form.layout, all, {0, kRows}, bias.data()));
        for (int tokens : kTokenCounts) {
          TiledTokens tiled(table(), x, tokens, depth.used, arithmetic);
          for (Rows part : kParts) {
            if (part.count < kRows && tokens != 1 && tokens != 5 && tokens != 33) continue;
            Outputs out = multiply(form.kernel, weights, form.layout, tiled, part, bias.data() + part.first);
            ASSERT_TRUE(out.is_clean()) << "written beside the outputs";
            for (int t = 0; t < tokens; ++t) {
              ASSERT_EQ(std::memcmp(out.at(t), first->at(t) + part.first, part.count * sizeof(float)), 0)
                  << "token " << t << " of " << tokens << ", rows " << part.first << " + " << part.count;
            }
          }
        }
      }
    }
  }
}

// Multiplied with a one and nothing but zeros, a weight comes out as it is: what tiles hold is what the format unpacks.
// Rows that a panel lacks are zeros. In int16 a one is 8191 steps, so that the scale, the sum of steps and their product
// are rounded, each to 24 bits.
TEST_P(EveryLinear, KnowsEveryWeightExactly) {
  int block = info(format()).block_values, columns = block == 1 ? 70 : 2 * std::max(block, 32), rows = 19;
  Weights weights(format(), rows, columns, 31);
  for (const Form& form : forms_of(table(), format())) {
    if (form.arithmetic == Arithmetic::int8) continue;
    Weights padded = weights;
    if (form.layout == Layout::panels) padded.rows = 32;
    for (int first = 0; first < columns; first += kMostTokens) {
      int count = std::min(kMostTokens, columns - first);
      std::vector<float> ones(size_t(count) * columns, 0);
      for (int t = 0; t < count; ++t) ones[size_t(t) * columns + first + t] = 1;
      TiledTokens tiled(table(), ones, count, columns, form.arithmetic);
      Outputs out = multiply(form.kernel, padded, form.layout, tiled, {0, padded.rows});
      for (int t = 0; t < count; ++t) {
        for (int row = 0; row < padded.rows; ++row) {
          float want = row < rows ? weights.value(form.arithmetic, row, first + t) : 0;
          float rounding = form.arithmetic == Arithmetic::int16 ? 3 * 0x1p-24f * std::abs(want) : 0;
          ASSERT_NEAR(out.at(t)[row], want, rounding) << form.name() << " row " << row << " column " << first + t;
        }
      }
    }
  }
}

// Short sums of products must not overflow: the largest weights of every format and the largest activations.
TEST_P(EveryLinear, SurvivesExtremeValues) {
  int columns = std::max(2 * info(format()).block_values, 64);
  if (info(format()).block_values == 1) return;  // plain floats have no such sums
  for (int pattern : {0x00, 0x55, 0x7f, 0x80, 0x81, 0xaa, 0xff}) {
    std::vector<std::byte> bytes(row_bytes(format(), columns), std::byte(pattern));
    for (size_t at = 0; at < bytes.size(); at += info(format()).block_bytes) set_scales(format(), &bytes[at], 1);
    Weights weights(format(), 1, columns, bytes);
    for (int tokens : {1, 5, 13}) {
      for (float sign : {1.0f, -1.0f, 0.0f}) {  // 0: alternating
        std::vector<float> x(size_t(tokens) * columns, sign);
        for (size_t i = 0; sign == 0 && i < x.size(); ++i) x[i] = i % 2 ? -1.0f : 1.0f;
        for (const Form& form : forms_of(table(), format())) {
          TiledTokens tiled(table(), x, tokens, columns, form.arithmetic);
          Outputs out = multiply(form.kernel, weights, form.layout, tiled, {0, 1});
          auto numbers = multiplied_with(table(), x, tiled);
          for (int t = 0; t < tokens; ++t) {
            ExactResult want = exact(weights, form.arithmetic, 0, &numbers[size_t(t) * columns], columns);
            ASSERT_NEAR(out.at(t)[0], want.value, tolerance(columns) * want.size)
                << form.name() << " pattern " << pattern << " sign " << sign << " token " << t << " of " << tokens;
          }
        }
      }
    }
  }
}

// The largest sum that int16 may give: all weights as large as their step allows, all activations alike.
TEST_P(EveryLinear, SumsTheLargestPairsWithoutOverflow) {
  if (table().find(format()).fast != Arithmetic::int16) return;
  int columns = 320, tokens = 13, rows = 2;
  float most = format() == Format::f16 ? 65504 : 255 * 0x1p8f;  // all bits of the fraction set
  for (bool alternating : {false, true}) {
    std::vector<float> values(size_t(rows) * columns, most), x(size_t(tokens) * columns, 3);
    for (size_t i = 0; alternating && i < values.size(); i += 2) values[i] = -most;
    for (size_t i = 0; alternating && i < x.size(); i += 2) x[i] = -3;
    for (int k = 0; k < columns; ++k) values[columns + k] = -values[k];
    Weights weights(format(), rows, columns, as_blocks(format(), values));
    for (const Form& form : forms_of(table(), format())) {
      TiledTokens tiled(table(), x, tokens, columns, form.arithmetic);
      Outputs out = multiply(form.kernel, weights, form.layout, tiled, {0, rows});
      double want = double{most} * 3 * columns;
      for (int t = 0; t < tokens; ++t) {
        ASSERT_NEAR(out.at(t)[0], want, tolerance(columns) * want) << form.name() << " token " << t;
        ASSERT_NEAR(out.at(t)[1], -want, tolerance(columns) * want) << form.name() << " token " << t;
      }
    }
  }
}

// A weight that is no number, or not finite, gives none in its row and disturbs no other; numbers as small as there are
// give what they are worth, or nothing.
TEST_P(EveryLinear, KeepsOddWeightsToTheirRow) {
  if (info(format()).block_values > 1) return;
  int columns = 130, tokens = 13, rows = 19, odd = 5;
  auto x = random_values(size_t(tokens) * columns, 43);
  auto values = random_values(size_t(rows) * columns, 44);
  Weights good(format(), rows, columns, as_blocks(format(), values));
  for (float weight : {NAN, -NAN, INFINITY, -INFINITY}) {
    for (int k : {0, 1, 15, 16, 63, 64, 127, 128, 129}) {
      auto spoilt = values;
      spoilt[size_t(odd) * columns + k] = weight;
      Weights mixed(format(), rows, columns, as_blocks(format(), spoilt));
      for (const Form& form : forms_of(table(), format())) {
        TiledTokens tiled(table(), x, tokens, columns, form.arithmetic);
        Outputs want = multiply(form.kernel, good, form.layout, tiled, {0, rows});
        Outputs got = multiply(form.kernel, mixed, form.layout, tiled, {0, rows});
        for (int t = 0; t < tokens; ++t) {
          for (int row = 0; row < rows; ++row) {
            if (row == odd) ASSERT_FALSE(std::isfinite(got.at(t)[row])) << form.name() << " " << weight << " at " << k;
            else ASSERT_EQ(got.at(t)[row], want.at(t)[row]) << form.name() << " " << weight << " at " << k << " row " << row;
          }
        }
      }
    }
  }
  for (float tiny : {1e-45f, 1e-40f, 1e-38f, 2e-35f, 3e-35f, 6e-8f, 3e-5f}) {
    std::vector<float> small(size_t(rows) * columns, tiny);
    Weights weights(format(), rows, columns, as_blocks(format(), small));
    for (const Form& form : forms_of(table(), format())) {
      TiledTokens tiled(table(), x, tokens, columns, form.arithmetic);
      Outputs got = multiply(form.kernel, weights, form.layout, tiled, {0, rows});
      auto numbers = multiplied_with(table(), x, tiled);
      for (int t = 0; t < tokens; ++t) {
        ExactResult want = exact(weights, form.arithmetic, 0, &numbers[size_t(t) * columns], columns);
        double least = columns * 0x1p-149;  // of a product that is hardly a number
        for (int row = 0; row < rows; ++row) {
          ASSERT_NEAR(got.at(t)[row], want.value, tolerance(columns) * want.size + least) << form.name() << " " << tiny;
        }
      }
    }
  }
}

// A token that is no number, or not finite, gives no number and disturbs nobody.
TEST_P(EveryLinear, KeepsNotANumberToItsToken) {
  int columns = std::max(info(format()).block_values, 32) * 2, tokens = 15, rows = 17;
  Weights weights(format(), rows, columns, 41);
  auto x = random_values(size_t(tokens) * columns, 42), spoilt = x;
  for (float bad : {NAN, INFINITY, -INFINITY}) {
    for (int k = 0; k < columns; k += 21) {
      spoilt = x;
      spoilt[size_t(4) * columns + k] = bad;
      for (const Form& form : forms_of(table(), format())) {
        TiledTokens good(table(), x, tokens, columns, form.arithmetic), mixed(table(), spoilt, tokens, columns, form.arithmetic);
        Outputs want = multiply(form.kernel, weights, form.layout, good, {0, rows});
        Outputs got = multiply(form.kernel, weights, form.layout, mixed, {0, rows});
        for (int t = 0; t < tokens; ++t) {
          for (int row = 0; row < rows; ++row) {
            if (t == 4) ASSERT_FALSE(std::isfinite(got.at(t)[row])) << form.name() << " " << bad << " at " << k << " row " << row;
            else ASSERT_EQ(got.at(t)[row], want.at(t)[row]) << form.name() << " " << bad << " at " << k;
          }
        }
      }
    }
  }
}

// What formats without a row run on: here every format does.
TEST_P(EveryLinear, OfAnyFormatUnpacksIt) {
  int block = info(format()).block_values, rows = 33;
  for (int columns : {block == 1 ? 37 : block, block == 1 ? 300 : 3 * block}) {
    Weights weights(format(), rows, columns, 51);
    Weights floats(Format::f32, rows, columns, as_blocks(Format::f32, weights.values));
    for (int tokens : {1, 2, 9, 17}) {
      auto x = random_values(size_t(tokens) * columns, 52);
      TiledTokens tiled(table(), x, tokens, columns, Arithmetic::float32);
      Outputs got = multiply(table().any.rows.float32, weights, Layout::rows, tiled, {1, rows - 1});
      Outputs want = multiply(table().find(Format::f32).rows.float32, floats, Layout::rows, tiled, {1, rows - 1});
      ASSERT_TRUE(got.is_clean());
      ASSERT_EQ(got.all, want.all) << columns << " columns, " << tokens << " tokens";
    }
  }
}

std::string case_name(const ::testing::TestParamInfo<std::tuple<NamedIsa, Format>>& test) {
  return fmt::format("{}_{}", std::get<0>(test.param).name, troika::info(std::get<1>(test.param)).name);
}
INSTANTIATE_TEST_SUITE_P(Every, EveryLinear,
                         ::testing::Combine(::testing::ValuesIn(kNamedIsas), ::testing::ValuesIn(weight_formats())), case_name);

}  // namespace
}  // namespace troika::kernels
