#include "apps/bench_report.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/platform.h"
#include "device/device.h"
#include "engine/devices.h"

namespace troika::apps {

using nlohmann::ordered_json;

double Spread::median() const {
  std::vector<double> sorted = runs;
  std::sort(sorted.begin(), sorted.end());
  size_t middle = sorted.size() / 2;
  return sorted.size() % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

double Spread::least() const { return *std::min_element(runs.begin(), runs.end()); }
double Spread::most() const { return *std::max_element(runs.begin(), runs.end()); }

Cost& Cost::operator+=(const Cost& other) {
  bytes += other.bytes;
  int8 += other.int8;
  bits16 += other.bits16;
  fp32 += other.fp32;
  attention += other.attention;
  return *this;
}

double& Cost::products(kernels::Arithmetic arithmetic) {
  switch (arithmetic) {
    case kernels::Arithmetic::float32: return fp32;
    case kernels::Arithmetic::int8: return int8;
    case kernels::Arithmetic::int16: return bits16;
  }
  return fp32;
}

namespace {

bool is_cpu(std::string_view device) {
  constexpr std::string_view kOnTheCpu[] = {"auto", "cpu", "reference"};
  return std::ranges::find(kOnTheCpu, device) != std::end(kOnTheCpu);
}

}  // namespace

KnownLimits limits_of(std::string_view device, int threads, std::string_view isa) {
  return is_cpu(device) ? measure_limits(threads, isa) : own_limits_of(device);
}

void refuse_simulated(std::string_view option, std::string_view devices) {
  for (const std::string& each : engine::device_list(devices, option)) {
    if (!device::make_device(each, {})->info().is_simulated) continue;
    fail("{} {}: {} is simulated, so a benchmark would measure the simulator", option, devices, each);
  }
}

KnownLimits own_limits_of(std::string_view device) {
  refuse_simulated("--device", device);
  if (device.find(',') != device.npos) return std::nullopt;  // what several can do together is not measured
  const auto other = device::make_device(device, {});
  const auto limits = other->measure_limits();
  if (!limits) return std::nullopt;
  return Limits{*limits, other->info().description};
}

kernels::Arithmetic arithmetic_of(std::string_view device, std::string_view isa, Format format) {
  if (is_cpu(device)) return kernels::kernel_table(isa).find(format).fast;
  if (info(format).block_values > 1) return kernels::Arithmetic::int8;
  return format == Format::f32 ? kernels::Arithmetic::float32 : kernels::Arithmetic::int16;  // or halves; as fast as it can
}

Floor floor_of(const Cost& cost, const KnownLimits& limits) {
  if (!limits) return {};
  const Peaks& peaks = limits->peaks;
  return {.memory_s = cost.bytes / limits->read_bytes_per_s,
          .arithmetic_s = cost.int8 / peaks.int8 + cost.bits16 / (peaks.bits16 > 0 ? peaks.bits16 : peaks.fp32) +
                          (cost.fp32 + cost.attention) / peaks.fp32};
}

ordered_json to_json(const KnownLimits& limits) {
  if (!limits) return nullptr;
  ordered_json json = {{"read_bytes_per_s", limits->read_bytes_per_s},
                       {"int8_operations_per_s", limits->peaks.int8},
                       {"bits16_operations_per_s", limits->peaks.bits16},
                       {"fp32_operations_per_s", limits->peaks.fp32}};
  if (limits->threads > 0) json.update({{"threads", limits->threads}, {"kernels", limits->kernels}});
  else json["of"] = limits->of;
  return json;
}

ordered_json to_json(const Spread& spread) {
  return {{"median", spread.median()}, {"min", spread.least()}, {"max", spread.most()}, {"runs", spread.runs}};
}

std::string to_text(const KnownLimits& limits) {
  if (!limits) return "the limits of this device are not measured";
  std::string bits16 = limits->peaks.bits16 > 0 ? fmt::format(" {:.0f} GOP/s of 16 bits,", limits->peaks.bits16 / 1e9) : "";
  std::string kernels = limits->kernels.empty() ? "" : fmt::format(" ({})", limits->kernels);
  return fmt::format("limits of {}: {:.1f} GB/s read; {:.0f} GOP/s int8,{} {:.0f} GFLOP/s fp32{}", limits->of,
                     limits->read_bytes_per_s / 1e9, limits->peaks.int8 / 1e9, bits16, limits->peaks.fp32 / 1e9, kernels);
}

ordered_json machine_json() {
  utsname system{};
  ::uname(&system);
  double load[1] = {0};
  ::getloadavg(load, 1);
  return {{"cpu", platform::cpu().name},
          {"cores", platform::cpu().cores},
          {"memory_bytes", platform::memory().total_bytes},
          {"last_cache_bytes", last_cache_bytes()},
          {"system", fmt::format("{} {}", system.sysname, system.release)},
          {"load_average", load[0]},
          {"version", "troika " TROIKA_VERSION}};
}

}  // namespace troika::apps
