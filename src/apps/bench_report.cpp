// How the parts of troika bench say what they measured, and where.
#include <fmt/format.h>
#include <sys/utsname.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "apps/bandwidth.h"
#include "apps/bench.h"
#include "base/platform.h"

namespace troika::apps {

using nlohmann::ordered_json;

ordered_json to_json(const Limits& limits) {
  return {{"threads", limits.threads},
          {"kernels", limits.kernels},
          {"read_bytes_per_s", limits.read_bytes_per_s},
          {"int8_operations_per_s", limits.int8_per_s},
          {"fp32_operations_per_s", limits.fp32_per_s}};
}

ordered_json to_json(const Spread& spread) {
  return {{"median", spread.median()}, {"min", spread.least()}, {"max", spread.most()}, {"runs", spread.runs}};
}

std::string to_text(const Limits& limits) {
  return fmt::format("limits of {} threads: {:.1f} GB/s read; {:.0f} GOP/s int8, {:.0f} GFLOP/s fp32 ({})",
                     limits.threads, limits.read_bytes_per_s / 1e9, limits.int8_per_s / 1e9, limits.fp32_per_s / 1e9, limits.kernels);
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
