// Walking one tape on two devices, op by op.
#pragma once

#include <filesystem>
#include <functional>
#include <span>
#include <string>

#include "engine/engine.h"

namespace troika::engine {

struct OpDifference {
  std::string op;      // as the tape prints it
  double error = 0;    // ‖a − b‖ / ‖b‖ over the live rows
  float worst_a = 0, worst_b = 0;  // the element that differs most
  double rounding = 0;             // an error up to this is the doing of the number formats of the caches that it read
};

// Runs `prompt` as one step on both devices. Each op gets the inputs that the second device (`with`) computed, so
// that errors do not add up; `report` is called after each op that has a result.
void compare_devices(const std::filesystem::path& path, const EngineOptions& a, const EngineOptions& b,
                     std::span<const int32_t> prompt, const std::function<void(const OpDifference&)>& report);

}  // namespace troika::engine
