// The backends, one row each.
#include <fmt/ranges.h>

#include <algorithm>

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
      {"npu", [](const DeviceOptions& options) { return npu::make(options); }, npu::most_bytes},
      {"reference", reference::make},
      {"vulkan", [](const DeviceOptions& options) { return vulkan::make(options); }},
  };
  return all;
}

const Backend& backend(std::string_view name) {
  const auto found = std::ranges::find(backends(), name, &Backend::name);
  if (found == backends().end()) fail("unknown device \"{}\"; there are: {}", name, fmt::join(device_names(), ", "));
  return *found;
}

}  // namespace

std::unique_ptr<Device> make_device(std::string_view name, const DeviceOptions& options) { return backend(name).make(options); }

size_t most_bytes(std::string_view device, ops::OpKind op, Format format, const Shape& weight) {
  const Backend& found = backend(device);
  return found.most_bytes ? found.most_bytes(op, format, weight) : bytes_of(format, weight);
}

std::vector<std::string> device_names() {
  std::vector<std::string> names;
  for (const Backend& backend : backends()) names.push_back(backend.name);
  return names;
}

void add_backend(Backend backend) { backends().push_back(std::move(backend)); }

}  // namespace troika::device
