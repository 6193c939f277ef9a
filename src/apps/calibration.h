// What this machine's devices can do, measured through their doors: the speeds and costs that the planner takes
// (plan/hardware.h). Kept per machine in the user's cache folder.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/hardware.h"

namespace troika::apps {

struct CalibrationOptions {
  std::vector<std::string> devices;  // empty: the CPU, and a GPU where there is one that is no software
  int threads = 0;                   // of the CPU; 0: every physical core
  std::string isa;                   // of the CPU's kernels; "": the fastest
  std::string shape = "4096x4096";   // of the weights
  std::vector<std::string> formats;  // of the weights; empty: the usual ones. Others are taken for the nearest of them
  double seconds = 0.1;              // measured time of each figure
};

// Takes about a minute, in which nothing else should run. `progress` is told what is measured next. Throws Error for a
// device that is simulated: its speed says nothing.
plan::Hardware calibrate(const CalibrationOptions& options, const std::function<void(std::string_view)>& progress);

// The CPU's limits only, in a second: what no kernel quite reaches.
plan::Hardware limits_as_machine(int threads);

std::filesystem::path kept_machine();             // "" where the user has no home
std::optional<plan::Hardware> read_kept_machine();  // nothing: never calibrated, or by another version of Troika
void keep_machine(const plan::Hardware& machine);

// A built-in machine's name, "this", or a file of `bench calibrate --json`. `said`: how "this" was come by, a sentence.
plan::Hardware find_machine(const std::string& name, std::string& said);

}  // namespace troika::apps
