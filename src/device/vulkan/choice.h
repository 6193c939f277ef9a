// Which of the machine's GPUs computes, and why not the others.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "device/vulkan/caps.h"

namespace troika::device::vulkan {

struct Choice {
  int number = -1;                  // of the GPU that is taken; −1: none
  std::string why;                  // it is taken, or none is: a sentence
  std::vector<std::string> others;  // by number: why it is not taken; "" for the one that is
};

// `wanted`: its number, or a part of its name; "": the best, by kind and then by memory. Integrated GPUs come first, since
// they are what Troika is made for and share the machine's memory; software only where there is nothing else.
Choice choose(const std::vector<Caps>& gpus, std::string_view wanted);

std::string_view wanted_gpu();  // TROIKA_VULKAN_DEVICE

// What such a variable says, 1 or 0; nothing: it is not set. Throws Error at anything else.
std::optional<bool> switched(const char* variable);

}  // namespace troika::device::vulkan
