#include "plan/hardware.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "tensor/format.h"

namespace troika::plan {
namespace {

double bits(const FormatInfo& format) { return 8.0 * format.block_bytes / format.block_values; }

}  // namespace

std::string_view name_of(Source source) {
  switch (source) {
    case Source::measured: return "measured";
    case Source::reported: return "reported";
    case Source::computed: return "computed";
    case Source::assumed: return "assumed";
  }
  return "?";
}

double Speed::Size::at(int rows) const {
  auto above = std::ranges::lower_bound(points, rows, {}, &Point::rows);
  if (above == points.end()) return points.back().per_s;
  if (above == points.begin() || above->rows == rows) return above->per_s;
  const Point& below = above[-1];
  double share = std::log(double(rows) / below.rows) / std::log(double(above->rows) / below.rows);
  return below.per_s * std::pow(above->per_s / below.per_s, share);
}

double Speed::at(int rows, double weights) const {
  const auto above = std::ranges::find_if(sizes, [&](const Size& s) { return s.weights >= weights; });
  if (above == sizes.end()) return sizes.back().at(rows);
  if (above == sizes.begin() || weights <= 0) return above->at(rows);
  const Size& below = above[-1];
  const double least = below.weights / below.at(rows), most = above->weights / above->at(rows);  // ~ seconds
  const double share = (weights - below.weights) / (above->weights - below.weights);
  return weights / std::lerp(least, most, share);
}

Speed flat_speed(std::string work, double per_s, Source source, std::string from) {
  return {std::move(work), {{.points = {{1, per_s}}}}, source, std::move(from)};
}

const Speed* DeviceCosts::speed(std::string_view work) const {
  auto exact = std::ranges::find(speeds, work, &Speed::work);
  if (exact != speeds.end()) return &*exact;
  auto wanted = find_format(work);
  if (!wanted) return nullptr;
  // Blocks are multiplied as bytes and floats as floats, so bits alone do not tell the nearest.
  auto distance = [&](const FormatInfo& other) {
    bool other_kind = (other.block_values > 1) != (info(*wanted).block_values > 1);
    return std::abs(std::log(bits(other) / bits(info(*wanted)))) + (other_kind ? 10 : 0);
  };
  const Speed* nearest = nullptr;
  for (const Speed& speed : speeds) {
    auto format = find_format(speed.work);
    if (!format) continue;
    if (!nearest || distance(info(*format)) < distance(info(*find_format(nearest->work)))) nearest = &speed;
  }
  return nearest;
}

const Pair* Hardware::find_pair(std::string_view from, std::string_view to) const {
  const auto found = std::ranges::find_if(pairs, [&](const Pair& p) { return p.from == from && p.to == to; });
  return found == pairs.end() ? nullptr : &*found;
}

const Pair& Hardware::pair(size_t from, size_t to) const {
  const Pair* found = find_pair(devices[from].name, devices[to].name);
  check(found, "a pair of the machine's devices");
  return *found;
}

}  // namespace troika::plan
