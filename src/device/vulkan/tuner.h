// Which of the kernels that give a product the same bits is the fastest on the GPU at hand: measured when a bucket is
// compiled, the costliest products first, as long as a start may take for it. What is not measured is left to a rule; what is
// is kept for the next start (measured.h).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "device/vulkan/context.h"
#include "device/vulkan/measured.h"

namespace troika::device::vulkan {

// A kernel of a product.
struct Candidate {
  PipelineKey pipeline;
  std::array<uint32_t, 3> groups;
};

std::string name_of(const PipelineKey& pipeline);

// A product, and who may compute it.
struct Trial {
  std::string product;  // all that its time depends on, besides the GPU
  std::vector<Candidate> candidates;  // the rule's first
  uint64_t work = 0;  // multiplications, of all layers
  std::vector<std::vector<std::byte>> pushes;  // of each layer: so weights come from memory, as in a step
};

// How long each candidate takes, in seconds, and what time it is.
struct Stopwatch {
  std::function<std::vector<double>(const Trial& trial)> seconds;
  std::function<double()> now;
};
Stopwatch stopwatch_of(std::shared_ptr<Context> context);  // nothing else may be submitted while it measures

class Tuner {
 public:
  Tuner(std::shared_ptr<MeasuredFile> file, Stopwatch stopwatch, double seconds = 2);  // of this start, in all

  void measure(std::vector<Trial> trials);  // those that are not known
  // The number of the candidate that was the fastest, where that is known.
  std::optional<size_t> find(const std::string& product, std::span<const Candidate> candidates) const;

 private:
  void measure_one(const Trial& trial);
  const std::shared_ptr<MeasuredFile> file_;
  const Stopwatch stopwatch_;
  double seconds_left_;
};

// Of candidates that took so long: the fastest, or the first where no other is faster by more than what times vary.
size_t fastest(std::span<const double> seconds);

}  // namespace troika::device::vulkan
