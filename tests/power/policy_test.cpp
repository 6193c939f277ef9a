#include "power/policy.h"

#include <gmock/gmock.h>

#include <cmath>
#include <numbers>
#include <random>

namespace troika::power {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto kLook = 2s;

// The policy as the governor asks it.
class Watched {
 public:
  explicit Watched(Wish wish) : wish_(wish) {}

  const Decision& look(Seen seen, std::chrono::nanoseconds later = kLook) {
    seen.at = now_ += later;
    const int before = decision_.state.level;
    decision_ = decide(wish_, seen, decision_.state);
    changes += decision_.state.level != before;
    return decision_;
  }
  const Decision& decision() const { return decision_; }

  int changes = 0;  // of the level

 private:
  Wish wish_;
  Clock::time_point now_ = Clock::time_point{} + 24h;
  Decision decision_;
};

Seen on_mains(std::optional<double> celsius = std::nullopt) { return {.on_battery = false, .charge = 0.8, .celsius = celsius}; }
Seen on_battery(double charge) { return {.on_battery = true, .charge = charge, .celsius = 50}; }

std::string_view rule_of(Profile profile, const Seen& seen) { return Watched({profile}).look(seen).rule->name; }

TEST(Policy, AProfileFollowsWhatFeedsTheMachine) {
  struct Row {
    Profile profile;
    std::string_view mains, battery, low;
  };
  for (const Row& row : {Row{Profile::automatic, "full", "balanced", "quiet"},
                         Row{Profile::quiet, "quiet", "quiet", "quiet"},
                         Row{Profile::balanced, "balanced", "balanced", "quiet"},
                         Row{Profile::full, "full", "full", "full"}}) {
    const std::string_view name = kProfileNames[size_t(row.profile)];
    EXPECT_EQ(rule_of(row.profile, on_mains()), row.mains) << name;
    EXPECT_EQ(rule_of(row.profile, on_battery(0.5)), row.battery) << name;
    EXPECT_EQ(rule_of(row.profile, on_battery(0.1)), row.low) << name;
    EXPECT_EQ(rule_of(row.profile, {}), row.mains) << name << ": a desktop has no battery";
  }
}

TEST(Policy, FullLimitsNothing) {
  const Decision d = Watched({Profile::full}).look(on_mains(99));
  EXPECT_EQ(d.limits.threads, 1);
  EXPECT_EQ(d.limits.share, 1);
  EXPECT_EQ(d.limits.prompt_rows, std::numeric_limits<int>::max());
  EXPECT_EQ(d.reason, Reason::none);
}

TEST(Policy, SaysWhatLimitsMost) {
  EXPECT_EQ(Watched({Profile::quiet}).look(on_mains(40)).reason, Reason::profile);
  EXPECT_EQ(Watched({Profile::quiet}).look(on_battery(0.5)).reason, Reason::profile) << "it would on mains too";
  EXPECT_EQ(Watched({Profile::automatic}).look(on_battery(0.5)).reason, Reason::battery);
  EXPECT_EQ(Watched({Profile::automatic}).look(on_battery(0.1)).reason, Reason::low_battery);
  EXPECT_EQ(Watched({Profile::quiet}).look(on_mains(80)).reason, Reason::heat);
  EXPECT_EQ(Watched({Profile::full, 15.0}).look({.watts = 20}).reason, Reason::watts);
}

TEST(Policy, AChargeThatTremblesAroundLowChangesNothing) {
  Watched watched({Profile::automatic});
  int changes = 0;
  std::string_view last = watched.look(on_battery(0.21)).rule->name;
  for (int i = 0; i < 600; ++i) {
    const std::string_view now = watched.look(on_battery(i % 2 ? 0.19 : 0.21)).rule->name;
    changes += now != last;
    last = now;
  }
  EXPECT_EQ(changes, 1) << "once low, it stays low until 25 %";
  EXPECT_EQ(watched.look(on_battery(0.26)).rule->name, "balanced");
}

TEST(Policy, APlugWithALooseContactChangesNothingMoreThanEveryTenSeconds) {
  Watched watched({Profile::automatic});
  int changes = 0;
  std::string_view last = watched.look(on_mains()).rule->name;
  for (int i = 0; i < 150; ++i) {
    const std::string_view now = watched.look(i % 2 ? on_mains() : on_battery(0.6)).rule->name;
    changes += now != last;
    last = now;
  }
  EXPECT_LE(changes, 30);
  watched.look(on_mains(), 20s);
  EXPECT_EQ(watched.look(on_battery(0.6), 20s).rule->name, "balanced") << "else at once";
}

// A machine whose heat follows its load: some of it fast (the chip), the rest slowly (what cools it).
struct Machine {
  double ambient, rise, tau_s, fast;
  double noise = 0;
  double slow = ambient;

