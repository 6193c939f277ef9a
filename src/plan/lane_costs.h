// How long steps of a model take on a lane: some devices of a machine that work one after the other on one tape.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plan/costs.h"
#include "plan/hardware.h"
#include "plan/micro_batches.h"
#include "plan/pins.h"
#include "plan/placement.h"

namespace troika::plan {

// A model as the planner sees it. Tapes are not fused: which ops a device joins is its own affair.
struct PlannedModel {
  std::function<ops::Program(int tokens, int outputs)> trace;
  Formats formats;
  Format cache = Format::f16;
};

class Tapes {  // each is traced once
 public:
  explicit Tapes(const PlannedModel& model) : model_(model) {}
  const ops::Program& of(int tokens, int outputs);
  const PlannedModel& model() const { return model_; }

 private:
  const PlannedModel& model_;
  std::map<std::pair<int, int>, ops::Program> tapes_;
};

struct StepSize {
  int tokens = 1, outputs = 1;
  Load load;
};

// The last layers on another device than all else: where no device has room for all.
struct Split {
  size_t first, other;
  int begin, end;  // the other's layers
};

// Seconds of an op of a step; kNever: the device does not do it.
double op_seconds(const DeviceCosts& device, const PlannedModel& model, const ops::Program& program, const ops::Op& op,
                  Load load);

class LaneCosts {
 public:
  // Devices are numbers of the machine's, in pins too; a pin comes before the split, and help before both.
  LaneCosts(const Hardware& machine, Tapes& tapes, std::vector<size_t> devices, std::optional<Split> split = {},
            Pins pins = {}, std::optional<Help> help = {});

  const std::vector<size_t>& devices() const { return devices_; }
  // The best placement of a step; its device numbers are the machine's. More than kMicroBatch tokens on several devices go as
  // two micro-batches, as the engine has it.
  Placement place(const StepSize& size);
  // With what these devices, those of `help` among them, should help in such a step, and what it takes then; `base` is the
  // placement without help. Nothing: they cannot.
  std::optional<Helped> best_help(const StepSize& size, const Placement& base, const Help& help, int layers);
  double step_s(const StepSize& size) { return place(size).seconds; }  // kNever: these devices cannot

  // Each of `users` gets a token behind `depth` others.
  double decode_s(int users, int depth);
  // A prompt of `tokens` behind `cached` others, in steps of 512, to its first token.
  double prompt_s(int tokens, int cached = 0);
  // A step of answers and a part of a prompt, all behind about `depth` tokens.
  double mixed_s(int users, int prompt_tokens, int depth);

 private:
  PlacementCosts costs_of(const ops::Program& program, Load load) const;
  int own_number(size_t device) const;
  int front() const;
  double slowed(int device, int by) const;

  const Hardware& machine_;
  Tapes& tapes_;
  std::vector<size_t> devices_;
  std::optional<Split> split_;
  Pins pins_;
  std::optional<Help> help_;
};

inline constexpr int kStepTokens = 512;  // the most of a step

// Whether a weight is a table of which a device must read single rows too.
bool is_looked_up(const ops::Program& program, ops::Tensor weight);

}  // namespace troika::plan
