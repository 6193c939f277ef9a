#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "plan/hardware.h"

namespace troika::plan {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr Source kSources[] = {Source::measured, Source::reported, Source::computed, Source::assumed};

ordered_json write(const Figure& f) { return {{"value", f.value}, {"source", name_of(f.source)}, {"from", f.from}}; }

ordered_json write(const Speed& s) {
  auto sizes = ordered_json::array();
  for (const Speed::Size& size : s.sizes) {
    auto points = ordered_json::array();
    for (const Speed::Point& p : size.points) points.push_back({p.rows, p.per_s});
    sizes.push_back({{"weights", size.weights}, {"points", points}});
  }
  return {{"work", s.work}, {"sizes", sizes}, {"source", name_of(s.source)}, {"from", s.from}};
}

ordered_json write(const DeviceCosts& d) {
  auto speeds = ordered_json::array();
  for (const Speed& s : d.speeds) speeds.push_back(write(s));
  return {{"name", d.name},
          {"description", d.description},
          {"read_bytes_per_s", write(d.read_bytes_per_s)},
          {"submit_s", write(d.submit_s)},
          {"launch_s", write(d.launch_s)},
          {"granule", d.granule},
          {"weight_bits", d.weight_bits},
          {"watts", write(d.watts)},
          {"speeds", speeds}};
}

// A place in the file, so that what is wrong with it can be named: "devices[1].speeds[0].points".
class Place {
 public:
  Place(const json& value, std::string path) : value_(value), path_(std::move(path)) {}

  Place operator[](const char* key) const {
    if (!value_.is_object() || !value_.contains(key)) fail("{}: \"{}\" is missing", path_, key);
    return {value_[key], fmt::format("{}.{}", path_, key)};
  }
  std::vector<Place> items() const {
    if (!value_.is_array()) fail("{}: expected a list", path_);
    std::vector<Place> all;
    for (size_t i = 0; i < value_.size(); ++i) all.emplace_back(value_[i], fmt::format("{}[{}]", path_, i));
    return all;
  }
  std::string text() const {
    if (!value_.is_string()) fail("{}: expected text", path_);
    return value_.get<std::string>();
  }
  double number() const {
    if (!value_.is_number() || value_.get<double>() < 0 || value_.get<double>() > 1e30) {
      fail("{}: expected a number from 0 to 1e30", path_);
    }
    return value_.get<double>();
  }
  double above_zero() const {
    double n = number();
    if (n == 0) fail("{}: expected a number above 0", path_);
    return n;
  }
  int count() const {
    double n = number();
    if (n < 1 || n > 1 << 20 || n != int(n)) fail("{}: expected a whole number from 1 to 1048576", path_);
    return int(n);
  }
  Source source() const {
    std::string name = text();
    for (Source s : kSources) {
      if (name == name_of(s)) return s;
    }
    fail("{}: \"{}\" is no source; there are measured, reported, computed, assumed", path_, name);
  }
  const std::string& path() const { return path_; }

