// The Builder: shapes of every operation, names under scopes, the weight manifest and what it refuses.
#include "ops/builder.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace troika::ops {
namespace {

Builder make() { return Builder(8, 3); }

std::shared_ptr<const RopeTable> table(int pairs) {
  auto t = std::make_shared<RopeTable>();
  t->inverse_frequency.resize(pairs, 1);
  return t;
}

// The program of a builder after `trace`, which returns its last tensor with a row per token.
template <typename Trace>
Program traced(Trace trace) {
  Builder b = make();
  Tensor last = trace(b);
  return b.finish(b.pick_rows(last));
}

const Op& op_named(const Program& p, std::string_view name) {
  for (const Op& op : p.ops) {
    if (op.name == name) return op;
  }
  throw std::runtime_error("no op " + std::string(name));
}

TEST(Builder, GivesEveryOperationItsShape) {
  Builder b = make();
  Tensor x = b.embed("embed", 100, 12);
  Tensor q = b.linear(x, "q", 24);
  Tensor rotated = b.rope(q, 4, table(3));
  int cache = b.kv_cache(2, 6);
  Tensor k = b.linear(x, "k", 12), v = b.linear(x, "v", 12);
  b.kv_write(cache, k, v);
  Tensor attended = b.attend(rotated, {.cache = cache, .heads = 4, .scale = 1});
  Tensor normed = b.rms_norm(x, "norm", 1e-6f), other = b.layer_norm(x, "other", 1e-6f);
  Tensor both = b.concat(normed, attended);
  Tensor part = b.slice(both, 3, 5);
  Tensor gated = b.gated(Activation::silu, normed, b.mul(b.add(normed, other), b.scale(b.softcap(b.act(Activation::relu, x), 3), 2)));
  Tensor picked = b.pick_rows(gated);
  Tensor logits = b.linear(picked, "head", 100, Builder::Bias::yes);
  Program p = b.finish(logits);

  EXPECT_EQ(p.tokens, 8);
  EXPECT_EQ(p.outputs, 3);
  EXPECT_EQ(p[x].shape, (Shape{8, 12}));
  EXPECT_EQ(p[q].shape, (Shape{8, 24}));
  EXPECT_EQ(p[rotated].shape, (Shape{8, 24}));
  EXPECT_EQ(p[attended].shape, (Shape{8, 24}));
  EXPECT_EQ(p[normed].shape, (Shape{8, 12}));
  EXPECT_EQ(p[other].shape, (Shape{8, 12}));
  EXPECT_EQ(p[both].shape, (Shape{8, 36}));
  EXPECT_EQ(p[part].shape, (Shape{8, 5}));
  EXPECT_EQ(p[gated].shape, (Shape{8, 12}));
  EXPECT_EQ(p[gated].extent, Extent::tokens);
  EXPECT_EQ(p[picked].shape, (Shape{3, 12}));
  EXPECT_EQ(p[picked].extent, Extent::outputs);
  EXPECT_EQ(p[logits].shape, (Shape{3, 100}));
  EXPECT_EQ(p[logits].extent, Extent::outputs);
  EXPECT_EQ(p.logits, logits);
  EXPECT_TRUE(op_named(p, "kv_write").out.empty());
  ASSERT_EQ(p.caches.size(), 1u);
  EXPECT_EQ(p.caches[0].kv_heads, 2);
  EXPECT_EQ(p.caches[0].head_dim, 6);
}

TEST(Builder, ListsEveryWeightOnceWithItsShape) {
  Program p = traced([](Builder& b) {
    Tensor x = b.embed("embed", 100, 12);
    x = b.linear(x, "up", 20, Builder::Bias::yes);
    x = b.layer_norm(x, "norm", 1e-5f);
    return b.linear(b.linear(x, "down", 12), "embed", 100);  // a tied head
  });
  std::vector<std::pair<std::string, Shape>> weights;
  for (const TensorInfo& t : p.tensors) {
    if (t.role == Role::weight) weights.emplace_back(t.name, t.shape);
  }
  std::vector<std::pair<std::string, Shape>> want = {
      {"embed.weight", {100, 12}}, {"up.weight", {20, 12}}, {"up.bias", {20}},
      {"norm.weight", {20}},       {"norm.bias", {20}},     {"down.weight", {12, 20}}};
  EXPECT_EQ(weights, want);
  EXPECT_EQ(p.ops.front().in[0], op_named(p, "embed").in[0]);
}

TEST(Builder, PrefixesNamesInsideScopes) {
  Program p = traced([](Builder& b) {
    Tensor x = b.embed("embed", 10, 4);
    auto layers = b.scope("layer.7");
    {
      auto attention = b.scope("attn");
      x = b.linear(x, "q", 4);
    }
    x = b.linear(x, "mlp", 4);
    return x;
  });
  EXPECT_EQ(p.ops[1].name, "layer.7.attn.q");
  EXPECT_EQ(p[p.ops[1].in[1]].name, "layer.7.attn.q.weight");
  EXPECT_EQ(p.ops[2].name, "layer.7.mlp");
}

TEST(Builder, RefusesWhatDoesNotFit) {
  EXPECT_ANY_THROW(Builder(0, 1));
  EXPECT_ANY_THROW(Builder(2, 3));
  Builder b = make();
  Tensor x = b.embed("embed", 10, 12), y = b.linear(x, "y", 10);
  EXPECT_ANY_THROW(b.linear(y, "y", 10));  // one name, two shapes
  EXPECT_ANY_THROW(b.add(x, y));
  EXPECT_ANY_THROW(b.mul(x, y));
  EXPECT_ANY_THROW(b.gated(Activation::silu, x, y));
  EXPECT_ANY_THROW(b.concat(x, b.pick_rows(x)));
  EXPECT_ANY_THROW(b.slice(x, 10, 3));
  EXPECT_ANY_THROW(b.slice(x, -1, 3));
  EXPECT_ANY_THROW(b.slice(x, 0, 0));
  EXPECT_ANY_THROW(b.rope(x, 5, table(1)));          // 12 columns, 5 heads
  EXPECT_ANY_THROW(b.rope(x, 4, table(1)));          // heads of 3
  EXPECT_ANY_THROW(b.rope(x, 2, table(2)));          // 3 pairs, 2 frequencies
  EXPECT_ANY_THROW(b.rope(b.pick_rows(x), 2, table(3)));
  int cache = b.kv_cache(2, 6);
  EXPECT_ANY_THROW(b.kv_write(cache, y, y));
  EXPECT_ANY_THROW(b.kv_write(cache, x, y));
  EXPECT_ANY_THROW(b.kv_write(cache + 1, x, x));
  EXPECT_ANY_THROW(b.attend(x, {.cache = cache, .heads = 4, .scale = 1}));
  EXPECT_ANY_THROW(b.attend(b.linear(x, "q", 18), {.cache = cache, .heads = 3, .scale = 1}));
  EXPECT_ANY_THROW(b.finish(x));
}

// So whoever ends a model need not know whether its last layer picked them.
TEST(Builder, PicksRowsOnce) {
  Builder b = make();
  const Tensor picked = b.pick_rows(b.embed("embed", 10, 12));
  EXPECT_EQ(b.pick_rows(picked), picked);
}

TEST(Builder, TakesPartsOfAWeightInsideIt) {
  Builder b = make();
  Tensor x = b.embed("embed", 10, 12);
  Tensor part = b.linear_part(x, "w", 5, {{9, 16}, 4}), where = b.linear_where(x, "w", part, {{9, 16}, 2});
  Tensor scaled = b.mul_by(where, "s");
  EXPECT_ANY_THROW(b.linear_part(x, "w", 5, {{9, 16}, 5}));
  EXPECT_ANY_THROW(b.linear_part(x, "w", 5, {{9, 16}, -1}));
  EXPECT_ANY_THROW(b.linear_part(x, "narrow", 5, {{9, 11}}));
  EXPECT_ANY_THROW(b.linear_part(x, "w", 5, {{10, 16}}));  // one name, two shapes
  EXPECT_ANY_THROW(b.linear_where(x, "w", part, {{9, 16}, 5}));
  EXPECT_ANY_THROW(b.linear_where(x, "w", b.pick_rows(part), {{9, 16}}));
  Program p = b.finish(b.pick_rows(scaled));
  EXPECT_EQ(p[part].shape, (Shape{8, 5}));
  EXPECT_EQ(p[where].shape, (Shape{8, 5}));
  EXPECT_EQ(p[scaled].shape, (Shape{8, 5}));
  EXPECT_EQ(p[p.ops[1].in[1]].shape, (Shape{9, 16}));
  EXPECT_EQ(p.ops[1].in[1], p.ops[2].in[1]);
}

TEST(Program, PrintsOneLineForEachOp) {
  Program p = traced([](Builder& b) { return b.linear(b.embed("embed", 10, 4), "up", 6); });
  std::string text = to_string(p);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_NE(text.find("linear("), std::string::npos);
  EXPECT_NE(text.find("up.weight[6, 4]"), std::string::npos);
  EXPECT_NE(text.find("O[3, 6]"), std::string::npos);
}

}  // namespace
}  // namespace troika::ops
