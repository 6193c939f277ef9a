// Commands, recorded once and replayed for ever: dispatches, with a barrier wherever one reads or overwrites what an
// earlier one touched, and nowhere else. Long ones are cut into several submissions, between which the desktop may draw,
// and none of which is long enough for the system to take the GPU for hung.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "device/vulkan/context.h"

namespace troika::device::vulkan {

// A stretch of GPU memory.
struct Range {
  VkDeviceAddress begin = 0;
  size_t bytes = 0;
};
inline bool overlap(const Range& a, const Range& b) { return a.begin < b.begin + b.bytes && b.begin < a.begin + a.bytes; }

struct Dispatch {
  PipelineKey pipeline;
  std::span<const std::byte> push;  // up to 128 bytes
  std::array<uint32_t, 3> groups{1, 1, 1};
  std::vector<Range> reads{}, writes{};  // of memory that other dispatches write or read; weights need no mention
  uint64_t work = 0;                     // about how many multiplications, where they are many
};

// What a dispatch is told, by its shader's own struct.
template <typename Push>
std::span<const std::byte> bytes_of(const Push& push) {
  static_assert(std::is_trivially_copyable_v<Push> && sizeof(Push) <= 128);
  return std::as_bytes(std::span(&push, 1));
}

class Recorder {
 public:
  // most_work: of one submission, unless a single dispatch is more.
  Recorder(std::shared_ptr<Context> context, uint64_t most_work);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  void dispatch(const Dispatch& d);
  // Records all of it, once the shaders that it takes are compiled, together; behind it only submit() and wait().
  void end();

  void submit();  // what the host wrote before is seen
  void wait();    // what was computed is seen by the host

  int dispatches() const { return dispatches_; }
  int barriers() const { return barriers_; }
  int submissions() const { return static_cast<int>(commands_.size()); }  // behind end()

 private:
  // What end() makes a command of.
  struct Waiting {
    PipelineKey pipeline;
    std::vector<std::byte> push;
    std::array<uint32_t, 3> groups;
    bool begins_submission, behind_barrier;
  };
  void begin();
  void record(const Waiting& d);
  void barrier();
  VkCommandBuffer commands() const { return commands_.back(); }

  const std::shared_ptr<Context> context_;
  const uint64_t most_work_;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  std::vector<VkCommandBuffer> commands_;  // one a submission
  VkFence fence_ = VK_NULL_HANDLE;
  std::vector<Waiting> waiting_;
  std::vector<Range> read_, written_;  // since the last barrier
  int dispatches_ = 0, barriers_ = 0;
  uint64_t work_ = 0;  // of the last submission
  bool submitted_ = false;
};

}  // namespace troika::device::vulkan
