// Two lanes at work at the same time, each slower for the other one's sake: what users meet, and what there would be to gain if
// both read prompts, which the engine does not do. Lane 0 is the one that answers (a GPU, say); lane 1 reads prompts (NPU and
// CPU). A simulation of events: nothing here is measured, all times follow from the speeds that are given.
#pragma once

#include <array>
#include <functional>
#include <optional>

namespace troika::plan {

using Slowed = std::array<double, 2>;  // by lane: share of its speed that it loses while the other one works

// Lanes take work until neither begins any. Returns the end of the last one, in seconds.
struct LaneWork {
  std::function<std::optional<double>(int lane, double now)> begin;  // seconds that it takes a lane alone; nothing: it waits
  std::function<void(int lane, double now)> end;                     // asked for again after every end, of either lane
};
double run_lanes(const Slowed& slowed, const LaneWork& work);

// Tokens of prompts a second, of each lane alone.
using PromptRates = std::array<double, 2>;

// If both lanes read: how much sooner `prompts` waiting prompts of equal length are read than by lane 0 alone, in time as a
// factor: 1.4. Lane 1 takes a whole prompt, and only one that lane 0 would end later.
double prompt_gain(const PromptRates& rates, const Slowed& slowed, int prompts);

// Users who all ask at the same moment.
struct Burst {
  int users = 8, prompt = 512, answer = 128;  // tokens of each
  int chunk = 512;                            // tokens of a step
  int chunk_beside = 512;                     // of a prompt in a step in which others are answered (--gap)
  double hand_over_s = 0;                     // of one prompt's keys and values
};
// Seconds of a step of lane 0: a token each for so many users, so many tokens of prompts beside.
using StepSeconds = std::function<double(int users, int prompt_tokens)>;

struct Met {
  double first_token_mean_s = 0, first_token_last_s = 0;
  double longest_gap_s = 0;  // between two tokens of one answer
  double all_done_s = 0;
};
// Lane 0 alone: every step has a token of each answer and, up to `chunk`, prompts.
Met one_lane(const Burst& burst, const StepSeconds& step);
// As the engine runs them (docs/lanes.md): lane 1 reads every prompt, one after the other, at `second_rate` tokens a second, in
// whole pages; lane 0 computes the rest of it, which gives the first token, in its next step.
Met two_lanes(const Burst& burst, const StepSeconds& step, double second_rate, const Slowed& slowed);

}  // namespace troika::plan
