// Which device runs which op, and the stretches of tape that follow from it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "device/device.h"
#include "ops/program.h"

namespace troika::plan {

// Device number per op: the first device of the list that supports it. Throws Error naming an op that none does.
std::vector<int> place(const ops::Program& program, std::span<device::Device* const> devices);

struct Stretch {
  int device;
  size_t begin, end;  // ops
};

// Cuts the tape where the device changes.
std::vector<Stretch> cut(std::span<const int> device_of_op);

}  // namespace troika::plan
