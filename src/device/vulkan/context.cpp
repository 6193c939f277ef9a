#include "device/vulkan/context.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"
#include "base/log.h"
#include "base/platform.h"
#include "device/on_threads.h"
#include "device/vulkan/choice.h"
#include "device/vulkan/cooperative_matrix.h"
#include "device/vulkan/kept_file.h"
#include "device/vulkan/read_caps.h"
#include "device/vulkan/shader_pack.h"

namespace troika::device::vulkan {
namespace {

constexpr uint32_t kPushBytes = 128;

// The process's instance; it lives as long as the process, as some drivers do not survive a second one.
VkInstance the_instance() {
  static const VkInstance instance = [] {
    if (volkInitialize() != VK_SUCCESS) {
      fail("Vulkan's loader, libvulkan.so.1, is not here; install it with a driver, for AMD's and Intel's GPUs: apt-get "
           "install libvulkan1 mesa-vulkan-drivers");
    }
    VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
    application.pApplicationName = "troika";
    application.apiVersion = VK_API_VERSION_1_3;
    VkInstanceCreateInfo create{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
    create.pApplicationInfo = &application;
    VkInstance made = VK_NULL_HANDLE;
    const VkResult result = vkCreateInstance(&create, nullptr, &made);
    if (result == VK_ERROR_INCOMPATIBLE_DRIVER) {
      fail("Vulkan finds no driver; install it, for AMD's and Intel's GPUs: apt-get install mesa-vulkan-drivers");
    }
    check_result(result, "Vulkan cannot be started");
    volkLoadInstanceOnly(made);
    return made;
  }();
  return instance;
}

std::vector<VkPhysicalDevice> physical_devices(VkInstance instance) {
  uint32_t count = 0;
  check_result(vkEnumeratePhysicalDevices(instance, &count, nullptr), "Vulkan lists no GPUs");
  std::vector<VkPhysicalDevice> found(count);
  check_result(vkEnumeratePhysicalDevices(instance, &count, found.data()), "Vulkan lists no GPUs");
  found.resize(count);
  return found;
}

}  // namespace

GpuBuffer::~GpuBuffer() {
  vkDestroyBuffer(context_->device(), buffer_, nullptr);
  vkFreeMemory(context_->device(), memory_, nullptr);
}

std::vector<Caps> list_gpus() {
  std::vector<Caps> gpus;
  for (VkPhysicalDevice device : physical_devices(the_instance())) gpus.push_back(read_caps(device));
  return gpus;
}

std::shared_ptr<Context> Context::open() {
  static std::mutex mutex;
  static std::weak_ptr<Context> open;
  std::lock_guard lock(mutex);
  if (auto context = open.lock()) return context;
  const VkInstance instance = the_instance();
  std::vector<VkPhysicalDevice> devices = physical_devices(instance);
  std::vector<Caps> gpus;
  for (VkPhysicalDevice device : devices) gpus.push_back(read_caps(device));
  const Choice choice = choose(gpus, wanted_gpu());
  if (choice.number < 0) fail("{}", choice.why);
  const size_t number = size_t(choice.number);
  std::shared_ptr<Context> context(new Context(devices[number], gpus[number]));
  context->lanes_ = find_matrix_lanes(context);
  context->has_chains_ = switched("TROIKA_VULKAN_CHAINS").value_or(starts_in_order(context->caps_));
  open = context;
  return context;
}

Context::Context(VkPhysicalDevice physical, Caps caps) : physical_(physical), caps_(std::move(caps)) {
  open_device();
  VkPushConstantRange range{VK_SHADER_STAGE_COMPUTE_BIT, 0, kPushBytes};
  VkPipelineLayoutCreateInfo layout{VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO};
  layout.pushConstantRangeCount = 1;
  layout.pPushConstantRanges = &range;
  check_result(vkCreatePipelineLayout(device_, &layout, nullptr, &layout_), "Vulkan's pipeline layout");
  open_cache();
}

void Context::open_cache() {
  cache_file_ = kept_file(caps_, "pipelines");
  const std::string kept = read_kept(cache_file_, hash_of_shaders());
  cache_hash_ = std::hash<std::string>()(kept);
  VkPipelineCacheCreateInfo cache{VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
  cache.initialDataSize = kept.size();
  cache.pInitialData = kept.data();
  check_result(vkCreatePipelineCache(device_, &cache, nullptr, &cache_), "Vulkan's pipeline cache");
}

void Context::keep_pipelines() {
  if (!has_new_pipelines_) return;
  constexpr std::chrono::seconds kBetween{5};
  std::lock_guard lock(pipeline_mutex_);
  const bool first = cache_written_ == decltype(cache_written_){};
  if (first || std::chrono::steady_clock::now() - cache_written_ > kBetween) write_cache();
}

void Context::write_cache() {
  if (!has_new_pipelines_.exchange(false) || cache_file_.empty()) return;
  try {
    size_t bytes = 0;
    check_result(vkGetPipelineCacheData(device_, cache_, &bytes, nullptr), "Vulkan's pipeline cache");
    std::string pipelines(bytes, 0);
    check_result(vkGetPipelineCacheData(device_, cache_, &bytes, pipelines.data()), "Vulkan's pipeline cache");
    pipelines.resize(bytes);
    cache_written_ = std::chrono::steady_clock::now();
    const size_t hash = std::hash<std::string>()(pipelines);
    if (hash == cache_hash_) return;  // all came from there
    cache_hash_ = hash;
    write_kept(cache_file_, hash_of_shaders(), pipelines);
  } catch (const Error& error) {
    log::debug("compiled shaders are not kept: {}", error.what());
    cache_file_.clear();
  }
}

void Context::stop_chains() {
  if (!has_chains_.exchange(false)) return;
  log::warn("on {} work waited in vain for the work before it; from now on there are barriers between them, which takes longer",
            caps_.name);
}

void Context::open_device() {
  uint32_t count = 0;
  vkGetPhysicalDeviceQueueFamilyProperties(physical_, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vkGetPhysicalDeviceQueueFamilyProperties(physical_, &count, families.data());
  const auto found = std::ranges::find_if(families, [](const auto& f) { return f.queueFlags & VK_QUEUE_COMPUTE_BIT; });
  if (found == families.end()) fail("{} has no queue for computing", caps_.name);
  family_ = uint32_t(found - families.begin());
  VkPhysicalDeviceProperties properties;
  vkGetPhysicalDeviceProperties(physical_, &properties);
  stamp_bits_ = found->timestampValidBits;
  stamp_seconds_ = properties.limits.timestampPeriod * 1e-9;

  VkPhysicalDeviceVulkan11Features features11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES};
  features11.storageBuffer16BitAccess = VK_TRUE;
  VkPhysicalDeviceVulkan12Features features12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES, &features11};
  features12.storageBuffer8BitAccess = features12.shaderInt8 = features12.bufferDeviceAddress = VK_TRUE;
  features12.scalarBlockLayout = VK_TRUE;
  features12.hostQueryReset = VK_TRUE;  // every driver of 1.2 has it
  features12.vulkanMemoryModel = features12.vulkanMemoryModelDeviceScope = VK_TRUE;  // every driver of 1.3 has them
  VkPhysicalDeviceVulkan13Features features13{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES, &features12};
  // Every driver of 1.3 has both; maintenance4 is for workgroups sized by a constant, as glslc writes them.
  features13.shaderIntegerDotProduct = features13.maintenance4 = VK_TRUE;
  std::vector<const char*> extensions;
  if (has_extension(physical_, VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME)) {
    extensions.push_back(VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME);
    VkPhysicalDeviceExternalMemoryHostPropertiesEXT host{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT};
    VkPhysicalDeviceProperties2 more{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &host};
    vkGetPhysicalDeviceProperties2(physical_, &more);
    import_alignment_ = host.minImportedHostPointerAlignment;
  }
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrices{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR,
                                                        nullptr, VK_TRUE, VK_FALSE};
  features12.shaderFloat16 = !caps_.half_matrices.empty();
  if (!caps_.int8_matrices.empty() || !caps_.half_matrices.empty()) {
    features11.pNext = &matrices;
    extensions.push_back(VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME);
    features13.subgroupSizeControl = features13.computeFullSubgroups = VK_TRUE;
  }
  VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &features13};
  features.features.shaderInt16 = features.features.shaderInt64 = VK_TRUE;
  const float priority = 1;
  VkDeviceQueueCreateInfo queue{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queue.queueFamilyIndex = family_;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  VkDeviceCreateInfo create{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, &features};
  create.queueCreateInfoCount = 1;
  create.pQueueCreateInfos = &queue;
  create.enabledExtensionCount = uint32_t(extensions.size());
  create.ppEnabledExtensionNames = extensions.data();
  check_result(vkCreateDevice(physical_, &create, nullptr, &device_), fmt::format("{} cannot be opened", caps_.name));
  volkLoadDevice(device_);
  vkGetDeviceQueue(device_, family_, 0, &queue_);
}

Context::~Context() {
  write_cache();
  for (const auto& [key, pipeline] : pipelines_) vkDestroyPipeline(device_, pipeline, nullptr);
  vkDestroyPipelineCache(device_, cache_, nullptr);
  vkDestroyPipelineLayout(device_, layout_, nullptr);
  vkDestroyDevice(device_, nullptr);
}

double Context::seconds_between(uint64_t begin, uint64_t end) const {
  const uint64_t mask = UINT64_MAX >> (64 - stamp_bits_);
  return double((end - begin) & mask) * stamp_seconds_;
}

uint64_t Context::budget_bytes() const {
  VkPhysicalDeviceMemoryBudgetPropertiesEXT budget{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
  VkPhysicalDeviceMemoryProperties2 memory{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2, &budget};
  vkGetPhysicalDeviceMemoryProperties2(physical_, &memory);  // without the extension the budget stays 0
  const int type = memory_type(caps_, ~0u, false);
  check(type >= 0, "the GPU has memory that the host writes to");
  const uint32_t heap = memory.memoryProperties.memoryTypes[type].heapIndex;
  const uint64_t left = budget.heapBudget[heap] - std::min(budget.heapBudget[heap], budget.heapUsage[heap]);
  return budget.heapBudget[heap] > 0 ? left : memory.memoryProperties.memoryHeaps[heap].size;
}

std::shared_ptr<GpuBuffer> Context::allocate(size_t bytes, bool read_back) {
  auto buffer = allocate_unset(bytes, read_back);
  std::memset(buffer->host(), 0, bytes);
  return buffer;
}

VkResult Context::make_buffer(GpuBuffer& buffer, const void* next) const {
  VkBufferCreateInfo create{VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO, next};
  create.size = std::max<size_t>(buffer.bytes_, 64);
  create.usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_SHADER_DEVICE_ADDRESS_BIT |
                 VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  return vkCreateBuffer(device_, &create, nullptr, &buffer.buffer_);
}

VkResult Context::give_memory(GpuBuffer& buffer, uint64_t bytes, int type, const void* next) const {
  VkMemoryAllocateFlagsInfo flags{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_FLAGS_INFO, next};
  flags.flags = VK_MEMORY_ALLOCATE_DEVICE_ADDRESS_BIT;
  VkMemoryAllocateInfo allocate{VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO, &flags};
  allocate.allocationSize = bytes;
  allocate.memoryTypeIndex = uint32_t(type);
  VkResult result = vkAllocateMemory(device_, &allocate, nullptr, &buffer.memory_);
  if (result == VK_SUCCESS) result = vkBindBufferMemory(device_, buffer.buffer_, buffer.memory_, 0);
  if (result != VK_SUCCESS) return result;
  buffer.host_cached_ = caps_.memory[size_t(type)].host_cached;
  VkBufferDeviceAddressInfo address{VK_STRUCTURE_TYPE_BUFFER_DEVICE_ADDRESS_INFO};
  address.buffer = buffer.buffer_;
  buffer.address_ = vkGetBufferDeviceAddress(device_, &address);
  return result;
}

std::shared_ptr<GpuBuffer> Context::allocate_unset(size_t bytes, bool read_back) {
  std::shared_ptr<GpuBuffer> buffer(new GpuBuffer(shared_from_this()));
  buffer->bytes_ = bytes;
  const auto refuse = [&](VkResult result) {
    if (result < 0) lost(result, fmt::format("{} cannot give {} MB of memory", caps_.name, (bytes >> 20) + 1));
  };
  refuse(make_buffer(*buffer));
  VkMemoryRequirements needs;
  vkGetBufferMemoryRequirements(device_, buffer->buffer_, &needs);
  const int type = memory_type(caps_, needs.memoryTypeBits, read_back);
  check(type >= 0, "the GPU has memory that the host writes to");
  if (needs.size > caps_.most_allocation_bytes) refuse(VK_ERROR_OUT_OF_DEVICE_MEMORY);
  refuse(give_memory(*buffer, needs.size, type));
  void* mapped = nullptr;
  refuse(vkMapMemory(device_, buffer->memory_, 0, VK_WHOLE_SIZE, 0, &mapped));
  buffer->mapped_ = static_cast<std::byte*>(mapped);
  return buffer;
}

std::shared_ptr<GpuBuffer> Context::import(HostRegion region) {
  const bool is_aligned = import_alignment_ > 0 && reinterpret_cast<uintptr_t>(region.data) % import_alignment_ == 0 &&
                          region.bytes % import_alignment_ == 0;
  if (!is_aligned || caps_.kind == GpuKind::discrete) return nullptr;
  constexpr VkExternalMemoryHandleTypeFlagBits kHost = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
  std::shared_ptr<GpuBuffer> buffer(new GpuBuffer(shared_from_this()));
  buffer->bytes_ = region.bytes;
  buffer->mapped_ = region.data;
  const VkExternalMemoryBufferCreateInfo external{VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO, nullptr, kHost};
  if (make_buffer(*buffer, &external) != VK_SUCCESS) return nullptr;
  VkMemoryHostPointerPropertiesEXT pointer{VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT};
  if (vkGetMemoryHostPointerPropertiesEXT(device_, kHost, region.data, &pointer) != VK_SUCCESS) return nullptr;
  VkMemoryRequirements needs;
  vkGetBufferMemoryRequirements(device_, buffer->buffer_, &needs);
  const int type = memory_type(caps_, needs.memoryTypeBits & pointer.memoryTypeBits, /*read_back=*/true);
  if (type < 0 || needs.size > region.bytes) return nullptr;
  const VkImportMemoryHostPointerInfoEXT import{VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT, nullptr, kHost,
                                                region.data};
  return give_memory(*buffer, region.bytes, type, &import) == VK_SUCCESS ? buffer : nullptr;
}

VkPipeline Context::find_pipeline(const PipelineKey& key) {
  std::lock_guard lock(pipeline_mutex_);
  const auto found = pipelines_.find(key);
  return found == pipelines_.end() ? VK_NULL_HANDLE : found->second;
}

VkPipeline Context::pipeline(const PipelineKey& key) {
  if (const VkPipeline found = find_pipeline(key)) return found;
  const VkPipeline made = make_pipeline(key);
  std::lock_guard lock(pipeline_mutex_);
  const auto [entry, is_new] = pipelines_.emplace(key, made);
  if (!is_new) vkDestroyPipeline(device_, made, nullptr);  // another thread was faster
  has_new_pipelines_ = true;
  return entry->second;
}

void Context::make_pipelines(std::vector<PipelineKey> keys) {
  std::ranges::sort(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  std::erase_if(keys, [&](const PipelineKey& key) { return find_pipeline(key) != VK_NULL_HANDLE; });
  std::atomic<size_t> next = 0;
  on_threads(std::min(int(keys.size()), platform::cpu().cores), [&] {
    for (size_t i; (i = next.fetch_add(1)) < keys.size();) pipeline(keys[i]);
  });
}

VkPipeline Context::make_pipeline(const PipelineKey& key) {
  const std::span<const uint32_t> code = find_shader(key.shader);
  check(!code.empty(), fmt::format("there is a shader {}", key.shader));
  VkShaderModuleCreateInfo module{VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  module.codeSize = code.size_bytes();
  module.pCode = code.data();
  VkShaderModule shader = VK_NULL_HANDLE;
  check_result(vkCreateShaderModule(device_, &module, nullptr, &shader), fmt::format("shader {}", key.shader));

  std::vector<VkSpecializationMapEntry> entries;
  for (uint32_t i = 0; i < key.constants.size(); ++i) entries.push_back({i, i * 4, 4});
  VkSpecializationInfo constants{uint32_t(entries.size()), entries.data(), key.constants.size() * 4, key.constants.data()};
  VkComputePipelineCreateInfo create{VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
  create.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  create.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  create.stage.module = shader;
  create.stage.pName = "main";
  create.stage.pSpecializationInfo = &constants;
  VkPipelineShaderStageRequiredSubgroupSizeCreateInfo subgroups{
      VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO, nullptr, key.subgroup_size};
  if (key.subgroup_size > 0) {
    create.stage.pNext = &subgroups;
    create.stage.flags = VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT;
  }
  create.layout = layout_;
  VkPipeline pipeline = VK_NULL_HANDLE;
  const VkResult result = vkCreateComputePipelines(device_, cache_, 1, &create, nullptr, &pipeline);
  vkDestroyShaderModule(device_, shader, nullptr);
  check_result(result, fmt::format("{} does not take shader {}", caps_.name, key.shader));
  return pipeline;
}

void Context::submit(std::span<const VkCommandBuffer> commands, VkFence fence) {
  std::lock_guard lock(queue_mutex_);
  for (const VkCommandBuffer& each : commands) {
    VkSubmitInfo submit{VK_STRUCTURE_TYPE_SUBMIT_INFO};
    submit.commandBufferCount = 1;
    submit.pCommandBuffers = &each;
    const VkFence behind = &each == &commands.back() ? fence : VK_NULL_HANDLE;
    const VkResult result = vkQueueSubmit(queue_, 1, &submit, behind);
    if (result < 0) lost(result, fmt::format("{} takes no more work", caps_.name));
  }
}

}  // namespace troika::device::vulkan