  double celsius(double load, double seconds, std::mt19937& random) {
    slow += (ambient + rise * (1 - fast) * load - slow) * (1 - std::exp(-seconds / tau_s));
    std::uniform_real_distribution<double> noisy(-noise, noise);
    return slow + rise * fast * load + noisy(random);
  }
};

TEST(Policy, UnderAConstantLoadItComesToRestBelowTheCeilingOnEveryMachine) {
  std::mt19937 random(1);
  for (const double ambient : {15, 25, 38})
    for (const double rise : {40, 55, 75, 90})
      for (const double tau_s : {3, 10, 30, 60, 120, 300})
        for (const double fast : {0.0, 0.3, 0.6})
          for (const double noise : {0.0, 1.0}) {
            Machine machine{ambient, rise, tau_s, fast, noise};
            Watched watched({Profile::balanced});
            double share = 1, hottest = 0;
            int at_rest = 0;
            for (int i = 0; i < 3600; ++i) {  // two hours
              const double celsius = machine.celsius(share, 2, random);
              share = watched.look(on_mains(celsius)).limits.share;
              if (i == 1800) at_rest = watched.changes;
              if (i > 1800) hottest = std::max(hottest, celsius);
            }
            const std::string which = testing::PrintToString(std::tuple(ambient, rise, tau_s, fast, noise));
            EXPECT_LE(watched.changes - at_rest, 2) << which;
            EXPECT_LE(hottest, 85 + 2 * noise + 1) << which;
            const double unlimited = ambient + rise;
            if (unlimited > 85) {
              EXPECT_GE(share * rise + ambient, 85 - 10 - 2 * noise - 0.1 * rise) << which;
            } else {
              EXPECT_GE(share, noise > 0 ? 0.8 : 1) << which;
            }
          }
}

// Temperatures of a day: cool nights, a hot afternoon, loads that come and go within minutes, a sensor that fails for an
// hour; all of them in steps of an eighth of a degree, as the chip has them.
TEST(Policy, OverADayItHoldsTheCeilingAndDoesNotFlap) {
  std::mt19937 random(7);
  Machine machine{.ambient = 22, .rise = 78, .tau_s = 45, .fast = 0.4, .noise = 0.5};
  Watched watched({Profile::balanced});
  double share = 1;
  int looks_over = 0, longest_over = 0, over = 0, limited = 0;
  std::vector<int> changes_by_hour(24);
  constexpr int kLooks = 24 * 1800;
  for (int i = 0; i < kLooks; ++i) {
    const double hour = i / 1800.0;
    machine.ambient = 22 + 8 * std::sin((hour - 9) / 24 * 2 * std::numbers::pi);
    const bool works = hour > 8 && hour < 23 && (i / 450) % 4 != 3;  // three quarters of each hour
    const double celsius = std::round(machine.celsius(works ? share : 0.05, 2, random) * 8) / 8;
    const bool fails = hour >= 15 && hour < 16;
    const int before = watched.changes;
    share = watched.look(on_mains(fails ? std::nullopt : std::optional(celsius))).limits.share;
    changes_by_hour[size_t(hour)] += watched.changes - before;
    limited += share < 1;
    if (fails || hour < 8) continue;
    over = celsius > 85 ? over + 1 : 0;
    looks_over += celsius > 85;
    longest_over = std::max(longest_over, over);
  }
  EXPECT_GT(limited, kLooks / 10) << "the day was not hot enough to show anything";
  EXPECT_LE(longest_over, 60) << "two minutes, from a cold start of a full load";
  EXPECT_LE(looks_over, kLooks / 20);
  EXPECT_EQ(changes_by_hour[3], 0) << "at night nothing changes";
  for (const int changes : changes_by_hour) EXPECT_LE(changes, 40) << "two loads an hour, each heats up and cools down once";
}

TEST(Policy, FarAboveTheCeilingEveryLookIsAStep) {
  Watched watched({Profile::quiet});
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(watched.look(on_mains(70 + 6 + i)).state.level, i);
  EXPECT_EQ(watched.look(on_mains(77)).state.level, 5) << "it falls: what was done has not shown yet";
}

TEST(Policy, AQuarterOfTheTimeIsAlwaysOurs) {
  Watched watched({Profile::quiet});
  for (int i = 0; i < 1000; ++i) watched.look(on_mains(100));
  EXPECT_GT(watched.decision().limits.share, 0.25);
}

TEST(Policy, WithoutACeilingTheOldOneEndsAtOnce) {
  Watched watched({Profile::automatic});
  for (int i = 0; i < 10; ++i) watched.look({.on_battery = true, .charge = 0.6, .celsius = 99});
  EXPECT_LT(watched.decision().limits.share, 1);
  EXPECT_EQ(watched.look(on_mains(99)).limits.share, 1) << "plugged in";
}

TEST(Policy, KeepsWattsThatWereAskedFor) {
  Watched watched({Profile::full, 15.0});
  double share = 1, watts = 0;
  for (int i = 0; i < 1000; ++i) share = watched.look({.watts = watts = 3 + 25 * share}).limits.share;
  EXPECT_LE(watts, 15);
  EXPECT_GE(watts, 12);
  EXPECT_LE(watched.changes, 10);
}

TEST(Policy, SaysWhatItCannotSee) {
  const Wish wish{Profile::balanced, 15.0};
  const Seen blind{};
  const std::string text = explain(wish, blind, Watched(wish).look(blind));
  EXPECT_THAT(text, HasSubstr("no temperature is readable here, so the ceiling of 85 °C is not kept"));
  EXPECT_THAT(text, HasSubstr("no power is readable here, so --watts 15.0 is not kept"));
}

TEST(Policy, SaysWhatItDoesAndWhy) {
  Watched watched({Profile::automatic});
  const Seen seen{.on_battery = true, .charge = 0.41, .celsius = 91};
  watched.look(seen);
  EXPECT_EQ(explain({}, seen, watched.look(seen)),
            "--power auto on battery (41 %): balanced, 50 % of the threads, prompts by 128 tokens a step, 91 of at most 85 °C; "
            "steps take 81 % of the time");
  EXPECT_EQ(explain({}, {}, Watched({}).look({})), "--power auto, no battery here: full");
}

}  // namespace
}  // namespace troika::power
