#include "apps/bench_serve_stats.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace troika::apps::load {
namespace {

using nlohmann::ordered_json;

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

// Of an answer's tokens, those that arrived in the window; a piece counts for its share of them.
double tokens_within(const Outcome& o, const Window& window) {
  if (o.pieces_s.empty()) return window.holds(o.end_s) ? o.tokens : 0;
  auto pieces = std::ranges::count_if(o.pieces_s, [&](double s) { return window.holds(s); });
  return double(pieces) * o.tokens / double(o.pieces_s.size());
}

bool in_time(const Outcome& o, const Promise& promise) {
  if (o.fate != Fate::completed) return false;
  double before = o.start_s, most = promise.first_token_s;
  for (double s : o.pieces_s) {
    if (most > 0 && s - before > most) return false;
    before = s;
    most = promise.gap_s;
  }
  return true;
}

void count(const Outcome& o, Figures& f) {
  ++f.requests;
  switch (o.fate) {
    case Fate::completed:
      ++f.completed;
      break;
    case Fate::hung_up:
      ++f.hung_up;
      break;
    case Fate::refused:
      ++f.refused;
      break;
    case Fate::failed:
      ++f.failed;
      ++f.errors[o.error];
      break;
  }
}

ordered_json to_json(const Distribution& d) {
  return {{"count", d.count}, {"p50", d.p50}, {"p95", d.p95}, {"p99", d.p99}, {"max", d.most}};
}

template <typename T>
ordered_json or_null(const std::optional<T>& value) {
  return value ? ordered_json(*value) : ordered_json();
}

}  // namespace

Distribution distribution_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto rank = [&](int percent) {
    size_t n = (values.size() * size_t(percent) + 99) / 100;  // rounded up
    return values[n - 1];
  };
  return {.count = values.size(), .p50 = rank(50), .p95 = rank(95), .p99 = rank(99), .most = values.back()};
}

Figures figures_of(std::span<const Outcome> outcomes, const Window& window, const Promise& promise) {
  Figures f;
  std::vector<double> first, gaps, whole;
  double tokens = 0, pieces = 0, prompt = 0, told_prompt = 0, cached = 0, speed = 0;
  int done_within = 0, kept = 0;
  bool tells_cached = false;
  for (const Outcome& o : outcomes) {
    const bool completed = o.fate == Fate::completed;
    if (completed) {
      speed += tokens_within(o, window);
      done_within += window.holds(o.end_s);
    }
    if (!window.holds(o.start_s)) continue;
    count(o, f);
    kept += in_time(o, promise);
    if (!completed) continue;
    whole.push_back(o.end_s - o.start_s);
    if (!o.pieces_s.empty()) first.push_back(o.pieces_s.front() - o.start_s);
    for (size_t i = 1; i < o.pieces_s.size(); ++i) gaps.push_back(o.pieces_s[i] - o.pieces_s[i - 1]);
    tokens += o.tokens;
    pieces += double(o.pieces_s.size());
    prompt += o.prompt_tokens;
    if (!o.cached_tokens) continue;
    tells_cached = true;
    told_prompt += o.prompt_tokens;
    cached += *o.cached_tokens;
  }
  f.completed_per_s = ratio(done_within, window.seconds());
  f.tokens_per_s = ratio(speed, window.seconds());
  f.first_token_s = distribution_of(std::move(first));
  f.gap_s = distribution_of(std::move(gaps));
  f.whole_s = distribution_of(std::move(whole));
  f.tokens_a_piece = ratio(tokens, pieces);
  f.tokens_an_answer = ratio(tokens, f.completed);
  f.prompt_tokens = ratio(prompt, f.completed);
  if (tells_cached) f.cached_share = ratio(cached, told_prompt);
  if (promise.any()) {
    f.in_time_share = ratio(kept, f.completed + f.failed);
    f.in_time_per_s = ratio(kept, window.seconds());
  }
  return f;
}

ordered_json to_json(const Figures& f) {
  return {{"requests", f.requests},
          {"completed", f.completed},
          {"hung_up", f.hung_up},
          {"refused_malformed", f.refused},
          {"failed", f.failed},
          {"errors", f.errors},
          {"completed_per_s", f.completed_per_s},
          {"tokens_per_s", f.tokens_per_s},
          {"in_time_share", or_null(f.in_time_share)},
          {"in_time_per_s", or_null(f.in_time_per_s)},
          {"first_token_s", to_json(f.first_token_s)},
          {"gap_s", to_json(f.gap_s)},
          {"whole_s", to_json(f.whole_s)},
          {"tokens_a_piece", f.tokens_a_piece},
          {"tokens_an_answer", f.tokens_an_answer},
          {"prompt_tokens", f.prompt_tokens},
          {"cached_share", or_null(f.cached_share)}};
}

}  // namespace troika::apps::load
