// One step: fills StepInputs from the scheduler's work, replays the smallest bucket that holds it, and gives the
// logits. A bucket's program is traced, planned and compiled on first use; after that nothing is allocated. Where a tape goes
// through several devices, a large step goes as two micro-batches, so that these devices work at the same time.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "device/device.h"
#include "engine/model.h"
#include "engine/relay.h"
#include "engine/scheduler.h"
#include "ops/step_inputs.h"

namespace troika::engine {

class Step {
 public:
  // `context`: tokens per sequence; `pages`: cache pages to allocate, by page group; `drawable`: ids that may be drawn.
  Step(const Model& model, int sequences, int context, std::span<const int> pages, int drawable);

  // Another slice of the model, whose number is how many there were before: 0 is the model's own.
  void add_slice(models::ModelSpec slice) { slices_.push_back({std::move(slice), {}}); }
  size_t slices() const { return slices_.size(); }

  // Makes one page like another, and brings one to and from the host: its layers' keys and values, one after another.
  // Only where the host sees the device's memory.
  bool can_copy_pages() const;
  void copy_page(const PageCopy& copy);
  void read_page(int group, int32_t page, std::span<std::byte> out) const;
  void write_page(int group, int32_t page, std::span<const std::byte> in);

  // Compiles what run() needs for this work, where that was not done yet; run() does it too.
  void prepare(std::span<const Work> work);
  // Computes the work, all of one slice. Row r of the result, [V] each, belongs to the r-th output in the order of
  // `work`.
  // `meanwhile` is called once, when the longest stretch has begun.
  void run(std::span<const Work> work, const std::function<void()>& meanwhile = {});
  // The most likely tokens of a row; null where the device does not find them, or the row is wanted whole.
  const device::TopLogits* top(int row) const;
  std::span<const float> logits(int row);  // brought from the device now if it was not wanted
  std::span<const float> states(int row) const;  // [E]: what the logits were made of, after the last norm; if wanted

 private:
  // What the tapes of a (micro-)batch are compiled with.
  struct Batch {
    ops::StepInputs inputs;
    std::shared_ptr<const Arenas> arenas;  // null: nothing is compiled yet
  };
  struct Compiled {
    Tape tape;
    std::vector<size_t> offsets;
    std::unique_ptr<Relay> relay;
  };
  struct Slice {
    models::ModelSpec spec;
    std::array<std::unique_ptr<Compiled>, std::size(kBuckets)> buckets;
    std::unique_ptr<Compiled> second;  // of kMicroBatch once more, for the second micro-batch
  };
  // What runs, or ran last: one batch or two.
  struct Part {
    Compiled* compiled = nullptr;
    Batch* batch = nullptr;
    int first = 0, end = 0;          // its rows of the step
    const float* logits = nullptr;  // [outputs, V]
    const float* states = nullptr;  // [outputs, E]: what the logits were made of, after the last norm
  };

  std::vector<std::span<std::byte>> parts_of_page(int group, int32_t page) const;
  void choose_parts(std::span<const Work> work);
  void fill(const Part& part, std::span<const Work> work);
  void show(ops::StepInputs& inputs, int t, const Sequence& sequence, int position) const;
  Compiled& bucket(Slice& slice, int tokens, int outputs);
  std::unique_ptr<Compiled> compile(const models::ModelSpec& slice, int tokens, Batch& batch) const;
  std::pair<const Part&, int> locate(int row) const;  // where an output row is, and its number there

  const Model& model_;
  std::vector<ops::CacheInfo> cache_infos_;
  std::vector<device::Cache> caches_;  // beside their infos
  std::vector<Batch> batches_;         // a second one where there are several devices; they stay where they are
  std::vector<Slice> slices_;
  std::array<Part, 2> parts_;
  int parts_used_ = 0;
};

// Bytes that a page of one layer's keys (or of its values) takes, and a page of a group: its layers' keys and values.
using device::cache_page_bytes;
size_t page_bytes(const ops::Program& program, int group, Format format);

}  // namespace troika::engine
