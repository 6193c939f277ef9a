// The arguments of a run as the array sees them: addresses, bounds, and a bandwidth that all channels share.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "npu/cost/calibration.h"
#include "npu/sim/agent.h"
#include "npu/sim/clock.h"
#include "npu/sim/host_buffer.h"

namespace troika::npu::sim {

class HostMemory {
 public:
  HostMemory(Clock& clock, Races& races, const Calibration& calibration);

  void set_arguments(std::span<HostBuffer* const> arguments);

  // Where an argument's byte is in the device's addresses. Throws Fault when there is no such argument.
  uint64_t address(uint32_t argument, uint32_t offset) const;

  // Moves words at a device address. Throws Fault for what is out of bounds or not synchronised.
  void read(const Agent& who, uint64_t address, std::span<uint32_t> out);
  void write(const Agent& who, uint64_t address, std::span<const uint32_t> in);

  // Says which bytes a transfer is about to visit. Throws Fault where they are raced for.
  void announce(const Agent& who, uint64_t address, uint64_t bytes, bool writes);

  // The cycle at which so many bytes will have passed, if asked for now.
  uint64_t reserve(uint64_t bytes, bool writes);

  uint64_t bytes_read() const { return read_.bytes; }
  uint64_t bytes_written() const { return written_.bytes; }

 private:
  struct Place {
    size_t argument = 0, offset = 0;
  };
  Place locate(const Agent& who, uint64_t address, uint64_t bytes) const;

  struct Lane {
    double bytes_per_cycle = 1;
    double free_at = 0;
    uint64_t bytes = 0;
  };
  Clock& clock_;
  Races& races_;
  std::vector<HostBuffer*> arguments_;
  std::vector<int> memories_;  // of the race detector, by argument
  Lane read_, written_;
};

}  // namespace troika::npu::sim
