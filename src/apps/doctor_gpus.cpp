#include "apps/doctor_gpus.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "device/vulkan/caps_record.h"
#include "device/vulkan/context.h"

namespace troika::apps {

using device::vulkan::Caps;
using device::vulkan::GpuKind;
using Json = nlohmann::ordered_json;

VulkanGpus ask_vulkan() {
  VulkanGpus vulkan;
  try {
    vulkan.gpus = device::vulkan::list_gpus();
    vulkan.choice = device::vulkan::choose(vulkan.gpus, device::vulkan::wanted_gpu());
  } catch (const Error& error) {
    vulkan.choice.why = error.what();
  }
  return vulkan;
}

bool is_taken(const VulkanGpus& vulkan, const Accelerator& gpu) {
  if (vulkan.choice.number < 0) return false;
  const Caps& taken = vulkan.gpus[size_t(vulkan.choice.number)];
  return gpu.pci_id == fmt::format("{:04x}:{:04x}", taken.vendor, taken.device);
}

Json to_json(const VulkanGpus& vulkan) {
  Json list = Json::array();
  for (size_t i = 0; i < vulkan.gpus.size(); ++i) {
    Json& gpu = list.emplace_back(Json{{"number", i}, {"taken", static_cast<int>(i) == vulkan.choice.number}});
    gpu["why_not"] = vulkan.choice.others[i];
    gpu.update(device::vulkan::record_of(vulkan.gpus[i]));
  }
  const int number = vulkan.choice.number;
  return {{"device", number < 0 ? Json(nullptr) : Json(number)}, {"why", vulkan.choice.why}, {"gpus", list}};
}

std::vector<std::string> lines_about(const VulkanGpus& vulkan) {
  std::vector<std::string> lines;
  for (size_t i = 0; i < vulkan.gpus.size(); ++i) {
    const Caps& gpu = vulkan.gpus[i];
    const std::string& why_not = vulkan.choice.others[i];
    std::string text = fmt::format("{}: {}, {}", i, gpu.name, name_of(gpu.kind));
    if (!gpu.driver.empty()) text += fmt::format(", driver {}", gpu.driver);
    text += fmt::format(", Vulkan {}.{}", gpu.api_version >> 22, gpu.api_version >> 12 & 0x3ff);
    if (static_cast<int>(i) == vulkan.choice.number) text += fmt::format("; --device vulkan takes it: {}", vulkan.choice.why);
    else if (!why_not.empty()) text += fmt::format("; not taken: {}", why_not);
    lines.push_back(std::move(text));
  }
  if (vulkan.choice.number < 0) lines.push_back(fmt::format("--device vulkan takes none: {}", vulkan.choice.why));
  return lines;
}

std::string advice_on(const VulkanGpus& vulkan, const std::vector<Accelerator>& gpus) {
  if (gpus.empty()) return "";
  if (vulkan.choice.number < 0) return fmt::format("the GPU cannot compute: {}", vulkan.choice.why);
  if (vulkan.gpus[size_t(vulkan.choice.number)].kind != GpuKind::software) return "";
  return "--device vulkan would compute in software, since Vulkan has no driver for the GPU that is here: apt-get install "
         "mesa-vulkan-drivers for AMD's and Intel's; NVIDIA's comes with its own packages";
}

}  // namespace troika::apps
