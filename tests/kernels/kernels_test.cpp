// The small kernels of all instruction sets of this machine against the C library, and the choice of the table.
// (linear_test.cpp: products; tests/device compares all ops with their definitions.)
#include "kernels/kernel_table.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "kernels/linear_case.h"

namespace troika::kernels {
namespace {

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

TEST(Tables, OfferTheFastestOfThisMachine) {
  EXPECT_NE(kernel_table(Isa::scalar), nullptr);
  EXPECT_EQ(kernel_table().name, tables().back()->name);
  EXPECT_EQ(&kernel_table(""), &kernel_table());
  for (const KernelTable* table : tables()) EXPECT_EQ(&kernel_table(table->name), table);
  EXPECT_THROW(kernel_table("sse"), Error);
}

}  // namespace
}  // namespace troika::kernels
