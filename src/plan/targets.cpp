#include "plan/targets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "plan/footprint.h"

namespace troika::plan {
namespace {

constexpr Target kTargets[] = {
    {"Qwen2.5-7B, first plan", "qwen2", 7.62, 40, 80, 4.284},  // of no stated size: 4.5 bits a weight
    {"Qwen2.5-7B, later plan", "qwen2", 7.62, 200, 300, 3},
    {"Qwen2.5-VL-7B", "qwen2vl", 7.62, 150, 200, 3},
    {"Qwen2.5-14B", "qwen2", 14.77, 120, 180, 6},
    {"Qwen2.5-32B", "qwen2", 32.76, 80, 120, 12},
    {"QwQ-32B", "qwen2", 32.76, 80, 120, 12},
    {"Gemma 2 2B", "gemma2", 2.61, 400, 600, 1},
    {"Gemma 2 9B", "gemma2", 9.24, 180, 250, 4},
    {"Gemma 3 4B", "gemma3", 3.88, 400, 400, 2},
    {"Gemma 3 27B", "gemma3", 27.01, 150, 200, 8},
};
constexpr double kSameSize = 0.01;  // of the parameters

constexpr int kContext = 1024;
constexpr double kCacheBytes = 8.5 / 8;  // of a value of q8_0
constexpr int kMostUsers = 256, kUsersWithDrafter = 8;

// EAGLE-3, three drafts (vLLM issue 20780): tokens a step; what a draft and the check of them cost, in steps.
constexpr int kDrafts = 3;
constexpr double kTokensAStep = 2.79, kDraftCost = 0.06, kCheckCost = 1.05;

struct Model {
  double total, read;              // weights
  double cache_bytes, operations;  // of attention, a token of a user behind the context
};

Model read(const ops::Program& program) {
  const Parameters count = parameters(program);
  Model m{double(count.total), double(count.total - count.looked_up)};
  for (const ops::Op& op : program.ops) {
    if (op.kind != ops::OpKind::attend) continue;
    const auto& a = op.as<ops::AttendParams>();
    const ops::CacheInfo& cache = program.caches[size_t(a.cache)];
    const double seen = a.window > 0 ? std::min(a.window, kContext) : kContext;
    m.cache_bytes += 2.0 * cache.kv_heads * cache.head_dim * kCacheBytes * seen;
    m.operations += 4.0 * a.heads * cache.head_dim * seen;
  }
  return m;
}

// A step in which each user has so many rows.
double step_s(const Model& m, double bits, const Bounds& bounds, int users, int rows = 1) {
  const double memory = (m.read * bits / 8 + users * m.cache_bytes) / bounds.read_bytes_per_s.value;
  const double arithmetic = users * rows * (2 * m.read + m.operations) / bounds.matrix.value;
  return std::max(memory, arithmetic);
}

int users_for(double tokens_per_s, const Model& m, double bits, const Bounds& bounds) {
  for (int users = 1; users <= kMostUsers; ++users) {
    if (users / step_s(m, bits, bounds, users) >= tokens_per_s) return users;
  }
  return 0;
}

}  // namespace

std::string TargetLimits::verdict() const {
  const auto one = fmt::format("one stream reaches {:.0f}, {:.0f} with a drafter", one_stream, one_with_drafter);
  if (one_stream >= target.low) return "one stream";
  if (one_with_drafter >= target.low) return fmt::format("{:.0f} with one stream and a drafter", target.low);
  if (users_for_high > 0)
    return fmt::format("no stream alone, the sum of {} to {} users; {}", users_for_low, users_for_high, one);
  if (users_for_low > 0) {
    return fmt::format("{:.0f} as the sum of {} users, {:.0f} not at all: the ceiling is {:.0f}; {}", target.low,
                       users_for_low, target.high, ceiling, one);
  }
  return fmt::format("not at all: the ceiling is {:.0f}; {}", ceiling, one);
}

std::vector<TargetLimits> limits_of_targets(const ops::Program& program, std::string_view family, const Bounds& bounds) {
  const Model m = read(program);
  std::vector<TargetLimits> rows;
  for (const Target& target : kTargets) {
    if (target.family != family || std::abs(m.total / (target.billions * 1e9) - 1) > kSameSize) continue;
    const double bits = target.gigabytes * 8e9 / m.total;
    const double one = 1 / step_s(m, bits, bounds, 1);
    const double step = kCheckCost * step_s(m, bits, bounds, kUsersWithDrafter, kDrafts + 1) +
                        kDrafts * kDraftCost * step_s(m, bits, bounds, kUsersWithDrafter);
    rows.push_back({.target = target,
                    .bits = bits,
                    .one_stream = one,
                    .one_with_drafter = one * kTokensAStep / (kDrafts * kDraftCost + kCheckCost),
                    .users_for_low = users_for(target.low, m, bits, bounds),
                    .users_for_high = users_for(target.high, m, bits, bounds),
                    .eight_with_drafter = kTokensAStep * kUsersWithDrafter / step,
                    .ceiling = bounds.matrix.value / (2 * m.read)});
  }
  return rows;
}

}  // namespace troika::plan
