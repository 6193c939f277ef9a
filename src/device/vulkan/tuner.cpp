#include "device/vulkan/tuner.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "base/error.h"
#include "base/log.h"
#include "device/vulkan/recorder.h"

namespace troika::device::vulkan {
namespace {

constexpr double kWorthwhile = 0.97;  // of the rule's time
constexpr size_t kRuns = 5;
constexpr double kEnoughSeconds = 0.01;  // of runs: they are fewer where each takes long
constexpr double kHopeless = 2;  // times as long as the fastest: one run says enough

// Of a candidate, again and again: the layers in turn, each run a submission of its own.
std::vector<double> times_of(const std::shared_ptr<Context>& context, const Trial& trial, const Candidate& candidate,
                             size_t runs, size_t& layer) {
  constexpr Range kResult{0, 1};  // stands for what all of them write: a barrier keeps them apart
  Recorder recorder(context, 0, Recorder::Timed::submissions);
  for (size_t run = 0; run < runs; ++run) {
    recorder.dispatch({.pipeline = candidate.pipeline,
                       .push = trial.pushes[layer++ % trial.pushes.size()],
                       .groups = candidate.groups,
                       .writes = {kResult},
                       .work = 1});
  }
  recorder.end();
  recorder.submit();
  recorder.wait();
  std::vector<double> seconds;
  for (const Submission& each : recorder.timed()) seconds.push_back(each.seconds);
  return seconds;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<double> measure_on(const std::shared_ptr<Context>& context, const Trial& trial) {
  std::vector<PipelineKey> pipelines;
  for (const Candidate& candidate : trial.candidates) pipelines.push_back(candidate.pipeline);
  context->make_pipelines(std::move(pipelines));
  size_t layer = 0;
  double best = std::numeric_limits<double>::infinity();
  std::vector<double> all;
  for (const Candidate& candidate : trial.candidates) {
    times_of(context, trial, candidate, 1, layer);  // caches and clocks
    double seconds = times_of(context, trial, candidate, 1, layer)[0];
    const size_t more = std::min(kRuns, size_t(kEnoughSeconds / std::max(seconds, 1e-9)));
    if (more > 1 && seconds < best * kHopeless) seconds = median(times_of(context, trial, candidate, more, layer));
    best = std::min(best, seconds);
    all.push_back(seconds);
  }
  return all;
}

}  // namespace

std::string name_of(const PipelineKey& pipeline) {
  return fmt::format("{} {} {}", pipeline.shader, fmt::join(pipeline.constants, " "), pipeline.subgroup_size);
}

Stopwatch stopwatch_of(std::shared_ptr<Context> context) {
  const auto now = [] { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); };
  return {[context = std::move(context)](const Trial& trial) { return measure_on(context, trial); }, now};
}

Tuner::Tuner(std::shared_ptr<MeasuredFile> file, Stopwatch stopwatch, double seconds)
    : file_(std::move(file)), stopwatch_(std::move(stopwatch)), seconds_left_(seconds) {}

void Tuner::measure(std::vector<Trial> trials) {
  std::erase_if(trials, [&](const Trial& trial) { return find(trial.product, trial.candidates).has_value(); });
  std::ranges::stable_sort(trials, std::greater(), &Trial::work);
  for (const Trial& trial : trials) {
    if (seconds_left_ <= 0) break;
    const double begin = stopwatch_.now();
    measure_one(trial);
    seconds_left_ -= stopwatch_.now() - begin;
  }
  file_->keep();
}

// The rule's kernel is kept before: what a driver refuses, or a GPU does not come back from, is not tried at the next start.
void Tuner::measure_one(const Trial& trial) {
  std::string& kernel = file_->measured.kernels[trial.product];
  kernel = name_of(trial.candidates[0].pipeline);
  file_->keep();
  try {
    kernel = name_of(trial.candidates[fastest(stopwatch_.seconds(trial))].pipeline);
    log::debug("{}: {}", trial.product, kernel);
  } catch (const DeviceLost&) {
    throw;
  } catch (const Error& error) {  // a driver may refuse a kernel that the rule does not take
    log::debug("{}: {}", trial.product, error.what());
  }
}

std::optional<size_t> Tuner::find(const std::string& product, std::span<const Candidate> candidates) const {
  const auto known = file_->measured.kernels.find(product);
  if (known == file_->measured.kernels.end()) return {};
  const auto same = [&](const Candidate& candidate) { return name_of(candidate.pipeline) == known->second; };
  const auto found = std::ranges::find_if(candidates, same);
  if (found == candidates.end()) return {};
  return size_t(found - candidates.begin());
}

size_t fastest(std::span<const double> seconds) {
  const auto best = std::ranges::min_element(seconds);
  return *best < seconds[0] * kWorthwhile ? size_t(best - seconds.begin()) : 0;
}

}  // namespace troika::device::vulkan
