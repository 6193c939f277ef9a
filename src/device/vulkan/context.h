// One GPU, opened: the device, its queue, memory and pipelines. Shared by all engines of the process.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "device/device.h"
#include "device/vulkan/caps.h"
#include "device/vulkan/matrix_lanes.h"
#include "device/vulkan/vulkan.h"

namespace troika::device::vulkan {

// Memory that the GPU knows by address and the host sees.
class GpuBuffer : public Buffer {
 public:
  size_t size() const override { return bytes_; }
  std::byte* host() override { return mapped_; }
  VkDeviceAddress address() const { return address_; }
  VkBuffer handle() const { return buffer_; }
  bool host_cached() const { return host_cached_; }  // the host reads it fast
  ~GpuBuffer() override;
  GpuBuffer(const GpuBuffer&) = delete;
  GpuBuffer& operator=(const GpuBuffer&) = delete;

 private:
  friend class Context;
  explicit GpuBuffer(std::shared_ptr<class Context> context) : context_(std::move(context)) {}
  const std::shared_ptr<Context> context_;
  size_t bytes_ = 0;
  VkBuffer buffer_ = VK_NULL_HANDLE;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
  std::byte* mapped_ = nullptr;
  bool host_cached_ = false;
  VkDeviceAddress address_ = 0;
};

// A shader by its name in the pack (shader_pack.h), with the values of its specialisation constants 0, 1, ….
struct PipelineKey {
  std::string shader;
  std::vector<uint32_t> constants;
  uint32_t subgroup_size = 0;  // 0: as the driver likes
  auto operator<=>(const PipelineKey&) const = default;
};

class Context : public std::enable_shared_from_this<Context> {
 public:
  // Opens the GPU that TROIKA_VULKAN_DEVICE names (its number, or a part of its name), else the best. Throws Error that
  // says why there is none.
  static std::shared_ptr<Context> open();
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  const Caps& caps() const { return caps_; }
  const std::optional<MatrixLanes>& lanes() const { return lanes_; }  // of the matrix unit, for halves; nothing: we know none
  VkDevice device() const { return device_; }
  uint32_t queue_family() const { return family_; }
  bool keeps_time() const { return stamp_bits_ > 0; }  // of what its queue does
  double seconds_between(uint64_t begin, uint64_t end) const;  // of two timestamps
  VkPipelineLayout layout() const { return layout_; }  // of all pipelines: 128 bytes of push constants, nothing else

  // Whether dispatches may wait for each other by themselves (chain.h): where they start in order, or TROIKA_VULKAN_CHAINS says
  // so, until one has waited in vain. Any thread.
  bool has_chains() const { return has_chains_; }
  void stop_chains();

  // Of the memory that allocate() takes, as the driver counts: what is left of the budget, or all where it keeps none.
  uint64_t budget_bytes() const;
  // Zeroed; throws Error when there is no room. `read_back`: in memory that the host reads fast, where there is some.
  std::shared_ptr<GpuBuffer> allocate(size_t bytes, bool read_back = false);
  std::shared_ptr<GpuBuffer> allocate_unset(size_t bytes, bool read_back = false);  // for who writes all of it that is read
  // Memory of the host as the GPU's own; null where the driver does not take it, and on a GPU that would reach it over a bus.
  std::shared_ptr<GpuBuffer> import(HostRegion region);
  VkPipeline pipeline(const PipelineKey& key);  // made once; any thread
  // All of these, by several threads: drivers compile a shader on the thread that asks for it.
  void make_pipelines(std::vector<PipelineKey> keys);
  // One submission each, in order; the fence is behind the last. Any thread.
  void submit(std::span<const VkCommandBuffer> commands, VkFence fence);
  // Writes to disk (kept_file.h) if there are pipelines that it lacks, at most every few seconds. Any thread.
  void keep_pipelines();

 private:
  Context(VkPhysicalDevice physical, Caps caps);
  void open_device();
  VkResult make_buffer(GpuBuffer& buffer, const void* next = nullptr) const;
  VkResult give_memory(GpuBuffer& buffer, uint64_t bytes, int type, const void* next = nullptr) const;
  void open_cache();
  VkPipeline find_pipeline(const PipelineKey& key);  // null: it is not made yet
  VkPipeline make_pipeline(const PipelineKey& key);
  void write_cache();  // with the mutex held

  const VkPhysicalDevice physical_;
  const Caps caps_;
  std::optional<MatrixLanes> lanes_;
  std::atomic<bool> has_chains_ = false;
  VkDevice device_ = VK_NULL_HANDLE;
  VkQueue queue_ = VK_NULL_HANDLE;
  uint32_t family_ = 0, stamp_bits_ = 0;  // of a timestamp; 0: there are none
  double stamp_seconds_ = 0;              // of its unit
  uint64_t import_alignment_ = 0;         // of memory of the host; 0: none is taken
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  VkPipelineCache cache_ = VK_NULL_HANDLE;
  std::mutex queue_mutex_, pipeline_mutex_;
  std::map<PipelineKey, VkPipeline> pipelines_;
  std::filesystem::path cache_file_;  // "": pipelines are not kept
  std::atomic<bool> has_new_pipelines_ = false;
  std::chrono::steady_clock::time_point cache_written_{};
  size_t cache_hash_ = 0;  // of what the file holds
};

// All GPUs that the system's drivers know. Throws Error where there is no Vulkan.
std::vector<Caps> list_gpus();

}  // namespace troika::device::vulkan
