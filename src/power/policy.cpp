#include "power/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace troika::power {
namespace {

using std::chrono::seconds;

constexpr int kAllRows = std::numeric_limits<int>::max();
constexpr Rule kFull{"full", 1, kAllRows, std::nullopt};
constexpr Rule kBalanced{"balanced", 0.5, 128, 85};
constexpr Rule kQuiet{"quiet", 0.25, 64, 70};

// By profile and what feeds the machine: mains, battery, low battery.
constexpr const Rule* kRules[][3] = {{&kFull, &kBalanced, &kQuiet},
                                     {&kQuiet, &kQuiet, &kQuiet},
                                     {&kBalanced, &kBalanced, &kQuiet},
                                     {&kFull, &kFull, &kFull}};

constexpr const char* kFeedNames[] = {"on mains", "on battery", "on a low battery"};
constexpr Reason kFeedReasons[] = {Reason::profile, Reason::battery, Reason::low_battery};

constexpr double kLow = 0.20, kNotLow = 0.25;
constexpr seconds kLeastFeed(10);  // a plug with a loose contact changes nothing more often

constexpr double kStep = 0.9;
constexpr int kMostSteps = 13;        // 0.9^13: a quarter of the time is always ours
constexpr double kBandCelsius = 10;
constexpr double kBandWatts = 0.2;    // of the ceiling
constexpr seconds kUp(10), kDown(30);  // at least between two steps
constexpr double kUrgent = 0.5;       // of a band: then every look is a step

struct Ceiling {
  Reason reason;
  std::optional<double> seen, most;
  double band;
};

Feed feed_of(const Seen& seen, Feed before) {
  if (!seen.on_battery.value_or(false)) return Feed::mains;
  const double low = before == Feed::low_battery ? kNotLow : kLow;
  return seen.charge.value_or(1) < low ? Feed::low_battery : Feed::battery;
}

}  // namespace

Decision decide(const Wish& wish, const Seen& seen, const State& before) {
  State state = before;
  const Feed feed = feed_of(seen, before.feed);
  if (feed != state.feed && seen.at - state.fed_since >= kLeastFeed) {
    state.feed = feed;
    state.fed_since = seen.at;
  }
  const Rule& rule = *kRules[size_t(wish.profile)][size_t(state.feed)];

  bool has_ceiling = false;
  state.pressure = State{}.pressure;
  Reason highest = Reason::none;
  for (const Ceiling& c : {Ceiling{Reason::heat, seen.celsius, rule.celsius, kBandCelsius},
                           Ceiling{Reason::watts, seen.watts, wish.watts, kBandWatts * wish.watts.value_or(1)}}) {
    if (!c.most) continue;
    has_ceiling = true;
    const double pressure = c.seen ? (*c.seen - *c.most) / c.band : state.pressure;
    if (pressure <= state.pressure) continue;
    state.pressure = pressure;
    highest = c.reason;
  }
  const bool rises = state.pressure > 0 && state.pressure >= before.pressure;
  const auto since = seen.at - state.level_since;
  int level = state.level;
  if (!has_ceiling) level = 0;
  else if (rises && (state.pressure > kUrgent || since >= kUp)) level = std::min(level + 1, kMostSteps);
  else if (state.pressure < -1 && since >= kDown) level = std::max(level - 1, 0);
  if (level > state.level) state.held_by = highest;
  if (level != state.level) state.level_since = seen.at;
  state.level = level;

  Reason reason = kFeedReasons[size_t(state.feed)];
  if (&rule == kRules[size_t(wish.profile)][size_t(Feed::mains)]) reason = Reason::profile;
  if (&rule == &kFull) reason = Reason::none;
  if (level > 0) reason = state.held_by;
  return {.state = state,
          .rule = &rule,
          .limits = {.threads = rule.threads, .prompt_rows = rule.prompt_rows, .share = std::pow(kStep, level)},
          .reason = reason};
}

std::string explain(const Wish& wish, const Seen& seen, const Decision& d) {
  std::string text = fmt::format("--power {}", kProfileNames[size_t(wish.profile)]);
  text += seen.on_battery ? fmt::format(" {}", kFeedNames[size_t(d.state.feed)]) : ", no battery here";
  if (seen.charge) text += fmt::format(" ({:.0f} %)", 100 * *seen.charge);
  text += fmt::format(": {}", d.rule->name);
  if (d.limits.threads < 1) text += fmt::format(", {:.0f} % of the threads", 100 * d.limits.threads);
  if (d.limits.prompt_rows < kAllRows) text += fmt::format(", prompts by {} tokens a step", d.limits.prompt_rows);
  if (const auto most = d.rule->celsius)
    text += seen.celsius ? fmt::format(", {:.0f} of at most {:.0f} °C", *seen.celsius, *most)
                         : fmt::format("; no temperature is readable here, so the ceiling of {:.0f} °C is not kept", *most);
  if (wish.watts)
    text += seen.watts ? fmt::format(", {:.1f} of at most {:.1f} W", *seen.watts, *wish.watts)
                       : fmt::format("; no power is readable here, so --watts {:.1f} is not kept", *wish.watts);
  if (d.limits.share < 1) text += fmt::format("; steps take {:.0f} % of the time", 100 * d.limits.share);
  return text;
}

}  // namespace troika::power
