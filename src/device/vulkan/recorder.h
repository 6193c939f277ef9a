// Commands, recorded once and replayed for ever: dispatches, with a barrier wherever one reads or overwrites what an
// earlier one touched, and nowhere else; or none even there, if it waits by itself (chain.h). Long ones are cut into several
// submissions, between which the desktop may draw, and none of which is long enough for the system to take the GPU for hung.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "device/vulkan/chain.h"
#include "device/vulkan/context.h"
#include "device/vulkan/pace.h"

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
  bool can_wait = false;                 // its shader waits by itself where it is told to (chain.h)
  std::string what{};                    // it does, besides its shader's name, for people
};

// What a dispatch is told, by its shader's own struct.
template <typename Push>
std::span<const std::byte> bytes_of(const Push& push) {
  static_assert(std::is_trivially_copyable_v<Push> && sizeof(Push) <= 128);
  return std::as_bytes(std::span(&push, 1));
}

class Recorder {
 public:
  enum class Timed : uint8_t { no, submissions, each };  // each: dispatch, as a submission of its own
  // most_work: of one submission, unless a single dispatch is more. Timed: where the GPU keeps time.
  Recorder(std::shared_ptr<Context> context, uint64_t most_work, Timed timed = Timed::no);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  void dispatch(const Dispatch& d);
  // Records all of it, once the shaders that it takes are compiled, together; behind it only submit() and wait().
  void end();

  void submit();  // what the host wrote before is seen
  void wait();    // what was computed is seen by the host
  bool waited_in_vain() const { return chain_.waited_in_vain(); }  // behind it: what was computed is wrong
  void use_barriers();  // from the next submit() on, instead of a chain
  // Cuts all anew, between wait() and submit(); false: that changes nothing.
  bool cut_again(uint64_t most_work);

  int dispatches() const { return static_cast<int>(dispatches_.size()); }
  int barriers() const { return barriers_; }
  int submissions() const { return static_cast<int>(commands_.size()); }  // behind end()
  uint64_t most_work() const { return most_work_; }  // that they were cut for
  std::string name(size_t dispatch) const;
  // How long they took, behind wait(); empty: they are not timed.
  std::span<const Submission> timed() const { return timed_; }

 private:
  // What is recorded for a dispatch.
  struct Command {
    PipelineKey pipeline;
    std::vector<std::byte> push;
    std::array<uint32_t, 3> groups;
    bool follows;  // it needs what others made, or overwrites what they read
    uint64_t work;
    bool can_wait;
    size_t link;
    std::string what;
  };
  std::vector<size_t> cuts(uint64_t most_work) const;
  void record();
  void record_again();
  void record(Command& d);
  VkResult wait_for_fence();
  void begin_submission();
  void end_submission();
  void barrier();
  void make_stamps(size_t submissions);
  void stamp();  // the time when all before it is done
  void read_stamps();
  VkCommandBuffer commands() const { return commands_.back(); }

  const std::shared_ptr<Context> context_;
  uint64_t most_work_;  // that all was cut for
  const Timed timed_as_;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  std::vector<VkCommandBuffer> commands_;  // one a submission
  VkFence fence_ = VK_NULL_HANDLE;
  VkQueryPool stamps_ = VK_NULL_HANDLE;  // where each submission begins and ends
  uint32_t stamped_ = 0;
  std::vector<Submission> timed_;
  std::vector<Command> dispatches_;
  std::vector<size_t> begins_;  // of submissions
  std::vector<Range> read_, written_;  // since the last link began
  int barriers_ = 0;
  Chain chain_;
  bool submitted_ = false;
  std::chrono::steady_clock::time_point submitted_at_;
  std::chrono::nanoseconds took_{0};  // the last time, from submit() to the end of wait()
};

}  // namespace troika::device::vulkan
