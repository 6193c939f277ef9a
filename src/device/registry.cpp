// The backends, one row each.
#include <fmt/ranges.h>

#include "base/error.h"
#include "device/cpu/cpu_device.h"
#include "device/device.h"
#include "device/reference/reference_device.h"
#include "device/vulkan/vulkan_device.h"

namespace troika::device {
namespace {

struct Backend {
  std::string_view name;
  std::unique_ptr<Device> (*make)(const DeviceOptions& options);
};

constexpr Backend kBackends[] = {
    {"cpu", cpu::make},
    {"reference", reference::make},
    {"vulkan", vulkan::make},
};

}  // namespace

std::unique_ptr<Device> make_device(std::string_view name, const DeviceOptions& options) {
  for (const Backend& backend : kBackends) {
    if (backend.name == name) return backend.make(options);
  }
  fail("unknown device \"{}\"; there are: {}", name, fmt::join(device_names(), ", "));
}

std::vector<std::string_view> device_names() {
  std::vector<std::string_view> names;
  for (const Backend& backend : kBackends) names.push_back(backend.name);
  return names;
}

}  // namespace troika::device
