// What was measured of a machine in part, put into what is known of the whole.
#include <algorithm>

#include "plan/hardware.h"

namespace troika::plan {
namespace {

const Figure& greater(const Figure& a, const Figure& b) { return a.value > b.value ? a : b; }

// Speeds that stay were measured beside what memory did then, so it is no slower than that.
DeviceCosts merged(const DeviceCosts& kept, DeviceCosts news) {
  for (const Speed& old : kept.speeds) {
    if (std::ranges::find(news.speeds, old.work, &Speed::work) != news.speeds.end()) continue;
    news.speeds.push_back(old);
    news.read_bytes_per_s = greater(news.read_bytes_per_s, kept.read_bytes_per_s);
  }
  return news;
}

Pair unmeasured(const std::string& from, const std::string& to) {
  constexpr std::string_view kWhy = "the two were not measured together";
  return {from, to, {12e9, Source::assumed, std::string(kWhy)}, {0.15, Source::assumed, std::string(kWhy)}};
}

}  // namespace

Hardware merged(Hardware kept, const Hardware& news) {
  kept.description = news.description;
  for (const DeviceCosts& device : news.devices) {
    const auto known = std::ranges::find(kept.devices, device.name, &DeviceCosts::name);
    if (known == kept.devices.end()) kept.devices.push_back(device);
    else *known = merged(*known, device);
  }
  const bool is_whole = kept.devices.size() == news.devices.size();
  std::vector<Pair> pairs;
  for (const DeviceCosts& from : kept.devices) {
    for (const DeviceCosts& to : kept.devices) {
      if (from.name == to.name) continue;
      const Pair *fresh = news.find_pair(from.name, to.name), *old = kept.find_pair(from.name, to.name);
      pairs.push_back(fresh ? *fresh : old ? *old : unmeasured(from.name, to.name));
    }
  }
  kept.pairs = std::move(pairs);
  const bool has_gpu = news.memory.gtt.value + news.memory.carved.value > 0;  // else nobody asked it for its memory
  const Memory memory = kept.memory;
  kept.memory = news.memory;
  if (!has_gpu) kept.memory.gtt = memory.gtt, kept.memory.carved = memory.carved;
  const Bounds bounds = kept.bounds;
  kept.bounds = news.bounds;
  if (!is_whole) {
    kept.bounds = {greater(bounds.read_bytes_per_s, news.bounds.read_bytes_per_s), greater(bounds.matrix, news.bounds.matrix)};
  }
  return kept;
}

}  // namespace troika::plan
