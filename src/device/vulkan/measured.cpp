#include "device/vulkan/measured.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/log.h"
#include "device/vulkan/kept_file.h"

namespace troika::device::vulkan {
namespace {

constexpr std::string_view kIs = " = ", kWork = "work per second";
constexpr double kLeastRate = 1e8, kMostRate = 1e19;  // what any GPU may do

std::optional<double> number_in(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_rate = error == std::errc() && end == text.data() + text.size() && number > kLeastRate && number < kMostRate;
  return is_rate ? std::optional(number) : std::nullopt;
}

}  // namespace

std::string text_of(const Measured& measured) {
  std::string text;
  if (measured.work_per_second) text += fmt::format("{}{}{:.1e}\n", kWork, kIs, *measured.work_per_second);
  for (const auto& [product, kernel] : measured.kernels) text += fmt::format("{}{}{}\n", product, kIs, kernel);
  return text;
}

Measured measured_of(std::string_view text) {
  Measured measured;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const size_t is = line.find(kIs);
    if (is == line.npos) continue;
    const std::string_view name = line.substr(0, is), value = line.substr(is + kIs.size());
    if (name == kWork) measured.work_per_second = number_in(value);
    else measured.kernels.emplace(name, value);
  }
  return measured;
}

MeasuredFile::MeasuredFile(std::filesystem::path file, uint64_t shaders)
    : measured(measured_of(read_kept(file, shaders))), file_(std::move(file)), shaders_(shaders), kept_(text_of(measured)) {}

void MeasuredFile::keep() {
  if (text_of(measured) == kept_ || file_.empty()) return;
  kept_ = text_of(measured);
  Measured all = measured, others = measured_of(read_kept(file_, shaders_));
  all.kernels.merge(others.kernels);
  if (!all.work_per_second) all.work_per_second = others.work_per_second;
  try {
    write_kept(file_, shaders_, text_of(all));
  } catch (const Error& error) {
    log::debug("what was measured on the GPU is not kept: {}", error.what());
    file_.clear();
  }
}

}  // namespace troika::device::vulkan
