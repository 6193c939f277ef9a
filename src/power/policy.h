// How much of the machine a model may use: --power, what feeds the machine and how hot it is become the rows, threads and
// rest of the steps to come. Arithmetic on plain data: it reads no sensor, no clock, and nobody's tokens depend on it.
//
// A ceiling is kept by resting between steps, more by steps of a tenth: one more while what is measured is above the
// ceiling and does not fall, one less once it is a whole band below. A step changes it by less than a band, so that under
// a constant load it comes to rest between the two (tests/power/policy_test.cpp shows it on many machines).
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace troika::power {

using Clock = std::chrono::steady_clock;

enum class Profile : uint8_t { automatic, quiet, balanced, full };
inline constexpr std::string_view kProfileNames[] = {"auto", "quiet", "balanced", "full"};

struct Wish {
  Profile profile = Profile::automatic;
  std::optional<double> watts;  // that shall not be exceeded
};

enum class Feed : uint8_t { mains, battery, low_battery };  // low: below 20 %, until 25 %

// What was read at one time; nothing: there is no such sensor, or not for us.
struct Seen {
  Clock::time_point at;
  std::optional<bool> on_battery;
  std::optional<double> charge;   // 0 to 1
  std::optional<double> celsius;  // of the hottest device
  std::optional<double> watts;    // of the processor's package
};

// What a profile stands for; docs/power.md says why.
struct Rule {
  std::string_view name;
  double threads;   // share of a device's host threads
  int prompt_rows;  // of a step; who generates has a row besides
  std::optional<double> celsius;  // ceiling
};

// What limits most.
enum class Reason : uint8_t { none, profile, battery, low_battery, heat, watts };
inline constexpr std::string_view kReasonNames[] = {"none", "profile", "battery", "low_battery", "heat", "watts"};

// What an engine follows from its next step on.
struct Limits {
  double threads = 1;
  int prompt_rows = std::numeric_limits<int>::max();
  double share = 1;  // of the time that steps may take; the rest is rest
};

// What is remembered from one look to the next.
struct State {
  Feed feed = Feed::mains;
  Clock::time_point feed_since;
  int level = 0;  // steps of rest
  Clock::time_point level_since;
  Reason held_by = Reason::none;
  double pressure = -std::numeric_limits<double>::infinity();  // bands above the ceiling; the highest of all ceilings
};

struct Decision {
  State state;
  const Rule* rule = nullptr;
  Limits limits;
  Reason reason = Reason::none;
};

// To be asked every second or few.
Decision decide(const Wish& wish, const Seen& seen, const State& before);

// A line: what limits, why, and what cannot be seen.
std::string explain(const Wish& wish, const Seen& seen, const Decision& decision);

}  // namespace troika::power
