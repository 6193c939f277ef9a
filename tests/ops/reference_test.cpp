// The definitions of the operations on small cases computed by hand.
#include "ops/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "ops/builder.h"

namespace troika::ops {
namespace {

using ::testing::FloatNear;
using ::testing::Pointwise;

// One op on given inputs. `x` are token tensors by value, weights are given by name.
struct OneOp {
  int tokens = 1;
  std::vector<std::vector<float>> x;
  std::map<std::string, std::vector<float>> weights = {};
  StepInputs inputs = StepInputs(8, 8, 2, 4);
  std::vector<float> keys = std::vector<float>(1024), values = std::vector<float>(1024);
  Format format = Format::f32;  // of the caches

  template <typename Trace>
  std::vector<float> run(Trace trace) {
    Builder b(tokens, 1);
    std::vector<Tensor> in;
    for (size_t i = 0; i < x.size(); ++i) in.push_back(b.embed("x" + std::to_string(i), 1, int(x[i].size()) / tokens));
    Tensor out = trace(b, in);
    Program p = b.finish(b.pick_rows(out));
    inputs.tokens = tokens;
    inputs.outputs = 1;
    std::vector<std::vector<float>> memory;
    for (const TensorInfo& t : p.tensors) {
      auto given = weights.find(t.name);
      memory.push_back(given != weights.end() ? given->second : std::vector<float>(size_t(t.shape.values())));
      EXPECT_EQ(memory.back().size(), size_t(t.shape.values())) << t.name;
    }
    for (size_t i = 0; i < in.size(); ++i) memory[in[i].id] = x[i];
    std::vector<float*> tensors;
    for (auto& m : memory) tensors.push_back(m.data());
    std::vector<ReferenceCache> caches(p.caches.size(), {keys.data(), values.data(), format});
    for (size_t i = in.size(); i < p.ops.size(); ++i) {
      run_reference(p, p.ops[i], inputs, {.tensors = tensors, .caches = caches});
    }
    return memory[out.id];
  }
};

MATCHER_P(Near, want, "") {
  return ::testing::ExplainMatchResult(Pointwise(FloatNear(1e-5f), std::vector<float>(want)), arg, result_listener);
}
std::vector<float> values(std::initializer_list<float> list) { return list; }

TEST(Reference, EmbedsRowsOfTheTable) {
  OneOp op{.tokens = 2, .weights = {{"table.weight", {1, 2, 3, 4, 5, 6}}}};
  op.inputs.token_ids = {2, 0};
  EXPECT_THAT(op.run([](Builder& b, auto) { return b.embed("table", 3, 2); }), Near(values({5, 6, 1, 2})));
  op.inputs.token_ids = {3, 1};  // beyond the table
  EXPECT_THAT(op.run([](Builder& b, auto) { return b.embed("table", 3, 2); }), Near(values({1, 2, 3, 4})));
}

TEST(Reference, PutsFeaturesInThePlaceOfTokens) {
  OneOp op{.tokens = 3, .x = {{1, 2, 3, 4, 5, 6}}};
  op.inputs = StepInputs(8, 8, 2, 4, 1, 2);
  op.inputs.features = {10, 20, 30, 40, 50, 60};
  op.inputs.feature_rows = {1, -1, 0};
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.insert_features(x[0]); }), Near(values({30, 40, 3, 4, 10, 20})));
  EXPECT_THAT(op.run([](Builder& b, auto) { return b.features(2); }), Near(values({10, 20, 30, 40, 50, 60})));
}

TEST(Reference, MultipliesByTheTransposedWeightAndAddsTheBias) {
  OneOp op{.tokens = 2, .x = {{1, 2, 3, 4}}, .weights = {{"w.weight", {1, 0, 0, 1, 1, 1}}, {"w.bias", {10, 20, 30}}}};
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.linear(x[0], "w", 3, Builder::Bias::yes); }),
              Near(values({11, 22, 33, 13, 24, 37})));
}

TEST(Reference, MultipliesByPartOfAWeight) {
  OneOp op{.tokens = 1, .x = {{1, 2}}, .weights = {{"w.weight", {1, 1, 9, 2, 3, 9, 5, 7, 9}}}};
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.linear_part(x[0], "w", 2, {{3, 3}, 1}); }), Near(values({8, 19})));
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.linear_part(x[0], "w", 1, {{3, 3}}); }), Near(values({3})));
}

TEST(Reference, MultipliesWhereTheGateIsOpen) {
  OneOp op{.tokens = 2, .x = {{1, 2, 3, INFINITY}, {0.5f, 0, -0.0f, -3}}, .weights = {{"w.weight", {9, 9, 1, 1, 0, 1}}}};
  auto out = op.run([](Builder& b, auto x) { return b.linear_where(x[0], "w", x[1], {{3, 2}, 1}); });
  EXPECT_THAT(out, Pointwise(::testing::Eq(), values({3, 0, 0, INFINITY})));
  EXPECT_FALSE(std::signbit(out[2]));
}

