#include "power/governor.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/power_supply.h"

namespace troika::power {
namespace {

constexpr std::chrono::seconds kLook(2), kIdleLook(30);

// The package's, which holds an APU's GPU; where it is not readable, what such a GPU says of the whole chip.
std::optional<double> package_watts(const std::vector<platform::Reading>& readings) {
  std::optional<double> packages, gpu;
  for (const platform::Reading& reading : readings) {
    if (!reading.watts) continue;
    if (reading.sensor.starts_with("cpu")) packages = packages.value_or(0) + *reading.watts;
    if (reading.sensor == "gpu") gpu = reading.watts;
  }
  return packages ? packages : gpu;
}

std::optional<double> hottest(const std::vector<platform::Reading>& readings) {
  std::optional<double> celsius;
  for (const platform::Reading& reading : readings) celsius = std::max(celsius, reading.celsius);  // nothing is the least
  return celsius;
}

bool is_other(const Decision& a, const Decision& b) {
  return a.rule != b.rule || a.state.level != b.state.level || a.state.feed != b.state.feed;
}

}  // namespace

Governor::Governor(const Wish& wish, const std::filesystem::path& root, Looks looks)
    : wish_(wish), root_(root), sensors_(root), meter_(root) {
  status_.wish = wish;
  look(Clock::now());
  if (status_.decision.reason != Reason::none || wish_.watts) log::info("{}", explain(wish_, status_.seen, status_.decision));
  if (looks == Looks::by_itself) thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
}

void Governor::look(Clock::time_point now) {
  std::lock_guard reading(reading_);
  const auto& readings = sensors_.read(now);
  const platform::PowerSupply supply = platform::read_power_supply(root_);
  const platform::Energy spent = meter_.read(now);
  const Seen seen{.at = now,
                  .on_battery = supply.on_battery,
                  .charge = supply.charge,
                  .celsius = hottest(readings),
                  .watts = package_watts(readings)};
  const Decision decision = decide(wish_, seen, status_.decision.state);  // written under `reading_` only
  const bool is_news = status_.decision.rule && is_other(decision, status_.decision);
  if (is_news) log::info("{}", explain(wish_, seen, decision));
  std::lock_guard lock(mutex_);
  status_.seen = seen;
  status_.decision = decision;
  status_.spent = spent;
}

void Governor::watch(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    is_asked_ = false;
    wake_.wait_until(lock, stop, status_.seen.at + kIdleLook, [this] { return is_asked_; });
    wake_.wait_until(lock, stop, status_.seen.at + kLook, [] { return false; });
    if (stop.stop_requested()) return;
    lock.unlock();
    look(Clock::now());
    lock.lock();
  }
}

Limits Governor::limits() {
  std::lock_guard lock(mutex_);
  if (!std::exchange(is_asked_, true)) wake_.notify_all();
  return status_.decision.limits;
}

Status Governor::status() const {
  std::lock_guard lock(mutex_);
  return status_;
}

platform::Energy Governor::spent() {
  std::lock_guard reading(reading_);
  return meter_.read(Clock::now());
}

}  // namespace troika::power
