#include "device/vulkan/recorder.h"

#include <algorithm>

#include "base/error.h"

namespace troika::device::vulkan {
namespace {

bool meet(std::span<const Range> some, std::span<const Range> others) {
  return std::ranges::any_of(some, [&](const Range& a) {
    return std::ranges::any_of(others, [&](const Range& b) { return overlap(a, b); });
  });
}

}  // namespace

Recorder::Recorder(std::shared_ptr<Context> context, uint64_t most_work)
    : context_(std::move(context)), most_work_(most_work) {
  VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  pool.queueFamilyIndex = context_->queue_family();
  check_result(vkCreateCommandPool(context_->device(), &pool, nullptr, &pool_), "Vulkan's command pool");
  VkFenceCreateInfo fence{VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
  check_result(vkCreateFence(context_->device(), &fence, nullptr, &fence_), "Vulkan's fence");
}

void Recorder::begin() {
  VkCommandBufferAllocateInfo allocate{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  allocate.commandPool = pool_;
  allocate.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  allocate.commandBufferCount = 1;
  check_result(vkAllocateCommandBuffers(context_->device(), &allocate, &commands_.emplace_back()), "Vulkan's command buffer");
  VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  check_result(vkBeginCommandBuffer(commands(), &begin), "Vulkan's command buffer");
}

Recorder::~Recorder() {
  if (submitted_) vkWaitForFences(context_->device(), 1, &fence_, VK_TRUE, UINT64_MAX);
  vkDestroyFence(context_->device(), fence_, nullptr);
  vkDestroyCommandPool(context_->device(), pool_, nullptr);
}

void Recorder::dispatch(const Dispatch& d) {
  check(d.push.size() <= 128, "push constants fit");
  const bool begins_submission = work_ > 0 && work_ + d.work > most_work_;
  if (begins_submission) work_ = 0;
  work_ += d.work;
  const bool behind_barrier = meet(d.reads, written_) || meet(d.writes, written_) || meet(d.writes, read_);
  if (behind_barrier) {
    read_.clear();
    written_.clear();
    ++barriers_;
  }
  read_.insert(read_.end(), d.reads.begin(), d.reads.end());
  written_.insert(written_.end(), d.writes.begin(), d.writes.end());
  waiting_.push_back({d.pipeline, {d.push.begin(), d.push.end()}, d.groups, begins_submission, behind_barrier});
  ++dispatches_;
}

void Recorder::record(const Waiting& d) {
  if (d.begins_submission) {  // barriers hold from one submission to the next
    check_result(vkEndCommandBuffer(commands()), "Vulkan's command buffer");
    begin();
  }
  if (d.behind_barrier) barrier();
  vkCmdBindPipeline(commands(), VK_PIPELINE_BIND_POINT_COMPUTE, context_->pipeline(d.pipeline));
  vkCmdPushConstants(commands(), context_->layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0, uint32_t(d.push.size()), d.push.data());
  vkCmdDispatch(commands(), d.groups[0], d.groups[1], d.groups[2]);
}

void Recorder::barrier() {
  VkMemoryBarrier memory{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  memory.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT;
  memory.dstAccessMask = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT;
  vkCmdPipelineBarrier(commands(), VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1,
                       &memory, 0, nullptr, 0, nullptr);
}

void Recorder::end() {
  std::vector<PipelineKey> pipelines;
  for (const Waiting& d : waiting_) pipelines.push_back(d.pipeline);
  context_->make_pipelines(std::move(pipelines));
  begin();
  for (const Waiting& d : waiting_) record(d);
  waiting_ = {};
  VkMemoryBarrier memory{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
  memory.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT;
  memory.dstAccessMask = VK_ACCESS_HOST_READ_BIT | VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT;
  vkCmdPipelineBarrier(commands(), VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                       VK_PIPELINE_STAGE_HOST_BIT | VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, 0, 1, &memory, 0, nullptr, 0,
                       nullptr);
  check_result(vkEndCommandBuffer(commands()), "Vulkan's command buffer");
}

void Recorder::submit() {
  context_->submit(commands_, fence_);
  submitted_ = true;
}

void Recorder::wait() {
  if (!submitted_) return;
  const VkResult result = vkWaitForFences(context_->device(), 1, &fence_, VK_TRUE, UINT64_MAX);
  submitted_ = false;
  if (result < 0) lost(result, fmt::format("{} did not finish its step", context_->caps().name));
  check_result(vkResetFences(context_->device(), 1, &fence_), "Vulkan's fence");
}

}  // namespace troika::device::vulkan
