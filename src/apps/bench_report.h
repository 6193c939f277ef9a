// What the three parts of troika bench share: `bench MODEL` (bench.cpp), `bench limits` and `bench ops`. A speed is the
// spread of several runs, given as a share of the least time that this machine allows: the bytes that a computation
// must move over the measured bandwidth, or its operations over the measured peak.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/machine_limits.h"
#include "tensor/format.h"

namespace CLI {
class App;
}

namespace troika::apps {

void add_bench_limits(CLI::App& bench);
void add_bench_ops(CLI::App& bench);
void add_bench_serve(CLI::App& bench);
void add_bench_calibrate(CLI::App& bench);

// Several measurements of one thing.
struct Spread {
  std::vector<double> runs;  // in order of time; at least one

  double median() const;
  double least() const;
  double most() const;
};

// What computing something takes at the least.
struct Cost {
  double bytes = 0;      // that must come from memory
  double int8 = 0;       // operations of matrix products on bytes
  double bits16 = 0;     // of those on 16 bits (device/limits.h)
  double fp32 = 0;       // and of those on floats
  double attention = 0;  // of attention, on floats too

  Cost& operator+=(const Cost& other);
  double& products(kernels::Arithmetic arithmetic);
  double operations() const { return int8 + bits16 + fp32 + attention; }
};

// The shortest time that the limits allow: memory and arithmetic go on at the same time, so the longer of the two.
struct Floor {
  double memory_s = 0, arithmetic_s = 0;
  bool by_memory() const { return memory_s >= arithmetic_s; }
  double seconds() const { return by_memory() ? memory_s : arithmetic_s; }  // 0: no limit is known
  const char* bound() const { return by_memory() ? "memory" : "arithmetic"; }
};

// Of the CPU, where `device` computes on it, else those that the device itself measures, if it does.
using KnownLimits = std::optional<Limits>;
KnownLimits limits_of(std::string_view device, int threads, std::string_view isa);
KnownLimits own_limits_of(std::string_view device);  // those that it measures itself

// Throws Error where a device of that option's list is simulated.
void refuse_simulated(std::string_view option, std::string_view devices);

// What a device multiplies with weights of a format in. `isa`: of the CPU's kernels.
kernels::Arithmetic arithmetic_of(std::string_view device, std::string_view isa, Format format);

Floor floor_of(const Cost& cost, const KnownLimits& limits);

nlohmann::ordered_json to_json(const KnownLimits& limits);
nlohmann::ordered_json to_json(const Spread& spread);  // median, min, max, runs
std::string to_text(const KnownLimits& limits);        // a line

// Processor, cores and their threads in use, operating system: what a figure is worth nothing without.
nlohmann::ordered_json machine_json();

}  // namespace troika::apps