 private:
  const json& value_;
  std::string path_;
};

Figure read_figure(const Place& at) { return {at["value"].number(), at["source"].source(), at["from"].text()}; }

Figure read_rate(const Place& at) {
  Figure figure = read_figure(at);
  at["value"].above_zero();
  return figure;
}

Speed::Size read_size(const Place& at) {
  Speed::Size size{at["weights"].number(), {}};
  for (const Place& point : at["points"].items()) {
    const std::vector<Place> pair = point.items();
    if (pair.size() != 2) fail("{}: expected [rows, a second]", point.path());
    size.points.push_back({pair[0].count(), pair[1].above_zero()});
    bool ascends = size.points.size() < 2 || size.points.end()[-2].rows < size.points.back().rows;
    if (!ascends) fail("{}: rows do not ascend", point.path());
  }
  if (size.points.empty()) fail("{}: a speed needs a point", at.path());
  return size;
}

Speed read_speed(const Place& at) {
  Speed speed{at["work"].text(), {}, at["source"].source(), at["from"].text()};
  for (const Place& size : at["sizes"].items()) {
    speed.sizes.push_back(read_size(size));
    bool ascends = speed.sizes.size() < 2 || speed.sizes.end()[-2].weights < speed.sizes.back().weights;
    if (!ascends) fail("{}.weights: sizes do not ascend", size.path());
  }
  if (speed.sizes.empty()) fail("{}.sizes: a speed needs a size", at.path());
  return speed;
}

DeviceCosts read_device(const Place& at) {
  DeviceCosts device{.name = at["name"].text(),
                     .description = at["description"].text(),
                     .read_bytes_per_s = read_rate(at["read_bytes_per_s"]),
                     .submit_s = read_figure(at["submit_s"]),
                     .launch_s = read_figure(at["launch_s"]),
                     .granule = at["granule"].count(),
                     .weight_bits = at["weight_bits"].count(),
                     .watts = read_figure(at["watts"])};
  for (const Place& speed : at["speeds"].items()) device.speeds.push_back(read_speed(speed));
  return device;
}

std::vector<DeviceCosts> read_devices(const Place& at) {
  const std::vector<Place> items = at.items();
  if (items.empty() || items.size() > kMostDevices) {
    fail("{}: a machine has 1 to {} devices, not {}", at.path(), kMostDevices, items.size());
  }
  std::vector<DeviceCosts> devices;
  for (const Place& item : items) {
    DeviceCosts device = read_device(item);
    if (std::ranges::find(devices, device.name, &DeviceCosts::name) != devices.end()) {
      fail("{}: another device is called \"{}\" already", item["name"].path(), device.name);
    }
    devices.push_back(std::move(device));
  }
  return devices;
}

Pair read_pair(const Place& at) {
  Pair pair{at["from"].text(), at["to"].text(), read_figure(at["copy_bytes_per_s"]), read_figure(at["slowed"])};
  if (pair.slowed.value >= 1) fail("{}.slowed: expected a share below 1", at.path());
  return pair;
}

}  // namespace

std::string to_json(const Hardware& h) {
  auto devices = ordered_json::array(), pairs = ordered_json::array();
  for (const DeviceCosts& d : h.devices) devices.push_back(write(d));
  for (const Pair& p : h.pairs) {
    pairs.push_back(
        {{"from", p.from}, {"to", p.to}, {"copy_bytes_per_s", write(p.copy_bytes_per_s)}, {"slowed", write(p.slowed)}});
  }
  const ordered_json all = {{"version", kHardwareVersion},
                            {"name", h.name},
                            {"description", h.description},
                            {"devices", devices},
                            {"pairs", pairs},
                            {"memory",
                             {{"bytes", write(h.memory.bytes)},
                              {"gtt", write(h.memory.gtt)},
                              {"carved", write(h.memory.carved)},
                              {"reserved", write(h.memory.reserved)}}},
                            {"bounds",
                             {{"read_bytes_per_s", write(h.bounds.read_bytes_per_s)}, {"matrix", write(h.bounds.matrix)}}}};
  return all.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

Hardware hardware_from_json(std::string_view text, std::string_view name_of_file) {
  const json parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) fail("{}: this is no JSON", name_of_file);
  const Place at(parsed, std::string(name_of_file));
  if (const int version = at["version"].count(); version != kHardwareVersion) {
    fail("{}: it is of version {} and this Troika reads {}; measure anew: troika bench calibrate --json",
         at["version"].path(), version, kHardwareVersion);
  }
  Hardware h{.name = at["name"].text(), .description = at["description"].text()};
  h.devices = read_devices(at["devices"]);
  for (const Place& pair : at["pairs"].items()) h.pairs.push_back(read_pair(pair));
  for (size_t a = 0; a < h.devices.size(); ++a) {
    for (size_t b = 0; b < h.devices.size(); ++b) {
      if (a == b || h.find_pair(h.devices[a].name, h.devices[b].name)) continue;
      fail("{}.pairs: nothing is said of the pair from {} to {}", name_of_file, h.devices[a].name, h.devices[b].name);
    }
  }
  const Place memory = at["memory"], bounds = at["bounds"];
  h.memory = {read_rate(memory["bytes"]), read_figure(memory["gtt"]), read_figure(memory["carved"]),
              read_figure(memory["reserved"])};
  h.bounds = {read_rate(bounds["read_bytes_per_s"]), read_rate(bounds["matrix"])};
  return h;
}

}  // namespace troika::plan
