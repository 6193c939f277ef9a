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

TEST(Memory, DoesNotGrowWithTheNumberOfLayers) {
  EXPECT_EQ(plan_memory(deep(2, 16)).bytes, plan_memory(deep(40, 16)).bytes);
}

TEST(Memory, AlignsEveryTensor) {
  for (size_t offset : plan_memory(deep(3, 5)).offsets) EXPECT_EQ(offset % 64, 0u);
}

}  // namespace
}  // namespace troika::plan
