// Which device runs which op, and the stretches of tape that follow from it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "device/device.h"
#include "ops/program.h"
#include "plan/pins.h"

namespace troika::plan {

// In order of preference; their numbers are places in this list.
using Devices = std::span<const std::unique_ptr<device::Device>>;

// Whether a device has a weight, or would take it.
using Holds = std::function<bool(int device, std::string_view weight)>;
inline bool holds_all(int, std::string_view) { return true; }

// Device number per op: of the devices that support it and hold its weights, where it is pinned or else the first. Ops of
// one cache stay together, and a pin of one of them takes the others along. Throws Error naming an op that no device runs,
// that its pin's device does not, or about which pins contradict each other.
std::vector<int> place(const ops::Program& program, Devices devices, const Pins& pins = {}, const Holds& holds = holds_all);

// The tape with ops fused where their parts are placed together on a device that has the fused op; `placement` follows.
ops::Program fuse_placed(const ops::Program& program, Devices devices, std::vector<int>& placement);

// Device number per cache: that of the ops which read and write it; 0 for a cache that none does.
std::vector<int> devices_of_caches(const ops::Program& program, std::span<const int> placement);

// "vulkan: 310 ops, npu: 48 products, cpu: nothing"; a device that is alone is named and no more.
std::string summary(const ops::Program& program, std::span<const int> placement, Devices devices);

struct Stretch {
  int device;
  size_t begin, end;  // ops
};

// Cuts the tape where the device changes.
std::vector<Stretch> cut(std::span<const int> device_of_op);

}  // namespace troika::plan
