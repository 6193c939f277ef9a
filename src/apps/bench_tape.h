// One operation through a device's door, to be timed: a small tape makes its inputs, fills the cache behind which it
// works and holds the operation several times, each with weights and caches of its own, so that these come from memory
// and not from a cache of the processor. What a device is, nobody knows here: a new one needs no new code.
//
// Where a submission costs more than a short operation (DeviceInfo::is_handed_work), a call is a stretch of the tape with so
// many of them that this does not count. They write to the same place, so each waits for the one before, as in a step:
//
//   submission 0: copy 0, copy 1, … copy 7, copy 0, … | submission 1: copy 3, … |
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "apps/bench_report.h"
#include "device/device.h"
#include "ops/builder.h"

namespace troika::apps {

using PreparedWeights = std::vector<std::shared_ptr<device::Weight>>;  // by copy

struct TapeCase {
  int tokens = 1;     // of the step
  int sequences = 1;  // that these belong to, in equal parts
  int depth = 0;      // tokens of each sequence in the cache before
  int columns = 1;    // of the random input x [T, columns]
  int copies = 1;     // of the operation; calls take turns
  int kv_heads = 0, head_dim = 0;  // of each copy's cache; 0: the operation uses none
  Format cache = Format::f16;
  // Makes what the operation reads out of x, before any timing.
  std::function<std::vector<ops::Tensor>(ops::Builder&, ops::Tensor x)> inputs;
  // The operation. Its matrix is named "w", its cache has the copy's number.
  std::function<void(ops::Builder&, const std::vector<ops::Tensor>& in, int copy)> timed;
  const PreparedWeights* weights = nullptr;
};

class Tape {
 public:
  Tape(device::Device& device, const TapeCase& c);

  bool supported() const { return supported_; }  // else there is nothing to call
  int together() const { return together_; }     // operations in a call

  // Seconds of an operation: several samples that take about `seconds` together, after a call of each stretch.
  Spread time(double seconds);

 private:
  struct Range {
    size_t begin = 0, end = 0;  // ops
  };

  void make_program(const TapeCase& c);
  void lay_out();
  void fill_inputs(const TapeCase& c);
  void fill_caches(const TapeCase& c);
  void compile_calls(int copies);
  void compile_calls(int copies, int together);
  void call();  // the next stretch: submits it and waits
  bool is_supported() const;
  bool is_supported(const Range& range) const;
  void fill_activations();
  std::unique_ptr<device::Executable> compile(device::Device& device, size_t begin, size_t end) const;
  void place_tokens(ops::StepInputs& inputs, const TapeCase& c, int first_position, int each) const;

  device::Device& device_;
  ops::Program program_;
  ops::StepInputs inputs_{1, 1, 1, 1};
  std::vector<Range> timed_;  // operation by operation; copies take turns
  std::vector<size_t> offsets_;
  std::vector<std::shared_ptr<device::Weight>> weights_;
  std::vector<device::Cache> caches_;
  std::shared_ptr<device::Buffer> arena_;
  bool supported_ = false;
  std::vector<std::unique_ptr<device::Executable>> calls_;
  int together_ = 1;
  size_t next_ = 0;
};

// Samples of how long a call takes: each of as many calls as last seconds / 5, after `warm_up` calls or, where
// these are long, some seconds of them.
Spread time_calls(const std::function<void()>& call, double seconds, int warm_up);

}  // namespace troika::apps
