#include "ops/rewrites.h"

#include <algorithm>
#include <optional>
#include <vector>

namespace troika::ops {
namespace {

// Readers of a tensor, whoever takes the program's results counted as one.
int uses(const Program& program, Tensor t) {
  int count = program.logits == t || program.states == t;
  for (const Op& op : program.ops) count += static_cast<int>(std::count(op.in.begin(), op.in.end(), t));
  return count;
}

// A rewrite looks at the op at `i` and returns the fused op and the indices it replaces, the last of which is
// where the fused op goes: everything it reads exists there, and nothing reads its results earlier.
struct Match {
  Op fused;
  std::vector<size_t> replaces;  // ascending
};

const Op* op_at(const Program& program, size_t i) { return i < program.ops.size() ? &program.ops[i] : nullptr; }

// In a step of one token: x = add(a, b); picked = pick_rows(x)  →  picked = add(a, b); no other readers
std::optional<Match> add_where_wanted(const Program& program, size_t i) {
  const Op& add = program.ops[i];
  const Op* pick = op_at(program, i + 1);
  if (program.tokens != 1 || add.kind != OpKind::add || !pick || pick->kind != OpKind::pick_rows) return {};
  if (pick->in[0] != add.out[0] || uses(program, add.out[0]) != 1) return {};
  return Match{{OpKind::add, add.params, add.in, pick->out, add.name}, {i, i + 1}};
}

// sum = add(a, b); normed = rms_norm(sum, w)  →  sum, normed = add_norm(a, b, w)
std::optional<Match> add_norm(const Program& program, size_t i) {
  const Op& add = program.ops[i];
  const Op* norm = op_at(program, i + 1);
  if (add.kind != OpKind::add || !norm || norm->kind != OpKind::rms_norm || norm->in[0] != add.out[0]) return {};
  if (norm->in.size() < 2 || norm->as<NormParams>().width != program[add.out[0]].shape.columns()) return {};
  return Match{{OpKind::add_norm, norm->params, {add.in[0], add.in[1], norm->in[1]}, {add.out[0], norm->out[0]},
                norm->name},
               {i, i + 1}};
}

// gated(linear(x, gate), linear(x, up))  →  linear_gated(x, gate, up); no biases, no other readers
std::optional<Match> linear_gated(const Program& program, size_t i) {
  const Op& gate = program.ops[i];
  const Op* up = op_at(program, i + 1);
  const Op* gated = op_at(program, i + 2);
  if (!gated || gate.kind != OpKind::linear || up->kind != OpKind::linear || gated->kind != OpKind::gated) return {};
  if (gate.in.size() != 2 || up->in.size() != 2 || gate.in[0] != up->in[0]) return {};
  if (gate.as<LinearParams>().first != 0 || up->as<LinearParams>().first != 0) return {};
  if (gated->in[0] != gate.out[0] || gated->in[1] != up->out[0]) return {};
  if (uses(program, gate.out[0]) != 1 || uses(program, up->out[0]) != 1) return {};
  return Match{{OpKind::linear_gated, gated->params, {gate.in[0], gate.in[1], up->in[1]}, {gated->out[0]},
                gated->name},
               {i, i + 1, i + 2}};
}

constexpr std::optional<Match> (*kRewrites[])(const Program&, size_t) = {add_where_wanted, add_norm, linear_gated};

}  // namespace

Program fuse(const Program& program, std::vector<int>& device_of_op,
             const std::function<bool(const Program&, const Op&, int device)>& supported) {
  Program fused = program;
  for (auto rewrite : kRewrites) {
    for (size_t i = 0; i < fused.ops.size(); ++i) {
      auto match = rewrite(fused, i);
      if (!match) continue;
      const int device = device_of_op[i];
      const auto is_there = [&](size_t part) { return device_of_op[part] == device; };
      if (!std::ranges::all_of(match->replaces, is_there) || !supported(fused, match->fused, device)) continue;
      fused.ops[match->replaces.back()] = std::move(match->fused);
      match->replaces.pop_back();
      for (auto at = match->replaces.rbegin(); at != match->replaces.rend(); ++at) {
        fused.ops.erase(fused.ops.begin() + static_cast<ptrdiff_t>(*at));
        device_of_op.erase(device_of_op.begin() + static_cast<ptrdiff_t>(*at));
      }
    }
  }
  return fused;
}

Program fuse(const Program& program, const std::function<bool(const Program&, const Op&)>& supported) {
  std::vector<int> one_device(program.ops.size(), 0);
  return fuse(program, one_device, [&](const Program& p, const Op& op, int) { return supported(p, op); });
}

}  // namespace troika::ops
