#include "engine/devices.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"

namespace troika::engine {

std::vector<std::string> device_list(std::string_view text) {
  if (text == "auto") return {"cpu"};
  std::vector<std::string> names;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    names.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  for (const std::string& name : names) {
    if (name.empty() || std::ranges::count(names, name) > 1) {
      fail("--device {}: a list names each device once, such as vulkan,npu", text);
    }
    if (name == "cpu" && &name != &names.back()) {
      fail("--device {}: the CPU does what is left to it, so it comes last; --place says what else it does", text);
    }
  }
  if (names.back() != "cpu") names.push_back("cpu");
  return names;
}

std::string list_without(const std::vector<std::string>& list, int device) {
  std::vector<std::string> rest = list;
  rest.erase(rest.begin() + device);
  return fmt::format("{}", fmt::join(rest, ","));
}

}  // namespace troika::engine
