// From a stretch of tape to launches for the thread pool: every pointer, size and kernel is settled here.
#pragma once

#include "device/cpu/thread_pool.h"
#include "device/device.h"
#include "kernels/kernel_table.h"

namespace troika::device::cpu {

// Where the kernels read a weight: matrices in panels or in the file's mapping, vectors, which are small, in a
// float32 copy. A row of an embedding is always read from the mapping. Panels may come between two steps (repack.h).
struct CpuWeight : Weight {
  WeightView view;            // keeps the mapping alive
  std::vector<float> floats;  // the copy of a vector, or empty
  Format format = Format::f32;
  const std::byte* data = nullptr;
  const kernels::PanelFormat* panel = nullptr;  // null: not repacked
  std::shared_ptr<Buffer> panels;               // one panel behind the other
};

// What products with a weight are computed in.
inline kernels::Arithmetic arithmetic_of(const kernels::KernelTable& table, Format format, bool float32) {
  return float32 ? kernels::Arithmetic::float32 : table.find(format).fast;
}

struct CompileOptions {
  const kernels::KernelTable* kernels = nullptr;
  int threads = 1;
  bool float32 = false;
};

struct Compiled {
  std::vector<Launch> launches;
  std::vector<std::shared_ptr<void>> keep;  // all that the launches point at, but the program and StepInputs
};

Compiled compile(const Segment& segment, const CompileOptions& options);

}  // namespace troika::device::cpu
