#include "engine/cache_plan.h"

#include <algorithm>

#include "base/error.h"
#include "engine/kv_pages.h"

namespace troika::engine {
namespace {

constexpr size_t kUsualBytes = size_t{512} << 20;
constexpr int kUsualContext = 8192;
constexpr int kShares = 4;  // sequences that a window group has room for where memory allows

struct Arithmetic {
  const CacheDemand& d;

  size_t groups() const { return d.windows.size(); }
  int pages_each(size_t group, int tokens) const {
    return KvPages(0, d.windows[group]).pages_for(tokens, d.step_tokens);
  }
  // Pages of a group for one sequence of `tokens` in the groups that keep all, for `shares` in those with a window.
  int pages(size_t group, int tokens, int shares) const {
    return pages_each(group, tokens) * (d.windows[group] > 0 ? shares : 1);
  }
  size_t bytes(int tokens, int shares) const {
    size_t sum = 0;
    for (size_t g = 0; g < groups(); ++g) sum += size_t(pages(g, tokens, shares)) * d.page_bytes[g];
    return sum;
  }
  // The longest text of whole pages, at most `most` tokens, that `budget` holds; one page at least.
  int longest(int most, int shares, size_t budget) const {
    if (bytes(most, shares) <= budget) return most;
    int low = 1, high = ops::pages_for(most);
    while (low < high) {
      int middle = (low + high + 1) / 2;
      if (bytes(middle * ops::kPageTokens, shares) <= budget) low = middle;
      else high = middle - 1;
    }
    return std::min(most, low * ops::kPageTokens);
  }
};

}  // namespace

Format cache_format(std::string_view name, int head_dim) {
  for (Format format : {Format::f16, Format::f32, Format::q8_0, Format::q4_0}) {
    if (name != info(format).name) continue;
    if (head_dim % info(format).block_values == 0) return format;
    fail("--kv {}: this model's heads have {} values, not a multiple of {}; use --kv f16", name, head_dim,
         info(format).block_values);
  }
  fail("--kv {}: the cache can be f16, f32, q8_0 or q4_0 (or auto)", name);
}

CachePlan plan_cache(const CacheDemand& d) {
  Arithmetic a{d};
  int wanted = d.context > 0 ? d.context : d.model_context;
  int usual = std::min(wanted, kUsualContext);
  size_t budget = d.bytes;
  if (budget == 0) budget = std::min(std::max(kUsualBytes, a.bytes(usual, kShares)), d.available / 4);
  int shares = kShares;
  while (shares > 1 && a.bytes(d.context > 0 ? wanted : usual, shares) > budget) --shares;

  CachePlan plan;
  plan.context = d.context > 0 ? wanted : a.longest(wanted, shares, budget);
  double more = std::clamp(double(budget) / double(a.bytes(plan.context, shares)), 1.0, double(d.sequences));
  for (size_t g = 0; g < a.groups(); ++g) {
    int most = a.pages_each(g, plan.context) * d.sequences;
    plan.pages.push_back(std::min(most, static_cast<int>(more * a.pages(g, plan.context, shares))));
    plan.bytes += size_t(plan.pages[g]) * d.page_bytes[g];
  }
  return plan;
}

}  // namespace troika::engine
