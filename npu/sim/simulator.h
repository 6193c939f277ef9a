// The array, simulated from its design: cores, channels, locks, streams, memories and the host's memory, moved by the very
// instruction words that a real one would get. Kernels are the real ones, compiled for the host. Time is counted in cycles
// of a simple model (cost/calibration.h): good for comparing designs, not a promise.
//
// It does not simulate: how streams are routed, memory banks, and the controller's own time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "npu/cost/calibration.h"
#include "npu/design/spec.h"
#include "npu/kernels/catalogue.h"
#include "npu/sim/fault.h"
#include "npu/sim/host_buffer.h"

namespace troika::npu::sim {

struct Report {
  uint64_t cycles = 0;         // from the first operation to the last token
  double seconds = 0;          // these, and the launch
  uint64_t bytes_read = 0;     // from the host's memory
  uint64_t bytes_written = 0;
  uint64_t kernel_calls = 0;
};

struct Options {
  Calibration calibration;
  const kernels::Kernel* (*find_kernel)(std::string_view name) = kernels::find;
};

class Array;

class Simulator {
 public:
  // Configures the array. Throws Error with the first violation, if the checker finds any.
  explicit Simulator(const DesignSpec& design, const Options& options = {});
  ~Simulator();

  // Carries out a stream to its end. Throws Fault; the array is then dead, as a real context would be.
  Report run(std::span<const uint32_t> stream, std::span<HostBuffer* const> arguments);

 private:
  std::unique_ptr<Array> array_;
  bool dead_ = false;
};

}  // namespace troika::npu::sim
