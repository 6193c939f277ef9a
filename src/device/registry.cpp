// The backends, one row each.
#include <fmt/ranges.h>

#include "base/error.h"
#include "device/cpu/cpu_device.h"
#include "device/device.h"
#include "device/npu/npu_device.h"
#include "device/reference/reference_device.h"
#include "device/vulkan/vulkan_device.h"

namespace troika::device {
namespace {

std::vector<Backend>& backends() {
  static std::vector<Backend> all = {
      {"cpu", cpu::make},
      {"npu", [](const DeviceOptions& options) { return npu::make(options); }},
      {"reference", reference::make},
      {"vulkan", [](const DeviceOptions& options) { return vulkan::make(options); }},
  };
  return all;
}

}  // namespace

std::unique_ptr<Device> make_device(std::string_view name, const DeviceOptions& options) {
  for (const Backend& backend : backends()) {
    if (backend.name == name) return backend.make(options);
  }
  fail("unknown device \"{}\"; there are: {}", name, fmt::join(device_names(), ", "));
}

std::vector<std::string> device_names() {
  std::vector<std::string> names;
  for (const Backend& backend : backends()) names.push_back(backend.name);
  return names;
}

void add_backend(Backend backend) { backends().push_back(std::move(backend)); }

}  // namespace troika::device
