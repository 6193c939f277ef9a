#include "device/vulkan/recorder.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <thread>

#include <fmt/format.h>

#include "base/error.h"

namespace troika::device::vulkan {
namespace {

bool meet(std::span<const Range> some, std::span<const Range> others) {
  return std::ranges::any_of(some, [&](const Range& a) {
    return std::ranges::any_of(others, [&](const Range& b) { return overlap(a, b); });
  });
}

}  // namespace

Recorder::Recorder(std::shared_ptr<Context> context, uint64_t most_work, Timed timed)
    : context_(std::move(context)), most_work_(most_work), timed_as_(context_->keeps_time() ? timed : Timed::no) {
  VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  pool.queueFamilyIndex = context_->queue_family();
  check_result(vkCreateCommandPool(context_->device(), &pool, nullptr, &pool_), "Vulkan's command pool");
  VkFenceCreateInfo fence{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
  check_result(vkCreateFence(context_->device(), &fence, nullptr, &fence_), "Vulkan's fence");
}

Recorder::~Recorder() {
  if (submitted_) vkWaitForFences(context_->device(), 1, &fence_, VK_TRUE, UINT64_MAX);
  vkDestroyQueryPool(context_->device(), stamps_, nullptr);
  vkDestroyFence(context_->device(), fence_, nullptr);
  vkDestroyCommandPool(context_->device(), pool_, nullptr);
}

void Recorder::dispatch(const Dispatch& d) {
  check(d.push.size() <= 128 && (!d.can_wait || d.push.size() >= Chain::kPushAt + sizeof(VkDeviceAddress)), "push constants fit");
  const bool follows = meet(d.reads, written_) || meet(d.writes, written_) || meet(d.writes, read_);
  if (follows) {
    read_.clear();
    written_.clear();
    chain_.begin_link();
  }
  read_.insert(read_.end(), d.reads.begin(), d.reads.end());
  written_.insert(written_.end(), d.writes.begin(), d.writes.end());
  const size_t link = chain_.add(d.can_wait, d.groups[0] * d.groups[1] * d.groups[2]);
  dispatches_.push_back({d.pipeline, {d.push.begin(), d.push.end()}, d.groups, follows, d.work, d.can_wait, link, d.what});
}

void Recorder::end() {
  std::vector<PipelineKey> pipelines;
  for (const Command& d : dispatches_) pipelines.push_back(d.pipeline);
  context_->make_pipelines(std::move(pipelines));
  begins_ = cuts(most_work_);
  if (context_->has_chains() && timed_as_ != Timed::each) chain_.place(*context_);
  record();
}

bool Recorder::cut_again(uint64_t most_work) {
  check(!submitted_, "nothing runs that is recorded again");
  std::vector<size_t> begins = cuts(most_work);
  most_work_ = most_work;
  if (begins == begins_) return false;
  begins_ = std::move(begins);
  record_again();
  return true;
}

void Recorder::record_again() {
  vkFreeCommandBuffers(context_->device(), pool_, uint32_t(commands_.size()), commands_.data());
  vkDestroyQueryPool(context_->device(), stamps_, nullptr);
  stamps_ = VK_NULL_HANDLE;
  commands_.clear();
  timed_.clear();
  stamped_ = 0;
  record();
}

void Recorder::use_barriers() {
  check(!submitted_, "nothing runs that is recorded again");
  chain_.dissolve();
  record_again();
}

std::string Recorder::name(size_t dispatch) const {
  const Command& d = dispatches_[dispatch];
  return d.what.empty() ? d.pipeline.shader : fmt::format("{}, {}", d.pipeline.shader, d.what);
}

std::vector<size_t> Recorder::cuts(uint64_t most_work) const {
  if (timed_as_ == Timed::each) {
    std::vector<size_t> all(dispatches_.size());
    std::iota(all.begin(), all.end(), size_t{0});
    return all;
  }
  std::vector<uint64_t> works;
  for (const Command& d : dispatches_) works.push_back(d.work);
  return cut(works, most_work);
}

void Recorder::record() {
  barriers_ = 0;
  if (timed_as_ != Timed::no) make_stamps(begins_.size());
  begin_submission();
  for (size_t i = 0; i < dispatches_.size(); ++i) {
    if (i > 0 && std::ranges::binary_search(begins_, i)) {  // barriers hold from one submission to the next
      end_submission();
      begin_submission();
    }
    record(dispatches_[i]);
  }
  VkMemoryBarrier memory{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  memory.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT;
  memory.dstAccessMask = VK_ACCESS_HOST_READ_BIT | VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT;
  vkCmdPipelineBarrier(commands(), VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                       VK_PIPELINE_STAGE_HOST_BIT | VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1, &memory, 0, nullptr, 0,
                       nullptr);
  end_submission();
}

void Recorder::begin_submission() {
  VkCommandBufferAllocateInfo allocate{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  allocate.commandPool = pool_;
  allocate.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  allocate.commandBufferCount = 1;
  check_result(vkAllocateCommandBuffers(context_->device(), &allocate, &commands_.emplace_back()), "Vulkan's command buffer");
  VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  check_result(vkBeginCommandBuffer(commands(), &begin), "Vulkan's command buffer");
  if (timed_as_ == Timed::no) return;
  stamp();
  timed_.emplace_back();
}

void Recorder::end_submission() {
  if (timed_as_ != Timed::no) stamp();
  check_result(vkEndCommandBuffer(commands()), "Vulkan's command buffer");
}

void Recorder::record(Command& d) {
  if (d.follows && !chain_.waits(d.link)) barrier();
  if (d.can_wait) {
    const VkDeviceAddress link = chain_.address(d.link);
    std::memcpy(d.push.data() + Chain::kPushAt, &link, sizeof link);
  }
  vkCmdBindPipeline(commands(), VK_PIPELINE_BIND_POINT_COMPUTE, context_->pipeline(d.pipeline));
  vkCmdPushConstants(commands(), context_->layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0, uint32_t(d.push.size()), d.push.data());
  vkCmdDispatch(commands(), d.groups[0], d.groups[1], d.groups[2]);
  if (timed_as_ == Timed::no) return;
  timed_.back().work += d.work;
  ++timed_.back().dispatches;
}

void Recorder::barrier() {
  ++barriers_;
  VkMemoryBarrier memory{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  memory.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT;
  memory.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT;
  vkCmdPipelineBarrier(commands(), VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1,
                       &memory, 0, nullptr, 0, nullptr);
}

void Recorder::make_stamps(size_t submissions) {
  VkQueryPoolCreateInfo stamps{VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO};
  stamps.queryType = VK_QUERY_TYPE_TIMESTAMP;
  stamps.queryCount = uint32_t(submissions) * 2;
  check_result(vkCreateQueryPool(context_->device(), &stamps, nullptr, &stamps_), "Vulkan's timestamps");
}

void Recorder::stamp() { vkCmdWriteTimestamp(commands(), VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, stamps_, stamped_++); }

void Recorder::read_stamps() {
  std::array<uint64_t, 2> at{};
  for (size_t i = 0; i < timed_.size(); ++i) {
    check_result(vkGetQueryPoolResults(context_->device(), stamps_, uint32_t(2 * i), 2, sizeof at, at.data(), sizeof at[0],
                                       VK_QUERY_RESULT_64_BIT),
                 "Vulkan's timestamps");
    timed_[i].seconds = context_->seconds_between(at[0], at[1]);
  }
}

void Recorder::submit() {
  if (timed_as_ != Timed::no) vkResetQueryPool(context_->device(), stamps_, 0, stamped_);
  chain_.reset();
  submitted_at_ = std::chrono::steady_clock::now();
  context_->submit(commands_, fence_);
  submitted_ = true;
}

// A host that sleeps wakes up some 80 µs after the GPU is done. So it is awake a while before and behind the end that is expected, which
// is when it came the last time; but not where it would take the time from the driver, which computes on the CPU.
VkResult Recorder::wait_for_fence() {
  using std::chrono::steady_clock;
  if (context_->caps().kind == GpuKind::software) return vkWaitForFences(context_->device(), 1, &fence_, VK_TRUE, UINT64_MAX);
  constexpr std::chrono::microseconds kAwake{300};
  const auto expected = submitted_at_ + took_;
  const auto sleep = std::chrono::duration_cast<std::chrono::nanoseconds>(expected - kAwake - steady_clock::now()).count();
  VkResult result = vkWaitForFences(context_->device(), 1, &fence_, VK_TRUE, uint64_t(std::max<int64_t>(sleep, 0)));
  while (result == VK_TIMEOUT && steady_clock::now() < expected + kAwake) {
    std::this_thread::yield();
    if (const VkResult status = vkGetFenceStatus(context_->device(), fence_); status != VK_NOT_READY) result = status;
  }
  if (result == VK_TIMEOUT) result = vkWaitForFences(context_->device(), 1, &fence_, VK_TRUE, UINT64_MAX);
  took_ = steady_clock::now() - submitted_at_;
  return result;
}

void Recorder::wait() {
  if (!submitted_) return;
  const VkResult result = wait_for_fence();
  submitted_ = false;
  if (result < 0) lost(result, fmt::format("{} did not finish its step", context_->caps().name));
  check_result(vkResetFences(context_->device(), 1, &fence_), "Vulkan's fence");
  if (timed_as_ != Timed::no) read_stamps();
}

}  // namespace troika::device::vulkan