TEST(Reference, MultipliesEachRowByAVector) {
  OneOp op{.tokens = 2, .x = {{1, 2, 3, 4}}, .weights = {{"w.weight", {10, 100}}}};
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.mul_by(x[0], "w"); }), Near(values({10, 200, 30, 400})));
}

TEST(Reference, NormalisesRows) {
  OneOp op{.tokens = 2, .x = {{3, 4, 0, 5}}, .weights = {{"n.weight", {1, 2}}, {"n.bias", {0.5f, -1}}}};
  float r = std::sqrt(12.5f);
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.rms_norm(x[0], "n", 0); }),
              Near(values({3 / r, 8 / r, 0, 10 / r})));
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.layer_norm(x[0], "n", 0); }),
              Near(values({-0.5f, 1, -0.5f, 1})));
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.rms_norm(x[0], "n", 12.5f); })[0], FloatNear(0.6f, 1e-6f));
}

TEST(Reference, NormalisesEachHeadOfARow) {
  OneOp op{.tokens = 1, .x = {{3, 4, 0, 5}}, .weights = {{"n.weight", {1, 2}}}};
  float r = std::sqrt(12.5f);
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.rms_norm(x[0], "n", 0, 2); }),
              Near(values({3 / r, 8 / r, 0, 10 / r})));
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.rms_norm_plain(x[0], 0, 2); }),
              Near(values({3 / r, 4 / r, 0, 5 / r})));
}

TEST(Reference, MixesStreamsByTheirWeights) {
  OneOp op{.tokens = 2, .x = {{9, 2, 3, 9, 10, 100}, {1, 2, 3, 4}, {5, 6, 7, 8}}};
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.mix(x[0], 1, {x[1], x[2]}); }),
              Near(values({2 * 1 + 3 * 5, 2 * 2 + 3 * 6, 10 * 3 + 100 * 7, 10 * 4 + 100 * 8})));
}

TEST(Reference, MatchesTheMagnitudeOfAnotherRow) {
  OneOp op{.tokens = 2, .x = {{3, 4, 0, 0}, {1, 1, 2, 2}}};
  float r = std::sqrt(12.5f);
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.match_rms(x[0], x[1], 1e-5f); }),
              Near(values({3 / r, 4 / r, 0, 0})));
}

TEST(Reference, CutsWhatIsNotFarAboveTheMean) {
  OneOp op{.tokens = 1, .x = {{1, 2, 3, 6}}};  // mean 3, standard deviation √3.5
  float cutoff = 3 + 0.5f * std::sqrt(3.5f);
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.cut_below(x[0], 0.5f); }), Near(values({0, 0, 0, 6 - cutoff})));
}

TEST(Reference, CombinesValuesOneByOne) {
  OneOp op{.tokens = 1, .x = {{1, -2, 3}, {4, 5, -6}}};
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.add(x[0], x[1]); }), Near(values({5, 3, -3})));
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.mul(x[0], x[1]); }), Near(values({4, -10, -18})));
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.scale(x[0], -2); }), Near(values({-2, 4, -6})));
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.softcap(x[0], 2); }),
              Near(values({2 * std::tanh(0.5f), -2 * std::tanh(1.0f), 2 * std::tanh(1.5f)})));
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.gated(Activation::relu, x[0], x[1]); }), Near(values({4, 0, -18})));
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.concat(x[0], x[1]); }), Near(values({1, -2, 3, 4, 5, -6})));
  EXPECT_THAT(op.run([](Builder& b, auto x) { return b.slice(x[0], 1, 2); }), Near(values({-2, 3})));
}

TEST(Reference, KnowsTheActivations) {
  EXPECT_NEAR(activate(Activation::silu, 1), 0.7310585786, 1e-9);
  EXPECT_NEAR(activate(Activation::silu, -800), 0, 1e-9);
  EXPECT_NEAR(activate(Activation::gelu_tanh, 1), 0.8411919906, 1e-9);
  EXPECT_NEAR(activate(Activation::gelu_erf, 1), 0.8413447461, 1e-9);
  EXPECT_EQ(activate(Activation::relu, -3), 0);
  EXPECT_EQ(activate(Activation::relu, 3), 3);
}

TEST(Reference, RotatesHalvesOfHeadsByPosition) {
  auto table = std::make_shared<RopeTable>();
  table->inverse_frequency = {1, 0.5f};
  table->amplitude = 2;
  OneOp op{.tokens = 2, .x = {{1, 2, 3, 4, 1, 0, 0, 0}}};
  op.inputs.place(1, 0, 3, 0);
  auto out = op.run([&](Builder& b, auto x) { return b.rope(x[0], 1, table); });
  float c = std::cos(3.0f), s = std::sin(3.0f);
  EXPECT_THAT(out, Near(values({2, 4, 6, 8, 2 * c, 0, 2 * s, 0})));
}

