#include "device/vulkan/choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <tuple>

#include "base/error.h"

namespace troika::device::vulkan {
namespace {

uint64_t local_bytes(const Caps& caps) {
  uint64_t most = 0;
  for (const MemoryType& type : caps.memory) {
    if (type.device_local) most = std::max(most, type.heap_bytes);
  }
  return most;
}

// Greater is better.
auto rank(const Caps& caps) {
  return std::tuple(caps.kind != GpuKind::software, caps.kind == GpuKind::integrated, local_bytes(caps));
}

bool contains(std::string_view text, std::string_view part) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; };
  return !std::ranges::search(text, part, {}, lower, lower).empty();
}

std::string names_of(const std::vector<Caps>& gpus) {
  std::string text;
  for (size_t i = 0; i < gpus.size(); ++i) text += fmt::format("{}{} ({})", i ? ", " : "", i, gpus[i].name);
  return text;
}

// −1: there is none of this number or name.
int find_gpu(const std::vector<Caps>& gpus, std::string_view wanted) {
  size_t number = gpus.size();
  const auto [end, error] = std::from_chars(wanted.begin(), wanted.end(), number);
  if (error != std::errc() || end != wanted.end()) {
    number = size_t(std::ranges::find_if(gpus, [&](const Caps& c) { return contains(c.name, wanted); }) - gpus.begin());
  }
  return number < gpus.size() ? static_cast<int>(number) : -1;
}

int best_of(const std::vector<Caps>& gpus) {
  int best = -1;
  for (size_t i = 0; i < gpus.size(); ++i) {
    if (!why_not(gpus[i]).empty()) continue;
    if (best < 0 || rank(gpus[i]) > rank(gpus[size_t(best)])) best = static_cast<int>(i);
  }
  return best;
}

std::string why_worse(const Caps& gpu, const Caps& taken) {
  if (std::string lack = why_not(gpu); !lack.empty()) return lack;
  if (gpu.kind == GpuKind::software && taken.kind != GpuKind::software) return "it is software, and there is a GPU";
  if (gpu.kind != GpuKind::integrated && taken.kind == GpuKind::integrated) return "integrated GPUs come first";
  if (local_bytes(gpu) < local_bytes(taken)) return "it has less memory than the one that is taken";
  return "it is no better than the one that is taken";
}

Choice none(const std::vector<Caps>& gpus, std::string why) {
  Choice choice{.why = std::move(why)};
  for (const Caps& gpu : gpus) choice.others.push_back(why_not(gpu));
  return choice;
}

}  // namespace

Choice choose(const std::vector<Caps>& gpus, std::string_view wanted) {
  if (gpus.empty()) {
    return none(gpus, "Vulkan finds no GPU; install its driver, for AMD's and Intel's: apt-get install mesa-vulkan-drivers");
  }
  const int number = wanted.empty() ? best_of(gpus) : find_gpu(gpus, wanted);
  if (number < 0 && wanted.empty()) {
    return none(gpus, fmt::format("no GPU will do: {}: {}", gpus[0].name, why_not(gpus[0])));
  }
  if (number < 0) {
    return none(gpus, fmt::format("TROIKA_VULKAN_DEVICE={}: there is no such GPU; there are: {}", wanted, names_of(gpus)));
  }
  const Caps& taken = gpus[size_t(number)];
  if (const std::string lack = why_not(taken); !lack.empty()) {
    return none(gpus, fmt::format("TROIKA_VULKAN_DEVICE={}: {} will not do: {}", wanted, taken.name, lack));
  }
  Choice choice{.number = number, .others = std::vector<std::string>(gpus.size())};
  for (size_t i = 0; i < gpus.size(); ++i) {
    if (static_cast<int>(i) == number) continue;
    const std::string lack = why_not(gpus[i]);
    choice.others[i] = wanted.empty() || !lack.empty() ? why_worse(gpus[i], taken) : "TROIKA_VULKAN_DEVICE names another";
  }
  const auto will_do = std::ranges::count_if(gpus, [](const Caps& gpu) { return why_not(gpu).empty(); });
  choice.why = !wanted.empty() ? fmt::format("TROIKA_VULKAN_DEVICE={} names it", wanted)
               : will_do == 1  ? "it is the only one that will do"
               : taken.kind == GpuKind::integrated
                   ? "it is integrated: what Troika is made for"
                   : "of those that will do it has the most memory";
  return choice;
}

std::string_view wanted_gpu() {
  const char* wanted = std::getenv("TROIKA_VULKAN_DEVICE");
  return wanted ? wanted : "";
}

std::optional<bool> switched(const char* variable) {
  const char* told = std::getenv(variable);
  if (!told || !*told) return {};
  const std::string_view value = told;
  if (value != "1" && value != "0") fail("{}={}: it is 1 or 0", variable, value);
  return value == "1";
}

}  // namespace troika::device::vulkan
