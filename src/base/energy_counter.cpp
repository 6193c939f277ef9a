#include "base/energy_counter.h"

#include <utility>

#include "base/sysfs.h"

namespace troika::platform {
namespace {

constexpr double kLongestDifference_s = 600;
constexpr double kMostWatts = 2000;  // of a package: more, and the counter did not go round but began anew

}  // namespace

std::optional<Energy> EnergyCounter::read(Clock::time_point now) {
  if (last_ && now <= looked_) return std::nullopt;
  const auto counter = number_in(zone_ / "energy_uj");
  if (!counter) {
    last_.reset();
    return std::nullopt;
  }
  const auto current = static_cast<uint64_t>(*counter);
  const std::optional<uint64_t> last = std::exchange(last_, current);
  const double seconds = std::chrono::duration<double>(now - std::exchange(looked_, now)).count();
  if (!last || seconds > kLongestDifference_s) return std::nullopt;
  const auto range = static_cast<uint64_t>(number_in(zone_ / "max_energy_range_uj").value_or(0));
  if (current < *last && range < *last) return std::nullopt;
  const uint64_t microjoules = current >= *last ? current - *last : range - *last + current;
  const Energy spent{.joules = double(microjoules) * 1e-6, .seconds = seconds};
  if (spent.joules > kMostWatts * seconds) return std::nullopt;
  return spent;
}

std::vector<EnergyCounter> package_counters(const std::filesystem::path& root) {
  std::vector<EnergyCounter> packages;
  for (const auto& zone : folders_in(root / "sys/class/powercap", "intel-rapl:"))
    if (line_in(zone / "name").starts_with("package-")) packages.emplace_back(zone);
  return packages;
}

}  // namespace troika::platform
