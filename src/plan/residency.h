// What lies where, under one memory budget: weights, keys and values, what a step works with, a vision tower, and what the
// system and its page cache keep. Devices hold weights in layouts of their own, so a matrix that two use lies there twice.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "plan/lane_costs.h"

namespace troika::plan {

struct Residency {
  std::vector<double> weights;  // bytes, by device of the machine
  std::vector<double> caches;   // bytes of one user, by device
  double tables = 0;            // of which a token reads one row: mapped, counted once
  double working = 0, tower = 0;
  int users = 1;

  double total() const;
};

// A placement of a step and the tape that it is of.
struct Placed {
  const ops::Program* program;
  std::span<const int> device_of_op;
};

// Weights lie on each device that uses them in any of the placements. `cache_bytes`: of one user, by cache number.
Residency residency_of(size_t devices, std::span<const Placed> placed, const Formats& formats,
                       std::span<const double> cache_bytes);

// "" or why it does not fit, with the numbers.
std::string refusal(const Residency& residency, const Hardware& machine);

std::string users_text(int users);  // "a user", "2 users"

// How many users' caches have room beside the rest; 0: not one.
int users_served(Residency residency, const Hardware& machine);

}  // namespace troika::plan
