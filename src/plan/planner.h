// The plan of a model on a machine: which devices answer, which help with prompts, what fits, and how fast it will be. All
// rates are predictions from the machine's costs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/lane_costs.h"
#include "plan/lanes.h"
#include "plan/residency.h"

namespace troika::plan {

// Of the model, besides its tape.
struct ModelSizes {
  std::vector<double> cache_bytes;  // of one user at the context, by cache number
  double working = 0, tower = 0;    // bytes
  int layers = 0, width = 0;
  int context = 0;                  // tokens of each user
  int users = 1;                    // that must have room
};

inline constexpr int kUsualPrompt = 512, kUsualAnswer = 128;  // tokens, that placements are chosen for
inline constexpr int kLongPrompt = 4096;

// Devices that work on one tape, one after the other.
struct Lane {
  std::vector<size_t> devices;  // that have work, in the machine's order
  std::optional<Split> split;   // of its layers, where memory asks for one
  Placement decode;             // of one token; not of a side lane
  Placement prompt;             // of a step of 512
  double prompt_rate = 0;       // tokens a second

  bool has(size_t device) const;
};

// A lane that reads prompts while the other one answers.
struct SideLane {
  Lane lane;
  Slowed slowed{};
  double gain = 1;  // of many waiting prompts
  Pipeline pipeline;  // of one long prompt
  Met alone, steady, fast;  // 8 users who ask at once: without it; with it, answers first; with it, prompts first
  std::string refusal;  // "": it fits beside the other lane
};

struct DecodeRate {
  int users;
  double tokens_per_s;  // of all together
};
struct FirstToken {
  int tokens, cached;
  double seconds;
};

struct MachinePlan {
  std::string refusal;  // "" or why nothing fits; then only the residency is known
  Lane main;
  std::optional<SideLane> side;  // the best there is, whether it pays or not
  bool side_pays = false;
  Residency residency;  // of all lanes that work
  int users_served = 0;
  std::vector<DecodeRate> decode;
  std::vector<FirstToken> first_tokens;
  std::vector<std::string> reasons;  // by device of the machine: what it does and why, a sentence
};

MachinePlan plan_for(const Hardware& machine, const PlannedModel& model, const ModelSizes& sizes);

std::string names(const Hardware& machine, const std::vector<size_t>& devices);  // "npu and cpu"

// The options that make the engine run a plan; "": there are none that say it.
std::string command_line(const Hardware& machine, const MachinePlan& plan);

// What the plan says of each device.
std::vector<std::string> reasons(const Hardware& machine, const MachinePlan& plan);

}  // namespace troika::plan
