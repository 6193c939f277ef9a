// What this machine's devices can do, measured through their doors: the speeds and costs that the planner takes
// (plan/hardware.h). Kept per machine in the user's cache folder.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/platform.h"
#include "device/device.h"
#include "plan/hardware.h"

namespace troika::apps {

struct CalibrationOptions {
  std::vector<std::string> devices;  // empty: the CPU, a GPU that is no software, an NPU that is not simulated
  int threads = 0;                   // of the CPU; 0: every physical core
  std::string isa;                   // of the CPU's kernels; "": the fastest
  std::vector<std::string> shapes;   // of the weights, "4096x4096"; empty: a small, a middle and a large one
  std::vector<std::string> formats;  // of the weights; empty: the usual ones. Others are taken for the nearest of them
  double seconds = kUsualSeconds;    // measured time of each figure

  static constexpr double kUsualSeconds = 0.1;
  // Whether what is measured is the machine's, as the engine uses it: its devices, or some of them, in full.
  bool is_usual() const { return threads == 0 && isa.empty() && shapes.empty() && seconds == kUsualSeconds; }
  bool is_whole() const { return devices.empty() && formats.empty(); }
};

// Takes its time (docs/plan.md), in which nothing else should run. `progress` is told what is measured next. Throws Error for a
// device that is simulated: its speed says nothing.
plan::Hardware calibrate(const CalibrationOptions& options, const std::function<void(std::string_view)>& progress);

// `gpu`: null where there is none.
plan::Memory memory_of(const platform::Memory& system, const device::DeviceInfo* gpu);

// The CPU's limits only, in a second: what no kernel quite reaches.
plan::Hardware limits_as_machine(int threads);

std::filesystem::path kept_machine();  // of TROIKA_MACHINE, else in the cache folder; "" where the user has no home
std::optional<plan::Hardware> read_kept_machine();  // nothing: never calibrated, or by another version of Troika
// A part of a machine is put into what is kept of the whole (plan::merged).
enum class Measured { whole, part };
void keep_machine(const plan::Hardware& machine, Measured measured);

// A built-in machine's name, "this", or a file of `bench calibrate --json`. `said`: how "this" was come by, a sentence.
plan::Hardware find_machine(const std::string& name, std::string& said);

}  // namespace troika::apps
