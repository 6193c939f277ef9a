#include "apps/bench_energy.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <thread>

namespace troika::apps {
namespace {

using nlohmann::ordered_json;
using power::Meter;

constexpr std::chrono::seconds kIdle(2);
constexpr double kCounted = 0.95;  // of the time, at the least

std::string why_none(const power::Governor& governor, std::span<const std::string> devices) {
  if (governor.meter().source() == Meter::Source::none) return governor.meter().missing();
  if (governor.meter().source() == Meter::Source::battery || !has_card(devices)) return {};
  return "the processor's counter knows nothing of a GPU on a card of its own";
}

std::optional<double> measure_idle(power::Governor& governor) {
  const platform::Energy before = governor.spent();
  std::this_thread::sleep_for(kIdle);
  const platform::Energy after = governor.spent();
  if (after.seconds == before.seconds) return std::nullopt;
  return (after.joules - before.joules) / (after.seconds - before.seconds);
}

}  // namespace

bool has_card(std::span<const std::string> devices, const std::function<VulkanGpus()>& ask) {
  if (std::ranges::find(devices, "vulkan") == devices.end()) return false;
  const VulkanGpus vulkan = ask();
  return vulkan.choice.number >= 0 && vulkan.gpus[size_t(vulkan.choice.number)].kind == device::vulkan::GpuKind::discrete;
}

BenchEnergy::BenchEnergy(power::Governor& governor, std::span<const std::string> devices)
    : source_(governor.meter().source()), missing_(why_none(governor, devices)) {
  if (!missing_.empty()) source_ = Meter::Source::none;
  if (source_ != Meter::Source::none) idle_watts_ = measure_idle(governor);
}

std::optional<platform::Energy> BenchEnergy::of(const std::vector<Speed>& runs) const {
  platform::Energy spent;
  double seconds = 0;
  for (const Speed& run : runs) {
    spent += run.spent;
    seconds += run.seconds;
  }
  const double least = std::max(kCounted * seconds, power::kLeastSeconds[size_t(source_)]);
  if (source_ == Meter::Source::none || spent.joules == 0 || spent.seconds < least) return std::nullopt;
  return spent;
}

ordered_json BenchEnergy::to_json() const {
  return {{"source", source_ == Meter::Source::none ? ordered_json() : power::kSourceNames[size_t(source_)]},
          {"missing", missing_.empty() ? ordered_json() : ordered_json(missing_)},
          {"idle_watts", idle_watts_ ? ordered_json(*idle_watts_) : ordered_json()}};
}

std::string BenchEnergy::to_text() const {
  if (source_ == Meter::Source::none) return "energy: not measured: " + missing_;
  std::string text = source_ == Meter::Source::package ? "energy: of the processor's package, with all that runs on it"
                                                       : "energy: out of the battery, so of the whole machine";
  if (idle_watts_) text += fmt::format("; {:.1f} W while nothing ran, which are in the figures", *idle_watts_);
  return text;
}

}  // namespace troika::apps
