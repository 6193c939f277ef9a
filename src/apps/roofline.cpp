#include "apps/roofline.h"

#include <algorithm>

#include "apps/bandwidth.h"
#include "apps/peaks.h"

namespace troika::apps {

Limits measure_limits(int threads, std::string_view kernels) {
  std::vector<const kernels::KernelTable*> tables = fast_tables();
  auto named = std::find_if(tables.begin(), tables.end(), [&](auto* table) { return table->name == kernels; });
  const kernels::KernelTable& table = named == tables.end() ? *tables.back() : **named;
  Peaks peaks = measure_peaks(table, threads);
  return {.threads = threads,
          .kernels = std::string(table.name),
          .read_bytes_per_s = measure_read_bandwidth(threads),
          .int8_per_s = peaks.int8,
          .fp32_per_s = peaks.fp32};
}

Cost& Cost::operator+=(const Cost& other) {
  bytes += other.bytes;
  int8 += other.int8;
  fp32 += other.fp32;
  attention += other.attention;
  return *this;
}

Floor floor_of(const Cost& cost, const Limits& limits) {
  return {.memory_s = cost.bytes / limits.read_bytes_per_s,
          .arithmetic_s = cost.int8 / limits.int8_per_s + (cost.fp32 + cost.attention) / limits.fp32_per_s};
}

}  // namespace troika::apps
