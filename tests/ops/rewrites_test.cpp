// Fusion: what is fused, what is left alone, and that a fused tape computes what its parts did.
#include "ops/rewrites.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "ops/builder.h"
#include "ops/reference.h"

namespace troika::ops {
namespace {

bool always(const Program&, const Op&) { return true; }

template <typename Trace>
Program traced(Trace trace) {
  Builder b(4, 2);
  Tensor x = b.embed("embed", 10, 6);
  return b.finish(b.pick_rows(trace(b, x)));
}

std::vector<OpKind> kinds(const Program& p) {
  std::vector<OpKind> all;
  for (const Op& op : p.ops) all.push_back(op.kind);
  return all;
}

Tensor residual_and_mlp(Builder& b, Tensor x) {
  Tensor y = b.linear(x, "y", 6);
  Tensor sum = b.add(x, y);
  Tensor h = b.rms_norm(sum, "norm", 1e-6f);
  Tensor gate = b.linear(h, "gate", 8), up = b.linear(h, "up", 8);
  h = b.gated(Activation::gelu_tanh, gate, up);
  return b.add(sum, b.linear(h, "down", 6));
}

TEST(Fuse, JoinsAddsWithNormsAndGatesWithTheirLinears) {
  Program p = fuse(traced(residual_and_mlp), always);
  EXPECT_EQ(kinds(p), (std::vector{OpKind::embed, OpKind::linear, OpKind::add_norm, OpKind::linear_gated,
                                   OpKind::linear, OpKind::add, OpKind::pick_rows}));
  EXPECT_EQ(p.ops[2].in.size(), 3u);
  EXPECT_EQ(p.ops[2].out.size(), 2u);
  EXPECT_EQ(p.ops[2].as<NormParams>().epsilon, 1e-6f);
  EXPECT_EQ(p.ops[3].in[0], p.ops[2].out[1]);
  EXPECT_EQ(p[p.ops[3].in[1]].name, "gate.weight");
  EXPECT_EQ(p[p.ops[3].in[2]].name, "up.weight");
  EXPECT_EQ(p.ops[3].as<ActParams>().act, Activation::gelu_tanh);
  EXPECT_EQ(p.ops[5].in[0], p.ops[2].out[0]);
}

// A step of one token has one row, which is wanted or not.
Program traced_for_one_token(bool is_read_again) {
  Builder b(1, 1);
  Tensor x = b.embed("embed", 10, 6);
  Tensor sum = b.add(x, b.linear(x, "down", 6));
  Tensor picked = b.pick_rows(sum);
  if (is_read_again) picked = b.add(picked, b.pick_rows(b.scale(sum, 2)));
  return b.finish(b.linear(b.rms_norm(picked, "norm", 1e-6f), "head", 10));
}

TEST(Fuse, AddsTheOnlyTokensRowWhereItIsWanted) {
  Program p = fuse(traced_for_one_token(false), always);
  EXPECT_EQ(kinds(p), (std::vector{OpKind::embed, OpKind::linear, OpKind::add_norm, OpKind::linear}));
  for (Tensor out : p.ops[2].out) EXPECT_EQ(p[out].extent, Extent::outputs);
  Program read_again = fuse(traced_for_one_token(true), always);
  EXPECT_EQ(std::ranges::count(kinds(read_again), OpKind::pick_rows), 2);
}

TEST(Fuse, KeepsThePartsThatTheDeviceWants) {
  Program plain = traced(residual_and_mlp);
  EXPECT_EQ(kinds(fuse(plain, [](auto&, auto&) { return false; })), kinds(plain));
  Program norm_only = fuse(plain, [](auto&, const Op& op) { return op.kind == OpKind::add_norm; });
  EXPECT_EQ(kinds(norm_only), (std::vector{OpKind::embed, OpKind::linear, OpKind::add_norm, OpKind::linear,
                                           OpKind::linear, OpKind::gated, OpKind::linear, OpKind::add,
                                           OpKind::pick_rows}));
}

TEST(Fuse, AsksWithTheFusedOpAndItsProgram) {
  int asked = 0;
  fuse(traced(residual_and_mlp), [&](const Program& program, const Op& op) {
    ++asked;
    EXPECT_TRUE(op.kind == OpKind::add_norm || op.kind == OpKind::linear_gated);
    for (Tensor t : op.in) EXPECT_LT(t.id, program.tensors.size());
    return true;
  });
  EXPECT_EQ(asked, 2);
}

TEST(Fuse, LeavesGatesOfLaterRowsAlone) {
  Program p = traced([](Builder& b, Tensor x) {
    Tensor gate = b.linear_part(x, "gate", 4, {{8, 6}, 4}), up = b.linear_part(x, "up", 4, {{8, 6}});
    return b.gated(Activation::silu, gate, up);
  });
  EXPECT_EQ(kinds(fuse(p, always)), kinds(p));
}

TEST(Fuse, LeavesNormsOfOtherTensorsAlone) {
  Program p = traced([](Builder& b, Tensor x) {
    Tensor sum = b.add(x, x);
    return b.add(sum, b.rms_norm(x, "norm", 1e-6f));
  });
  EXPECT_EQ(kinds(fuse(p, always)), kinds(p));
}

TEST(Fuse, LeavesGatesAloneWhosePartsAreReadElsewhere) {
  Program p = traced([](Builder& b, Tensor x) {
    Tensor gate = b.linear(x, "gate", 8), up = b.linear(x, "up", 8);
    return b.add(b.gated(Activation::silu, gate, up), up);
  });
  EXPECT_EQ(kinds(fuse(p, always)), kinds(p));
}

TEST(Fuse, LeavesGatesWithBiasesOrTwoInputsAlone) {
  Program biased = traced([](Builder& b, Tensor x) {
    Tensor gate = b.linear(x, "gate", 8, Builder::Bias::yes), up = b.linear(x, "up", 8);
    return b.gated(Activation::silu, gate, up);
  });
  EXPECT_EQ(kinds(fuse(biased, always)), kinds(biased));
  Program two = traced([](Builder& b, Tensor x) {
    Tensor y = b.scale(x, 2);
    Tensor gate = b.linear(x, "gate", 8), up = b.linear(y, "up", 8);
    return b.gated(Activation::silu, gate, up);
  });
  EXPECT_EQ(kinds(fuse(two, always)), kinds(two));
  Program swapped = traced([](Builder& b, Tensor x) {
    Tensor up = b.linear(x, "up", 8), gate = b.linear(x, "gate", 8);
    return b.gated(Activation::silu, gate, up);
  });
  EXPECT_EQ(kinds(fuse(swapped, always)), kinds(swapped));
}

std::vector<float> run(const Program& p) {
  StepInputs inputs(p.tokens, p.outputs, 1, 1);
  inputs.tokens = p.tokens;
  inputs.outputs = p.outputs;
  for (int i = 0; i < p.tokens; ++i) inputs.token_ids[i] = 9 - 2 * i;
  if (p.outputs == 2) inputs.output_rows = {1, 3};
  std::vector<std::vector<float>> memory;
  std::vector<float*> tensors;
  for (const TensorInfo& t : p.tensors) {
    auto& values = memory.emplace_back(size_t(t.shape.values()));
    for (size_t i = 0; i < values.size(); ++i) values[i] = float(int((i * 37 + t.name.size() * 11) % 23) - 11) / 10;
  }
  for (auto& m : memory) tensors.push_back(m.data());
  for (const Op& op : p.ops) run_reference(p, op, inputs, {.tensors = tensors, .caches = {}});
  return memory[p.logits.id];
}

TEST(Fuse, ChangesNoResult) {
  Program plain = traced(residual_and_mlp);
  auto want = run(plain), got = run(fuse(plain, always));
  ASSERT_EQ(want.size(), 12u);
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-5 * (1 + std::abs(want[i])));
  const Program one = traced_for_one_token(false);
  want = run(one), got = run(fuse(one, always));
  ASSERT_EQ(want.size(), 10u);
  for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], 1e-5 * (1 + std::abs(want[i])));
}

}  // namespace
}  // namespace troika::ops