TEST(Reference, RotatesPairsByTheirAxes) {
  auto table = std::make_shared<RopeTable>();
  table->inverse_frequency = {1, 1, 1};
  table->axis = {2, 0, 1};
  OneOp op{.tokens = 1, .x = {{1, 1, 1, 0, 0, 0}}};
  for (int axis = 0; axis < kRopeAxes; ++axis) op.inputs.rope_positions[axis][0] = axis + 1;
  auto out = op.run([&](Builder& b, auto x) { return b.rope(x[0], 1, table); });
  EXPECT_THAT(out, Near(values({std::cos(3.0f), std::cos(1.0f), std::cos(2.0f), std::sin(3.0f), std::sin(1.0f),
                                std::sin(2.0f)})));
}

TEST(Reference, AttendsToTheRowsOfASpan) {
  OneOp op{.tokens = 3, .x = {{0, 0, 1}, {0, 0, 5}, {10, 20, 30}}};
  op.inputs.spans[0] = {{0, 0, 2}, {2, 2, 3}};
  op.inputs.spans[1] = {{0, 0, 0}, {3, 3, 3}};
  auto run = [&](SpanKind kind) {
    return op.run([=](Builder& b, auto x) {
      return b.attend_spans(x[0], x[1], x[2], {.heads = 1, .kv_heads = 1, .scale = 0.5f, .kind = kind});
    });
  };
  EXPECT_THAT(run(SpanKind::window), Near(values({15, 15, 30})));
  float e = std::exp(2.5f);
  EXPECT_THAT(run(SpanKind::frame), Near(values({20, 20, (30 + 30 * e) / (2 + e)})));
}

// One head of width 1: a key is a number, and so is the score.
struct Attention : OneOp {
  Attention() {
    tokens = 2;
    inputs.place(0, 0, 33, 1);
    inputs.place(1, 0, 2, 0);
    inputs.page_table = {3, 0, 0, 0, /* sequence 1 */ 2, 1, 0, 0};
    keys.assign(4 * kPageTokens, 0);
    values.assign(4 * kPageTokens, -1e6f);  // never to be seen
    for (int j = 0; j < 32; ++j) values[2 * kPageTokens + j] = 1;
    values[1 * kPageTokens + 0] = 35;
    values[1 * kPageTokens + 1] = 33;
    for (int j = 0; j < 3; ++j) values[3 * kPageTokens + j] = float(j);
    x = {{1, 1}};
  }
  std::vector<float> attended(AttendParams p) {
    return run([p](Builder& b, auto in) {
      AttendParams params = p;
      params.cache = b.kv_cache(1, 1);
      params.heads = 1;
      return b.attend(in[0], params);
    });
  }
};

TEST(Reference, AveragesValuesOfTheOwnSequenceOverPageEdges) {
  Attention a;
  EXPECT_THAT(a.attended({.scale = 1}), Near(values({100.0f / 34, 1})));
}

TEST(Reference, LooksBackNoFurtherThanTheWindow) {
  Attention a;
  EXPECT_THAT(a.attended({.scale = 1, .window = 2}), Near(values({34, 1.5f})));
  EXPECT_THAT(a.attended({.scale = 1, .window = 1}), Near(values({33, 2})));
}

TEST(Reference, WeighsByScaledAndCappedScores) {
  Attention a;
  a.keys[3 * kPageTokens + 1] = std::log(4.0f);  // weights 1, 2, 1 at scale 1/2
  EXPECT_NEAR(a.attended({.scale = 0.5f})[1], 1, 1e-6);
  a.keys[3 * kPageTokens + 1] = 0;
  a.keys[3 * kPageTokens + 2] = 1000;  // capped at 3
  float e = std::exp(3.0f);
  EXPECT_NEAR(a.attended({.scale = 1, .softcap = 3})[1], (1 + 2 * e) / (2 + e), 1e-5);
}

TEST(Reference, SeesTheWholeRunThatATokenLiesIn) {
  Attention a;
  a.inputs.run_first[1] = 0;
  a.inputs.run_last[1] = 2;
  a.inputs.positions[1] = 1;  // sees 0 and 2 all the same, whatever the window
  EXPECT_NEAR(a.attended({.scale = 1, .window = 1})[1], 1, 1e-6);
  a.inputs.run_first[1] = 1;
  EXPECT_NEAR(a.attended({.scale = 1, .window = 1})[1], 1.5, 1e-6);
}

