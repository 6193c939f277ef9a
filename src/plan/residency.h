// What lies where, under one memory budget: weights, keys and values, what a step works with, a vision tower, and what the
// system and its page cache keep. Devices hold weights in layouts of their own, so a matrix that two use lies there twice; a
// second lane has weights and a cache of its own (docs/lanes.md).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "plan/lane_costs.h"

namespace troika::plan {

// What one lane takes.
struct LaneBytes {
  std::vector<double> weights;  // by device of the machine
  std::vector<double> caches;   // of one text, by device
  double working = 0;           // of a step

  double on(size_t device, int texts) const;
  double total(int texts) const;
};

struct Residency {
  LaneBytes main;
  std::optional<LaneBytes> side;  // of the second lane, which has room for one prompt
  double tables = 0;              // of which a token reads one row: mapped, counted once
  double tower = 0;
  int users = 1;

  double total() const;
  double weights_on(size_t device) const;  // of both lanes
};

// A placement of a step and the tape that it is of.
struct Placed {
  const ops::Program* program;
  std::span<const int> device_of_op;
};

// Weights lie on each device that uses them in any of the placements. `cache_bytes`: of one text, by cache number.
LaneBytes bytes_of_lane(std::span<const DeviceCosts> devices, std::span<const Placed> placed, const Formats& formats,
                        std::span<const double> cache_bytes);
// Of tables that are no device's weights.
double table_bytes(std::span<const Placed> placed, const Formats& formats);

// "" or why it does not fit, with the numbers.
std::string refusal(const Residency& residency, const Hardware& machine);

std::string users_text(int users);  // "a user", "2 users"

// How many users' caches have room beside the rest; 0: not one.
int users_served(Residency residency, const Hardware& machine);

}  // namespace troika::plan
