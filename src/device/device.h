// The door of a backend. A device holds weights and buffers and compiles a stretch of tape into something that
// can be submitted for ever. Everything a step changes reaches it through StepInputs.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "device/limits.h"
#include "ops/program.h"
#include "ops/step_inputs.h"
#include "tensor/format.h"

namespace troika::device {

struct DeviceInfo {
  std::string name;         // as the user names it: "cpu"; where that would mislead, with what it is
  std::string description;  // "AMD Ryzen 7 7840U, 8 cores, avx512"
  size_t memory_bytes = 0;
  bool has_own_memory = false;  // on a card: what lies there takes none of the system's
  std::optional<size_t> free_bytes;  // of its memory, when it last prepared something; nothing: all that the system has
  size_t weight_bytes = 0;  // of prepared weights in memory of their own; the others stay where the file is mapped
  size_t bytes_put_off = 0;  // of these, what settle() has not taken yet
  bool is_handed_work = false;  // by the host, each submission for some tens of microseconds: more than a short op takes
  bool is_simulated = false;    // its speed says nothing of the real one's
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

// What ops do with a weight. Said to do both, it serves all and takes the most memory.
struct WeightUse {
  bool multiplied = true;  // read whole, again and again: worth a layout of its own
  bool looked_up = true;   // row by row, as a table
};

struct HostRegion {
  std::byte* data = nullptr;
  size_t bytes = 0;
};

// Keys and values of one layer in pages of P tokens, in `format`. Lanes of a vector are tokens where keys are
// multiplied with a query, and D where values are summed up; so the two lie differently:
//
//   f32, f16   keys [pages, G, D, P]                        values [pages, G, P, D]
//   q8_0       keys [pages, G, { int8 [D, P], f16 [D/32, P] }]    values [pages, G, { int8 [P, D], f16 [P, D/32] }]
//   q4_0       keys [pages, G, { byte [D/32, 16, P], f16 [D/32, P] }]
//              values [pages, G, { byte [P, D/32, 16], f16 [P, D/32] }]
//
// A scale of q8_0 or q4_0 belongs to one token and 32 values of D, which is a multiple of 32 there. q8_0: value = int8 ·
// scale, scale = largest magnitude / 127. q4_0: value = (nibble − 8) · scale, scale = value of largest magnitude / −8; byte
// i of 16 has value i in its low nibble and value i + 16 in its high one, so no byte is two tokens'. A head of q4_0 is
// rotated first (tensor/rotation.h).
struct Cache {
  std::shared_ptr<Buffer> keys, values;
  Format format = Format::f16;
};

// Bytes of one page of the keys, or of the values.
inline size_t cache_page_bytes(const ops::CacheInfo& cache, Format format) {
  return size_t(cache.kv_heads) * ops::kPageTokens * row_bytes(format, cache.head_dim);
}

// Ops [begin, end) of a program, with everything they touch. The caller keeps `program` and `inputs` alive.
struct Segment {
  const ops::Program* program = nullptr;
  size_t begin = 0, end = 0;
  std::shared_ptr<Buffer> arena;                 // activations
  std::span<const size_t> offsets;               // of each tensor in the arena, by id (weights: unused)
  std::span<const std::shared_ptr<Weight>> weights;  // by tensor id, null for activations
  std::span<const Cache> caches;                 // by cache number
  const ops::StepInputs* inputs = nullptr;
  bool is_idle = false;  // nothing in the arena is needed yet: a device may compute there to learn how long something takes
};

// The device does not answer any more, or has no memory to go on with: whoever used it goes on with another one, and
// reads nothing that it held.
class DeviceLost : public Error {
 public:
  using Error::Error;
  int device = 0;  // its number in the list of whoever used several
};

// What a device found of a row of logits: the most likely tokens, of equal ones the lower id first, and what the weights
// of all add up to, within 1 part in 10,000. Those that are no numbers count for nothing.
struct TopLogit {
  int32_t id;
  float logit;
};
inline constexpr int kTopLogits = 128;  // so that a usual top-k, Gemma's is 64, is told from what comes behind it
struct TopLogits {
  float sum;           // Σ e^(logit - largest)
  float drawable_sum;  // Σ e^((logit - largest of these) · factor) of drawable tokens, with the step's factor
  int32_t count;       // listed: kTopLogits, or all that there are
  int32_t all_numbers; // 0: there are some that are none
  TopLogit largest[kTopLogits];