TEST(Reference, SharesKeyHeadsAmongQueryHeads) {
  OneOp op{.tokens = 1, .x = {{0, 0, 0, 0}}};
  op.values[0] = 5;                // page 0, head 0, token 0
  op.values[kPageTokens] = 7;      // head 1
  auto out = op.run([](Builder& b, auto in) {
    return b.attend(in[0], {.cache = b.kv_cache(2, 1), .heads = 4, .scale = 1});
  });
  EXPECT_THAT(out, Near(values({5, 5, 7, 7})));
}

TEST(Reference, WritesKeysAndValuesWhereThePageTableSays) {
  OneOp op{.tokens = 2, .x = {{1, 2, 3, 4}, {5, 6, 7, 8}}};
  op.inputs.place(0, 0, 33, 0);
  op.inputs.place(1, 0, 0, 1);
  op.inputs.page_table = {9, 2, 9, 9, 3, 9, 9, 9};
  op.run([](Builder& b, auto in) {
    b.kv_write(b.kv_cache(2, 1), in[0], in[1]);
    return in[0];
  });
  EXPECT_EQ(op.keys[(2 * 2 + 0) * kPageTokens + 1], 1);
  EXPECT_EQ(op.keys[(2 * 2 + 1) * kPageTokens + 1], 2);
  EXPECT_EQ(op.keys[(3 * 2 + 0) * kPageTokens], 3);
  EXPECT_EQ(op.values[(3 * 2 + 1) * kPageTokens], 8);
  EXPECT_EQ(std::count(op.keys.begin(), op.keys.end(), 0.0f), 1020);
}

TEST(Reference, RotatesByTheHadamardMatrix) {
  EXPECT_THAT(rotated(values({1, 2, 3, 4}), 4), Near(values({5, -1, -2, 0})));
  EXPECT_THAT(rotated(values({1, 2, 3, 4}), 2), Near(values({2.1213203f, -0.7071068f, 4.9497475f, -0.7071068f})));
  EXPECT_EQ(rotated(values({1, 2, 3}), 0), values({1, 2, 3}));
  std::vector<float> one(128), spread(128, std::sqrt(1 / 128.0f));
  one[0] = 1;
  EXPECT_THAT(rotated(one, 128), Near(spread));
  EXPECT_THAT(rotated(spread, 128), Near(one));
}

// 32 values whose rotation is a multiple of 1/2 from −8 to 7 halves: a cache of four bits has them exactly.
TEST(Reference, KeepsARotatedHeadInFourBits) {
  std::vector<float> held(32);
  for (int i = 0; i < 32; ++i) held[i] = 0.5f * float(i % 16 - 8);
  std::vector<float> x = rotated(held, 32);
  OneOp op{.x = {x, x}, .format = Format::q4_0};
  op.inputs.place(0, 0, 0, 0);
  auto out = op.run([](Builder& b, auto in) {
    int cache = b.kv_cache(1, 32);
    b.kv_write(cache, in[0], in[1]);
    return b.attend(in[0], {.cache = cache, .heads = 1, .scale = 1});
  });
  EXPECT_THAT(std::vector<float>(op.values.begin(), op.values.begin() + 32), Near(held));
  for (int i = 0; i < 32; ++i) EXPECT_NEAR(op.keys[size_t(i) * kPageTokens], held[i], 1e-5);
  EXPECT_THAT(out, Near(x));  // one token sees itself only
}

TEST(Reference, PicksTheRowsWanted) {
  Builder b(3, 2);
  Tensor x = b.embed("x", 1, 2);
  Program p = b.finish(b.pick_rows(x));
  StepInputs inputs(3, 2, 1, 1);
  inputs.tokens = 3;
  inputs.outputs = 2;
  inputs.output_rows = {0, 2};
  std::vector<float> in = {1, 2, 3, 4, 5, 6}, out(4);
  std::vector<float*> tensors(p.tensors.size());
  tensors[x.id] = in.data();
  tensors[p.logits.id] = out.data();
  run_reference(p, p.ops[1], inputs, {.tensors = tensors, .caches = {}});
  EXPECT_THAT(out, Near(values({1, 2, 5, 6})));
}

TEST(Reference, TouchesLiveRowsOnly) {
  Builder b(3, 1);
  Tensor x = b.embed("x", 1, 1);
  Tensor y = b.scale(x, 2);
  Program p = b.finish(b.pick_rows(y));
  StepInputs inputs(3, 1, 1, 1);
  inputs.tokens = 2;
  std::vector<float> in = {1, 2, 3}, out = {-1, -1, -1};
  std::vector<float*> tensors(p.tensors.size());
  tensors[x.id] = in.data();
  tensors[y.id] = out.data();
  run_reference(p, p.ops[1], inputs, {.tensors = tensors, .caches = {}});
  EXPECT_THAT(out, Near(values({2, 4, -1})));
}

}  // namespace
}  // namespace troika::ops
