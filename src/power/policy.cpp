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

// How many bands the value that is highest above its ceiling is above it.
struct Pressure {
  bool has_ceiling = false;
  double bands = State{}.pressure;
  Reason reason = Reason::none;
};

Pressure pressure_of(const Wish& wish, const Seen& seen, const Rule& rule) {
  Pressure pressure;
  for (const Ceiling& c : {Ceiling{Reason::heat, seen.celsius, rule.celsius, kBandCelsius},
                           Ceiling{Reason::watts, seen.watts, wish.watts, kBandWatts * wish.watts.value_or(1)}}) {
    pressure.has_ceiling |= c.most.has_value();
    if (!c.most || !c.seen) continue;
    const double bands = (*c.seen - *c.most) / c.band;
    if (bands > pressure.bands) pressure = {.has_ceiling = true, .bands = bands, .reason = c.reason};
  }
  return pressure;
}

Feed feed_of(const Seen& seen, const State& before) {
  const double low = before.feed == Feed::low_battery ? kNotLow : kLow;
  Feed feed = Feed::mains;
  if (seen.on_battery.value_or(false)) feed = seen.charge.value_or(1) < low ? Feed::low_battery : Feed::battery;
  return seen.at - before.feed_since < kLeastFeed ? before.feed : feed;
}

int level_of(const Pressure& pressure, const State& before, Clock::duration since) {
  const bool rises = pressure.bands > 0 && pressure.bands >= before.pressure;
  if (!pressure.has_ceiling) return 0;
  if (rises && (pressure.bands > kUrgent || since >= kUp)) return std::min(before.level + 1, kMostSteps);
  if (pressure.bands < -1 && since >= kDown) return std::max(before.level - 1, 0);
  return before.level;
}

Reason reason_of(const Wish& wish, const Rule& rule, const State& state) {
  if (state.level > 0) return state.held_by;
  if (&rule == &kFull) return Reason::none;
  const bool always = &rule == kRules[size_t(wish.profile)][size_t(Feed::mains)];
  return always ? Reason::profile : kFeedReasons[size_t(state.feed)];
}

}  // namespace

Decision decide(const Wish& wish, const Seen& seen, const State& before) {
  State state = before;
  state.feed = feed_of(seen, before);
  if (state.feed != before.feed) state.feed_since = seen.at;
  const Rule& rule = *kRules[size_t(wish.profile)][size_t(state.feed)];
  const Pressure pressure = pressure_of(wish, seen, rule);
  state.pressure = pressure.bands;
  state.level = level_of(pressure, before, seen.at - before.level_since);
  if (state.level > before.level) state.held_by = pressure.reason;
  if (state.level != before.level) state.level_since = seen.at;
  return {.state = state,
          .rule = &rule,
          .limits = {.threads = rule.threads, .prompt_rows = rule.prompt_rows, .share = std::pow(kStep, state.level)},
          .reason = reason_of(wish, rule, state)};
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
