// A tape on several devices: each of its stretches runs on its own device, which hands on what the next ones read. Where
// devices share memory nothing is copied; where they do not, the tensors that cross are. Stretches that do not touch the same
// bytes run at the same time.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "device/device.h"
#include "engine/held_weights.h"
#include "plan/segments.h"

namespace troika::engine {

// Activations, by device: one stretch of the host's memory for all that can share it, and memory of their own for the others.
// A tensor has the same offset in all. With one device it is simply that one's memory.
class Arenas {
 public:
  Arenas(plan::Devices devices, size_t bytes);  // throws Error when there is no room
  size_t bytes() const { return bytes_; }
  const std::shared_ptr<device::Buffer>& of(int device) const { return buffers_[size_t(device)]; }

 private:
  const size_t bytes_;
  std::shared_ptr<device::Buffer> host_;  // outlives those that share it
  std::vector<std::shared_ptr<device::Buffer>> buffers_;
};

// What a tape's ops touch; all of it outlives who runs it.
struct Surroundings {
  std::span<const size_t> offsets;  // in the arenas, by tensor id
  plan::Devices devices;
  const HeldWeights* weights = nullptr;
  std::shared_ptr<const Arenas> arenas;
  std::span<const device::Cache> caches;
  const ops::StepInputs* inputs = nullptr;
  bool is_idle = false;  // as device::Segment has it
};

class Relay {
 public:
  // Compiles ops [begin, end) of a tape that outlives this. Throws DeviceLost with the device's number, as run() and fetch() do.
  Relay(const Tape& tape, const Surroundings& around, size_t begin, size_t end);

  // `meanwhile` is called once, when the longest stretch has begun.
  void run(const std::function<void()>& meanwhile = {});

  // Two micro-batches of one step through the same tape, each with inputs and an arena of its own: while one is in a stretch of
  // the first device of the list that has any, the other is in those of other devices before it or behind it (a pipeline as
  // in Y. Huang et al., "GPipe", arXiv:1811.06965). The first is always ahead: what it put in the caches the second finds.
  static void run_both(Relay& first, Relay& second, const std::function<void()>& meanwhile = {});

  // Whether a second device has so much of the tape that it is worth its while to run both: one op in a hundred.
  bool shares_work() const { return shares_work_; }

  // Where the host reads a result of the program.
  const float* values(ops::Tensor t) const;
  const device::TopLogits* top(int row) const;  // as Executable has them
  void fetch(int row);

 private:
  struct Bytes {
    const std::byte *begin, *end;
  };
  struct Crossing {
    const ops::TensorInfo* tensor;
    const std::byte* from;
    std::byte* to;
  };
  struct Leg {
    int device;
    size_t ops;
    std::unique_ptr<device::Executable> work;
    std::vector<Crossing> crossings;  // before it begins
    std::vector<size_t> behind;       // of these legs, which end before it begins
    std::vector<Bytes> reads, writes;
    bool is_running = false;
  };

  Bytes bytes_of(ops::Tensor t, int device) const;
  Leg leg_of(const plan::Stretch& stretch);
  void find_phases();
  void order(Leg& leg) const;
  void begin(Leg& leg);
  void begin(size_t phase, Relay& other);
  void bring(const Leg& leg) const;
  void finish(Leg& leg);
  void finish();
  void leave(int device);
  void abandon();

  const Tape& tape_;
  const Surroundings around_;
  std::vector<int> made_by_;  // device number, by tensor id
  std::vector<std::vector<std::shared_ptr<device::Weight>>> weights_;  // by device and tensor id; empty: none of its ops here
  std::set<std::pair<uint32_t, const std::byte*>> brought_;  // tensors, and where to
  std::vector<Leg> legs_;
  int front_ = 0;  // the first device that has any
  bool shares_work_ = false;
  std::vector<std::pair<size_t, size_t>> phases_;  // legs [begin, end): one of the front device, or those between two of it
  size_t longest_ = 0;  // the leg of most ops
};

}  // namespace troika::engine
