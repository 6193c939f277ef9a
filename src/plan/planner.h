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

// Devices that work on one tape.
struct Lane {
  std::vector<size_t> devices;  // that have work, in the machine's order
  std::optional<Split> split;   // of its layers, where memory asks for one
  std::optional<Help> help;     // with its prompts, and their rate without it
  double alone_rate = 0;
  Placement decode;             // of one token; not of a side lane
  Placement prompt;             // of a step of 512
  double prompt_rate = 0;       // tokens a second

  bool has(size_t device) const;
};

// A lane that reads prompts while the other one answers, as the engine runs it.
struct SideLane {
  Lane lane;
  Slowed slowed{};
  Met alone, beside;    // 8 users who ask at once: without it, and with it
  double gain = 1;      // of many waiting prompts, if both lanes read
  std::string refusal;  // "": it fits beside the other lane

  bool pays() const { return refusal.empty() && beside.first_token_mean_s <= alone.first_token_mean_s; }
};

// What the user says that the engine shall do, as its options do. Devices by their numbers in the machine.
struct Wishes {
  std::vector<size_t> devices;  // --device: no others are used; empty: all are there to choose from
  std::vector<size_t> prefill;  // --prefill-device; empty: the planner chooses
  Pins pins;                    // --place: of the main lane
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
  Wishes wishes;
  std::string refusal;  // "" or why nothing fits; then only the residency is known
  Lane main;
  std::optional<SideLane> side;  // the best there is, whether it is planned or not
  bool two_lanes = false;        // it is planned: it pays, or the user wants it
  Residency residency;  // of all lanes that are planned
  int users_served = 0;
  std::vector<DecodeRate> decode;
  std::vector<FirstToken> first_tokens;
  std::vector<std::string> reasons;  // by device of the machine: what it does and why, a sentence
  std::optional<size_t> vision;      // the device that multiplies for the vision tower; nothing: the lane that answers
};

// Throws Error for wishes that the machine's devices cannot do.
MachinePlan plan_for(const Hardware& machine, const PlannedModel& model, const ModelSizes& sizes, const Wishes& wishes = {});

std::string names(const Hardware& machine, const std::vector<size_t>& devices);  // "npu and cpu"

// The options that make the engine run a plan, as they are typed; nothing: there are none that say it.
struct RunOptions {
  std::string device, place, prefill_device;
};
std::optional<RunOptions> run_options(const Hardware& machine, const MachinePlan& plan);
// The same as a line; "": nothing.
std::string command_line(const Hardware& machine, const MachinePlan& plan);

// What the plan says of each device.
std::vector<std::string> reasons(const Hardware& machine, const MachinePlan& plan);

}  // namespace troika::plan
