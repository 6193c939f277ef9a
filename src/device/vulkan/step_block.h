// The step's inputs where shaders read them (shaders/lib/step.glsl draws the block): written by the host before each
// submission, only what is live.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "device/vulkan/context.h"
#include "ops/step_inputs.h"

namespace troika::device::vulkan {

class StepBlock {
 public:
  StepBlock(Context& context, const ops::StepInputs& inputs);

  VkDeviceAddress address() const { return buffer_->address(); }
  // Cosines and sines of a table's angles at the step's positions, [T, D/2] pairs of floats: computed by the host, whose
  // sines are exact enough for long contexts. The table is kept.
  VkDeviceAddress angles(const std::shared_ptr<const ops::RopeTable>& table);
  // From now on all rows of features are uploaded, not only those that stand in for a token's embedding.
  void read_all_features() { all_features_ = true; }
  void upload();  // once a step, where steps are counted
  // Until the next upload only this output row's logits are wanted.
  void want_only(int row);

 private:
  struct Angles {
    std::shared_ptr<const ops::RopeTable> table;
    std::shared_ptr<GpuBuffer> buffer;
  };
  // Room for `count` values, as an offset into the block.
  size_t place(size_t count);
  std::byte* at(size_t offset) { return buffer_->host() + offset; }
  void upload_pages();
  void upload_features();
  void upload_angles(const Angles& angles);

  Context& context_;
  const ops::StepInputs& inputs_;
  size_t bytes_ = 0;
  size_t token_ids_, positions_, sequences_, run_first_, run_last_, output_rows_, wanted_, page_table_;
  size_t feature_rows_, features_;
  size_t span_begin_[ops::kSpanKinds], span_end_[ops::kSpanKinds];
  std::shared_ptr<GpuBuffer> buffer_;
  std::vector<Angles> angles_;
  bool all_features_ = false;
  uint64_t uploaded_ = 0;  // StepInputs::number
};

}  // namespace troika::device::vulkan
