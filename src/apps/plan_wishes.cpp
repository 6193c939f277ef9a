#include "apps/plan_wishes.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "engine/devices.h"

namespace troika::apps {
namespace {

std::vector<std::string> names_of(const plan::Hardware& machine) {
  std::vector<std::string> names;
  for (const plan::DeviceCosts& device : machine.devices) names.push_back(device.name);
  return names;
}

// Numbers in the machine. The CPU that stands behind every list may be missing where the list does not name it.
std::vector<size_t> devices_of(const std::string& list, const char* option, const plan::Hardware& machine) {
  const std::vector<std::string> known = names_of(machine);
  std::vector<size_t> numbers;
  for (const std::string& name : engine::device_list(list, option)) {
    const auto found = std::ranges::find(known, name);
    if (found != known.end()) numbers.push_back(size_t(found - known.begin()));
    else if (name != "cpu" || list.ends_with("cpu")) {
      fail("{} {}: {} has no {}; it has {}", option, list, machine.name, name, fmt::join(known, ", "));
    }
  }
  return numbers;
}

}  // namespace

plan::Wishes wishes_of(const ModelOptions& o, const plan::Hardware& machine, int layers) {
  plan::Wishes wishes;
  if (o.engine.device != "auto") wishes.devices = devices_of(o.engine.device, "--device", machine);
  if (!o.engine.prefill_device.empty()) {
    wishes.prefill = devices_of(o.engine.prefill_device, "--prefill-device", machine);
  }
  std::vector<std::string> names = names_of(machine);
  if (!wishes.devices.empty()) {
    names.clear();
    for (size_t d : wishes.devices) names.push_back(machine.devices[d].name);
  }
  wishes.pins = plan::parse_pins(o.engine.place, names, layers);
  for (plan::Pin& pin : wishes.pins) {
    if (!wishes.devices.empty()) pin.device = int(wishes.devices[size_t(pin.device)]);
  }
  std::ranges::sort(wishes.devices);
  std::ranges::sort(wishes.prefill);
  return wishes;
}

}  // namespace troika::apps
