#include "apps/bench_predict.h"

#include <algorithm>

#include "apps/calibration.h"
#include "apps/plan_prediction.h"
#include "base/error.h"

namespace troika::apps {
namespace {

plan::Hardware calibrated_machine() {
  auto kept = read_kept_machine();
  if (!kept) fail("--predict: this machine was not measured yet; run `troika bench calibrate` first");
  return *kept;
}

size_t number_of(const plan::Hardware& machine, const std::string& device) {
  const std::string name = device == "auto" ? "cpu" : device;
  const auto found = std::ranges::find(machine.devices, name, &plan::DeviceCosts::name);
  if (found == machine.devices.end())
    fail("--predict: {} was not measured yet; run `troika bench calibrate --devices cpu,{}`", name, name);
  return size_t(found - machine.devices.begin());
}

}  // namespace

struct Forecast::Planned {
  explicit Planned(const ModelOptions& o)
      : machine(calibrated_machine()), subject(examine(o)), model(planned_model(subject, o, "")), tapes(model),
        costs(machine, tapes, {number_of(machine, o.engine.device)}) {}

  plan::Hardware machine;
  Subject subject;
  plan::PlannedModel model;
  plan::Tapes tapes;
  plan::LaneCosts costs;
};

Forecast::Forecast(const ModelOptions& options) : planned_(std::make_unique<Planned>(options)) {}
Forecast::~Forecast() = default;

double Forecast::prompt_rate(int tokens, int depth) { return tokens / planned_->costs.prompt_s(tokens, depth); }

double Forecast::generation_rate(int tokens, int users, int depth) {
  return users / planned_->costs.decode_s(users, std::max(depth, 1) + tokens / 2);
}

}  // namespace troika::apps
