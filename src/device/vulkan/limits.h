// What a GPU can do, measured by shaders that do nothing else (shaders/limit_*.comp).
#pragma once

#include "device/limits.h"
#include "device/vulkan/context.h"

namespace troika::device::vulkan {

// Some tenths of a second; throws Error when the GPU has no memory for it.
Limits measure_limits(const std::shared_ptr<Context>& context);

}  // namespace troika::device::vulkan
