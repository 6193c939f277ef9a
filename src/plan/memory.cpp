#include "plan/memory.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace troika::plan {
namespace {

constexpr size_t kAlignment = 64;

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

struct Block {
  size_t offset, bytes;
  size_t last_use;  // index of the last op that reads it
};

// The lowest gap of `bytes` between the live blocks, which are sorted by offset.
size_t lowest_gap(const std::vector<Block>& live, size_t bytes) {
  size_t offset = 0;
  for (const Block& block : live) {
    if (block.offset >= offset + bytes) break;
    offset = std::max(offset, block.offset + block.bytes);
  }
  return offset;
}

// A device may turn queries and keys where it reads them, and store keys and values no earlier than it attends to them: what
// the ropes and the kv_write in front of an attend take lives until then.
void keep_until_attended(const ops::Program& program, std::vector<size_t>& last_use) {
  std::vector<const ops::Op*> made_by(program.tensors.size(), nullptr), stored(program.caches.size(), nullptr);
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const ops::Op& op = program.ops[i];
    const auto keep = [&](ops::Tensor t) {
      last_use[t.id] = std::max(last_use[t.id], i);
      const ops::Op* rope = made_by[t.id];
      if (rope && rope->kind == ops::OpKind::rope) last_use[rope->in[0].id] = std::max(last_use[rope->in[0].id], i);
    };
    if (op.kind == ops::OpKind::kv_write) stored[size_t(op.as<ops::KvParams>().cache)] = &op;
    if (op.kind == ops::OpKind::attend) {
      keep(op.in[0]);
      const ops::Op* write = std::exchange(stored[size_t(op.as<ops::AttendParams>().cache)], nullptr);
      if (write) std::ranges::for_each(write->in, keep);
    }
    for (ops::Tensor t : op.out) made_by[t.id] = &op;
  }
}

}  // namespace

MemoryPlan plan_memory(const ops::Program& program) {
  std::vector<size_t> last_use(program.tensors.size(), 0);
  for (size_t i = 0; i < program.ops.size(); ++i) {
    for (ops::Tensor t : program.ops[i].in) last_use[t.id] = i;
    for (ops::Tensor t : program.ops[i].out) last_use[t.id] = i;
  }
  keep_until_attended(program, last_use);
  last_use[program.logits.id] = program.ops.size();
  if (program.states) last_use[program.states->id] = program.ops.size();

  MemoryPlan plan{.offsets = std::vector<size_t>(program.tensors.size(), 0)};
  std::vector<Block> live;
  for (size_t i = 0; i < program.ops.size(); ++i) {
    std::erase_if(live, [&](const Block& block) { return block.last_use < i; });
    for (ops::Tensor t : program.ops[i].out) {
      size_t bytes = aligned(static_cast<size_t>(program[t].shape.values()) * sizeof(float));
      Block block{lowest_gap(live, bytes), bytes, last_use[t.id]};
      plan.offsets[t.id] = block.offset;
      plan.bytes = std::max(plan.bytes, block.offset + block.bytes);
      auto after = std::find_if(live.begin(), live.end(), [&](const Block& b) { return b.offset > block.offset; });
      live.insert(after, block);
    }
  }
  return plan;
}

}  // namespace troika::plan
