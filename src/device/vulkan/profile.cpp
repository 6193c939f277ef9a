#include "device/vulkan/profile.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

namespace troika::device::vulkan {

void Profile::add(const Recorder& recorder) {
  if (!std::exchange(is_warm_, true)) return;
  for (size_t i = 0; i < recorder.timed().size(); ++i) add(recorder.name(i), recorder.timed()[i].seconds);
  end_step();
}

void Profile::add(const std::string& name, double seconds) {
  auto line = std::ranges::find(lines_, name, &Line::name);
  if (line == lines_.end()) line = lines_.insert(line, {name});
  ++line->dispatches;
  line->seconds += seconds;
}

std::string Profile::table() const {
  if (steps_ == 0) return "";
  std::vector<Line> lines = lines_;
  std::ranges::stable_sort(lines, std::greater(), &Line::seconds);
  const double all = std::accumulate(lines.begin(), lines.end(), 0.0, [](double sum, const Line& l) { return sum + l.seconds; });
  const auto per_step = [&](double sum) { return sum / double(steps_); };
  std::string text = fmt::format("{}, a step of up to {} rows, the mean of {}: {:.3f} ms, if each dispatch waits for those before it\n",
                                 gpu_, rows_, steps_, per_step(all) * 1e3);
  for (const Line& l : lines) {
    text += fmt::format("{:6.1f} % {:9.1f} us = {:5.1f} x {:8.1f} us  {}\n", l.seconds / all * 100, per_step(l.seconds) * 1e6,
                        per_step(double(l.dispatches)), l.seconds / double(l.dispatches) * 1e6, l.name);
  }
  return text;
}

}  // namespace troika::device::vulkan
