// What troika plan --hardware says of a model on a machine: the plan, its predictions, and the founding targets beside.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "apps/plan_subject.h"
#include "plan/planner.h"
#include "plan/targets.h"

namespace troika::apps {

struct PredictionOptions {
  std::string hardware;             // a machine's name, "this", or a file
  std::string weights = "Q4_K_M";   // of a model that is a config.json alone: a recipe's name
  int users = 1;                    // that must have room
};

// Of a vision tower, on one lane.
struct PictureTime {
  std::vector<size_t> devices;
  int tokens;  // that the picture becomes
  double seconds;
};

struct Prediction {
  plan::Hardware machine;
  std::string machine_from;  // how the machine is known, a sentence
  std::string weights;       // "Q4_K_M", "the file's"
  plan::ModelSizes sizes;
  plan::MachinePlan plan;
  std::vector<PictureTime> pictures;  // on the lane that answers, and on the one that helps
  std::vector<plan::TargetLimits> targets;
};

// `s` outlives what is returned.
plan::PlannedModel planned_model(const Subject& s, const ModelOptions& o, const std::string& recipe);
Prediction predict(const Subject& s, const ModelOptions& o, const PredictionOptions& p);

nlohmann::ordered_json to_json(const Prediction& p);
void print(const Prediction& p);

// A picture of it (SVG): layers along x, a row for each device of a lane, memory below. For light and dark.
std::string picture(const Prediction& p, const Subject& s);

}  // namespace troika::apps
