#include "plan/memory.h"

#include <gtest/gtest.h>

#include "ops/builder.h"

namespace troika::plan {
namespace {

ops::Program deep(int layers, int tokens) {
  ops::Builder b(tokens, 1);
  ops::Tensor x = b.embed("embed", 100, 48);
  for (int i = 0; i < layers; ++i) {
    auto layer = b.scope("layer." + std::to_string(i));
    x = b.add(x, b.linear(b.act(ops::Activation::silu, b.linear(x, "up", 200)), "down", 48));
  }
  ops::Tensor picked = b.pick_rows(x);
  b.keep_states(picked);
  return b.finish(b.softcap(b.softcap(b.linear(picked, "head", 100), 30), 20));
}

size_t bytes(const ops::Program& p, ops::Tensor t) { return size_t(p[t].shape.values()) * sizeof(float); }

TEST(Memory, NeverLetsTwoLivingTensorsShareBytes) {
  ops::Program p = deep(4, 7);
  MemoryPlan plan = plan_memory(p);
  std::vector<size_t> born(p.tensors.size()), dies(p.tensors.size(), 0);
  for (size_t i = 0; i < p.ops.size(); ++i) {
    for (auto t : p.ops[i].out) born[t.id] = dies[t.id] = i;
    for (auto t : p.ops[i].in) dies[t.id] = i;
  }
  dies[p.logits.id] = dies[p.states->id] = p.ops.size();
  for (uint32_t a = 0; a < p.tensors.size(); ++a) {
    for (uint32_t b = 0; b < a; ++b) {
      if (p.tensors[a].role == ops::Role::weight || p.tensors[b].role == ops::Role::weight) continue;
      if (born[a] > dies[b] || born[b] > dies[a]) continue;
      bool apart = plan.offsets[a] + bytes(p, {a}) <= plan.offsets[b] || plan.offsets[b] + bytes(p, {b}) <= plan.offsets[a];
      EXPECT_TRUE(apart) << p.tensors[a].name << " and " << p.tensors[b].name;
    }
  }
}

TEST(Memory, KeepsWhatADeviceMayTurnAndStoreAsItAttends) {
  ops::Builder b(3, 1);
  const int cache = b.kv_cache(2, 16);
  const auto table = std::make_shared<const ops::RopeTable>(ops::RopeTable{.inverse_frequency = std::vector<float>(8, 1)});
  ops::Tensor x = b.embed("embed", 100, 64);
  for (int i = 0; i < 3; ++i) {  // the arena's gaps differ from layer to layer
    auto layer = b.scope("layer." + std::to_string(i));
    ops::Tensor q = b.linear(x, "q", 64), k = b.linear(x, "k", 32), v = b.linear(x, "v", 32);
    b.kv_write(cache, b.rope(k, 2, table), v);
    ops::Tensor mixed = b.attend(b.rope(q, 4, table), {.cache = cache, .heads = 4, .scale = 1});
    x = b.add(x, b.linear(mixed, "o", 64));
  }
  const ops::Program p = b.finish(b.linear(b.pick_rows(x), "head", 100));
  const MemoryPlan plan = plan_memory(p);
  const auto apart = [&](ops::Tensor a, ops::Tensor b) {
    return plan.offsets[a.id] + bytes(p, a) <= plan.offsets[b.id] || plan.offsets[b.id] + bytes(p, b) <= plan.offsets[a.id];
  };
  int attends = 0;
  for (size_t i = 6; i < p.ops.size(); ++i) {
    if (p.ops[i].kind != ops::OpKind::attend) continue;
    ++attends;
    for (size_t j = i - 6; j < i; ++j) {  // q, k, v, the ropes and kv_write
      for (ops::Tensor t : p.ops[j].out) EXPECT_TRUE(apart(t, p.ops[i].out[0])) << p[t].name << " in layer " << attends - 1;
    }
  }
  EXPECT_EQ(attends, 3);
}

TEST(Memory, DoesNotGrowWithTheNumberOfLayers) {
  EXPECT_EQ(plan_memory(deep(2, 16)).bytes, plan_memory(deep(40, 16)).bytes);
}

TEST(Memory, AlignsEveryTensor) {
  for (size_t offset : plan_memory(deep(3, 5)).offsets) EXPECT_EQ(offset % 64, 0u);
}

}  // namespace
}  // namespace troika::plan
