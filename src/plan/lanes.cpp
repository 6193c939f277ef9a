#include "plan/lanes.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "ops/step_inputs.h"

namespace troika::plan {
namespace {

constexpr double kRest = 1e-12;      // seconds of work that are rounding
constexpr double kLeastGain = 1.01;  // what helps less is nothing

}  // namespace

double run_lanes(const Slowed& slowed, const LaneWork& work) {
  std::array<double, 2> left{};  // seconds alone
  std::array<bool, 2> busy{};
  double now = 0;
  for (;;) {
    for (int lane : {0, 1}) {
      if (busy[lane]) continue;
      const auto begun = work.begin(lane, now);
      busy[lane] = begun.has_value();
      left[lane] = begun.value_or(0);
    }
    if (!busy[0] && !busy[1]) return now;
    const bool both = busy[0] && busy[1];
    const std::array<double, 2> rate{both ? 1 - slowed[0] : 1, both ? 1 - slowed[1] : 1};
    double passes = std::numeric_limits<double>::infinity();
    for (int lane : {0, 1}) {
      if (busy[lane]) passes = std::min(passes, left[lane] / rate[lane]);
    }
    now += passes;
    for (int lane : {0, 1}) {
      if (!busy[lane]) continue;
      left[lane] -= passes * rate[lane];
      if (left[lane] > kRest) continue;
      busy[lane] = false;
      work.end(lane, now);
    }
  }
}

double prompt_gain(const PromptRates& rates, const Slowed& slowed, int prompts) {
  int waiting = prompts;
  double first_ends = 0;  // about when lane 0 is free again
  const LaneWork work{
      .begin = [&](int lane, double now) -> std::optional<double> {
        if (waiting == 0) return std::nullopt;
        const double mine = 1 / rates[size_t(lane)];
        if (lane == 1) {
          const double alone_s = std::max(first_ends - now, 0.0) + waiting / rates[0];
          if (rates[1] <= 0 || mine / (1 - slowed[1]) > alone_s) return std::nullopt;
        } else {
          first_ends = now + mine;
        }
        --waiting;
        return mine;
      },
      .end = [](int, double) {}};
  return prompts / rates[0] / run_lanes(slowed, work);
}

namespace {

// The burst as it goes on; users whose prompt is read stand in the order in which that happened.
class Users {
 public:
  explicit Users(const Burst& burst) : burst_(burst), unread_(burst.users) {}

  int unread() const { return unread_; }
  void take_prompt() { --unread_; }
  int answering() const {
    return int(std::ranges::count_if(answers_, [&](const Answer& a) { return a.tokens < burst_.answer; }));
  }
  void first_token(double now) { answers_.push_back({1, now, now}); }
  void next_tokens(int users, double now) {
    for (Answer& a : answers_) {
      if (a.tokens == burst_.answer || users-- <= 0) continue;
      ++a.tokens;
      met_.longest_gap_s = std::max(met_.longest_gap_s, now - a.latest);
      a.latest = now;
    }
  }
  Met met(double end) const {
    Met met = met_;
    met.all_done_s = end;
    for (const Answer& a : answers_) {
      met.first_token_mean_s += a.first / burst_.users;
      met.first_token_last_s = std::max(met.first_token_last_s, a.first);
    }
    return met;
  }

 private:
  struct Answer {
    int tokens;
    double first, latest;
  };
  const Burst& burst_;
  int unread_;
  std::vector<Answer> answers_;
  Met met_;
};

}  // namespace

Met one_lane(const Burst& burst, const StepSeconds& step) {
  Users users(burst);
  int answering = 0, chunk = 0;                // of the step that runs
  int left = burst.users * burst.prompt;       // tokens of prompts, in order
  const LaneWork work{
      .begin = [&](int lane, double) -> std::optional<double> {
        answering = users.answering();
        chunk = std::min({left, burst.chunk - answering, answering > 0 ? burst.chunk_beside : burst.chunk});
        if (lane == 1 || (answering == 0 && chunk == 0)) return std::nullopt;
        return step(answering, chunk);
      },
      .end =
          [&](int, double now) {
            users.next_tokens(answering, now);
            const int before = (left + burst.prompt - 1) / burst.prompt;
            left -= chunk;
            const int after = (left + burst.prompt - 1) / burst.prompt;
            for (int i = after; i < before; ++i) users.first_token(now);
          }};
  return users.met(run_lanes({}, work));
}

Met two_lanes(const Burst& burst, const StepSeconds& step, double second_rate, const Slowed& slowed) {
  Users users(burst);
  const int away = (burst.prompt - 1) / ops::kPageTokens * ops::kPageTokens, rest = burst.prompt - away;
  int answering = 0, finished = 0;  // of lane 0's step
  int arrived = 0;                  // prompts that lane 1 has read and whose rest is not computed yet
  const LaneWork work{
      .begin = [&](int lane, double) -> std::optional<double> {
        if (lane == 1) {
          if (users.unread() == 0) return std::nullopt;
          users.take_prompt();
          return away / second_rate + burst.hand_over_s;
        }
        answering = users.answering();
        finished = std::min(arrived, (burst.chunk - answering) / rest);
        return answering + finished > 0 ? std::optional(step(answering, finished * rest)) : std::nullopt;
      },
      .end =
          [&](int lane, double now) {
            if (lane == 1) {
              ++arrived;
              return;
            }
            users.next_tokens(answering, now);
            arrived -= finished;
            for (int i = 0; i < finished; ++i) users.first_token(now);
          }};
  return users.met(run_lanes(slowed, work));
}

}  // namespace troika::plan
