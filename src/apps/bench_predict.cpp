#include "apps/bench_predict.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "apps/calibration.h"
#include "apps/plan_prediction.h"
#include "base/error.h"

namespace troika::apps {
namespace {

plan::Hardware calibrated_machine() {
  auto kept = read_kept_machine();
  if (!kept) fail("--predict: this machine was not measured yet; run `troika bench calibrate` while nothing else runs");
  return *kept;
}

std::string name_of_device(const std::string& list) {
  if (list.find(',') != list.npos) {
    fail("--predict: predictions are of one device, not of {}; `troika plan MODEL --hardware this` plans several", list);
  }
  return list == "auto" ? "cpu" : list;
}

size_t number_of(const plan::Hardware& machine, const std::string& device) {
  const std::string name = name_of_device(device);
  const auto found = std::ranges::find(machine.devices, name, &plan::DeviceCosts::name);
  if (found == machine.devices.end()) {
    fail("--predict: {} was not measured yet; run `troika bench calibrate{}` while nothing else runs", name,
         name == "cpu" ? "" : fmt::format(" --devices {},cpu", name));
  }
  return size_t(found - machine.devices.begin());
}

// Of most of what a step reads.
std::string usual_format(const ops::Program& program, const plan::Formats& formats) {
  std::map<std::string, double> bytes;
  for (const ops::Op& op : program.ops) {
    if (!ops::multiplies(op)) continue;
    const ops::TensorInfo& weight = program[op.in[1]];
    const Format format = formats.at(weight.name);
    bytes[std::string(info(format).name)] += double(bytes_of(format, weight.shape));
  }
  return std::ranges::max_element(bytes, {}, [](const auto& entry) { return entry.second; })->first;
}

}  // namespace

struct Forecast::Planned {
  explicit Planned(const ModelOptions& o)
      : machine(calibrated_machine()), device(number_of(machine, o.engine.device)), threads(o.engine.threads),
        subject(examine(o)), model(planned_model(subject, o, "")), tapes(model), costs(machine, tapes, {device}) {}

  plan::Hardware machine;
  size_t device;
  int threads;
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

std::string Forecast::cure() const {
  const plan::DeviceCosts& device = planned_->machine.devices[planned_->device];
  const std::string format = usual_format(planned_->subject.program, planned_->model.formats);
  const plan::Speed* speed = device.speed(format);
  const std::string nearest = speed && speed->work != format
      ? fmt::format("{} was not measured here, so the speed of {} was taken; ", format, speed->work) : "";
  const std::string threads = planned_->threads > 0 ? fmt::format(" --threads {} --keep", planned_->threads) : "";
  return fmt::format("{}measure again, while nothing else runs: troika bench calibrate --devices {} --formats {}{}", nearest,
                     device.name, format, threads);
}

}  // namespace troika::apps