  std::span<const TopLogit> listed() const { return {largest, size_t(count)}; }
};

// A device that cannot be had on this machine, or not now; others can do its work.
class DeviceAbsent : public Error {
 public:
  using Error::Error;
};

class Executable {
 public:
  virtual ~Executable() = default;
  virtual void submit() = 0;  // reads the segment's StepInputs; allocates nothing; throws DeviceLost, as wait() does
  virtual void wait() = 0;
  // Where the host reads a result of the program (its logits or states) after wait(), if not in the arena, which it may
  // read slowly; null: there. Only rows that StepInputs::wanted asks for whole are sure to be there.
  virtual const std::byte* result(ops::Tensor) const { return nullptr; }
  // Of row `row` of the logits, unless they are wanted whole; null: the device does not look for them.
  virtual const TopLogits* top(int /*row*/) const { return nullptr; }
  // Brings a row of logits that was not wanted to where result() says. After wait(), before the next submit().
  virtual void fetch(int /*row*/) {}
};

class Device {
 public:
  virtual ~Device() = default;
  virtual const DeviceInfo& info() const = 0;
  virtual bool supports(const ops::Program& program, const ops::Op& op) const = 0;
  virtual std::shared_ptr<Buffer> allocate(size_t bytes) = 0;             // zeroed, 64-byte aligned; throws Error
  // The same bytes for host and device, of whole pages that the caller keeps alive; null when they cannot be shared.
  virtual std::shared_ptr<Buffer> import(HostRegion region) = 0;
  // Brings a weight into the device's layout, once, at load. Null: it declines a weight that another device serves better,
  // which one that supports every op must not. Not while something is submitted; throws Error.
  virtual std::shared_ptr<Weight> prepare(const WeightView& view, WeightUse use) = 0;
  // Not while something is submitted. Writes to the arena of an idle segment, when it measures (DeviceOptions::tune).
  virtual std::unique_ptr<Executable> compile(const Segment& segment) = 0;
  // Does a part, some milliseconds long, of what prepare() put off for the sake of a quick start. Steps are faster behind
  // it and give the same bits. False: nothing is left. Like prepare(), not while something is submitted; throws Error.
  virtual bool settle() { return false; }
  // Lets that share of the host's threads compute, at least one of them, until told otherwise; the bits are the same. Between
  // submissions. A device without such threads goes on as before.
  virtual void limit_threads(double /*share*/) {}
  // Measures what this device can do, in a few seconds, while nothing is submitted; nothing: it does not measure that.
  virtual std::optional<Limits> measure_limits() { return std::nullopt; }
};

struct DeviceOptions {
  int threads = 0;       // CPU: 0 for every physical core we may use
  bool float32 = false;  // compute in float32: no int8 activations
  bool halves = false;   // a GPU: compute in halves on the matrix unit instead of in int8
  std::string isa;       // CPU: the instruction set of its kernels, "avx2"; "": the fastest
  bool repack = true;    // CPU: copy matrices into panels where memory allows; else they are read in place
  size_t file_bytes = 0;  // of the files that weights will be prepared from; 0: unknown
  size_t weight_bytes = 0;  // that the device will prepare in its own layout, at most (most_bytes()); 0: unknown
  bool tune = false;     // GPU: measure which kernels are the fastest and how much fits a submission; the bits are the same
  bool pin = true;       // CPU: keep threads on their cores, where they have the whole machine
};

// Throws Error for an unknown name: it lists those there are; and DeviceAbsent.
std::unique_ptr<Device> make_device(std::string_view name, const DeviceOptions& options);
std::vector<std::string> device_names();

// Another backend, for plug-ins and tests. Before anything is loaded.
struct Backend {
  std::string name;
  std::function<std::unique_ptr<Device>(const DeviceOptions& options)> make;
  std::function<size_t(ops::OpKind, Format, const Shape&)> most_bytes = {};  // null: as many as in the file
};
void add_backend(Backend backend);

// Bytes that a weight which such an op reads takes at most in the layout of the device of that name, before it is opened. 0:
// it does not hold it.
size_t most_bytes(std::string_view device, ops::OpKind op, Format format, const Shape& weight);

}  // namespace troika::device
