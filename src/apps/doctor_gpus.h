// What `troika doctor` says of GPUs as Vulkan knows them: their drivers, which one computes, why not the others.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "apps/hardware.h"
#include "device/vulkan/choice.h"

namespace troika::apps {

struct VulkanGpus {
  std::vector<device::vulkan::Caps> gpus;
  device::vulkan::Choice choice;
};

// Never throws: where there is no Vulkan, the choice says why.
VulkanGpus ask_vulkan();

// Whether `--device vulkan` computes on it.
bool is_taken(const VulkanGpus& vulkan, const Accelerator& gpu);

nlohmann::ordered_json to_json(const VulkanGpus& vulkan);
std::vector<std::string> lines_about(const VulkanGpus& vulkan);

// What to do where the kernel shows GPUs and Vulkan offers none, or only software. "": nothing.
std::string advice_on(const VulkanGpus& vulkan, const std::vector<Accelerator>& gpus);

}  // namespace troika::apps
