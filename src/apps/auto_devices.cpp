#include "apps/auto_devices.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "apps/calibration.h"
#include "apps/hardware.h"
#include "apps/plan_prediction.h"
#include "base/error.h"
#include "base/log.h"
#include "npu/runtime/open.h"

namespace troika::apps {
namespace {

// Where a GPU or an NPU does nothing because nobody measured it.
void advise(const ModelOptions& o) {
  const auto is_usable = [](const Accelerator& a) { return a.accessible; };
  const bool has_gpu = std::ranges::any_of(find_gpus(o.system_root), is_usable);
  if (!has_gpu && std::ranges::none_of(find_npus(o.system_root), is_usable)) return;
  log::info("this machine has {}; --device auto uses it once `troika bench calibrate` has measured what it can do",
            has_gpu ? "a GPU" : "an NPU");
}

// What was measured and is still there: an NPU without its plug-in would be simulated.
std::string devices_of(const plan::Hardware& machine) {
  const bool has_npu = !npu::plugin_of(npu::wanted_array()).empty();
  std::vector<std::string> names;
  for (const plan::DeviceCosts& device : machine.devices) {
    if (device.name != "cpu" && (device.name != "npu" || has_npu)) names.push_back(device.name);
  }
  names.push_back("cpu");
  return fmt::format("{}", fmt::join(names, ","));
}

std::optional<plan::RunOptions> planned(ModelOptions o, const plan::Hardware& machine) {
  const Subject subject = examine(o);
  o.engine.device = devices_of(machine);
  const Prediction prediction = predict(subject, o, {.hardware = "this"});
  if (!prediction.plan.refusal.empty()) return std::nullopt;
  return plan::run_options(prediction.machine, prediction.plan);
}

}  // namespace

void choose_devices(ModelOptions& o) {
  engine::EngineOptions& e = o.engine;
  if (e.device != "auto" || !e.place.empty() || !e.prefill_device.empty() || o.dtype != "auto") return;
  try {
    const auto machine = read_kept_machine();
    const auto options = machine ? planned(o, *machine) : std::nullopt;
    if (!machine) advise(o);
    e.device = "cpu";  // decided: nobody plans it again
    if (!options || options->device == "cpu") return;
    e.device = options->device;
    e.place = options->place;
    e.prefill_device = options->prefill_device;
    std::string chosen = e.device;
    if (!e.place.empty()) chosen += " --place " + e.place;
    if (!e.prefill_device.empty()) chosen += " --prefill-device " + e.prefill_device;
    log::info("--device auto is --device {} here; `troika plan --hardware this` says why", chosen);
  } catch (const Error& error) {
    e.device = "cpu";
    log::warn("--device auto is the CPU: {}", error.what());
  }
}

}  // namespace troika::apps
