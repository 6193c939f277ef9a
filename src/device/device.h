// The door of a backend. A device holds weights and buffers and compiles a stretch of tape into something that
// can be submitted for ever. Everything a step changes reaches it through StepInputs.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ops/program.h"
#include "ops/step_inputs.h"
#include "tensor/format.h"

namespace troika::device {

struct DeviceInfo {
  std::string name;         // as the user names it: "cpu"
  std::string description;  // "AMD Ryzen 7 7840U, 8 cores, avx512"
  size_t memory_bytes = 0;
};

class Buffer {
 public:
  virtual ~Buffer() = default;
  virtual size_t size() const = 0;
  virtual std::byte* host() = 0;  // null when the host cannot see this memory
};

// A weight in the device's own layout; what it is, only the device knows.
class Weight {
 public:
  virtual ~Weight() = default;
};

struct HostRegion {
  std::byte* data = nullptr;
  size_t bytes = 0;
};

// Keys and values of one layer, [pages, G, P, D] each, in `format` (f16 or f32).
struct Cache {
  std::shared_ptr<Buffer> keys, values;
  Format format = Format::f16;
};

// Ops [begin, end) of a program, with everything they touch. The caller keeps `program` and `inputs` alive.
struct Segment {
  const ops::Program* program = nullptr;
  size_t begin = 0, end = 0;
  std::shared_ptr<Buffer> arena;                 // activations
  std::span<const size_t> offsets;               // of each tensor in the arena, by id (weights: unused)
  std::span<const std::shared_ptr<Weight>> weights;  // by tensor id, null for activations
  std::span<const Cache> caches;                 // by cache number
  const ops::StepInputs* inputs = nullptr;
};

class Executable {
 public:
  virtual ~Executable() = default;
  virtual void submit() = 0;  // reads the segment's StepInputs; allocates nothing
  virtual void wait() = 0;
};

class Device {
 public:
  virtual ~Device() = default;
  virtual const DeviceInfo& info() const = 0;
  virtual bool supports(const ops::Program& program, const ops::Op& op) const = 0;
  virtual std::shared_ptr<Buffer> allocate(size_t bytes) = 0;             // zeroed, 64-byte aligned; throws Error
  virtual std::shared_ptr<Buffer> import(HostRegion region) = 0;          // null when it cannot be shared
  virtual std::shared_ptr<Weight> prepare(const WeightView& view) = 0;    // repack once, at load
  virtual std::unique_ptr<Executable> compile(const Segment& segment) = 0;
};

struct DeviceOptions {
  int threads = 0;       // CPU: 0 for every physical core we may use
  bool float32 = false;  // compute in float32: no int8 activations
};

// One row per backend. Throws Error for an unknown name: it lists those there are.
std::unique_ptr<Device> make_device(std::string_view name, const DeviceOptions& options);
std::vector<std::string_view> device_names();

}  // namespace troika::device
