#include "device/vulkan/measured.h"

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "device/vulkan/kept_file.h"

namespace troika::device::vulkan {
namespace {

constexpr std::string_view kIs = " = ";

}  // namespace

std::string text_of(const Measured& measured) {
  std::string text;
  for (const auto& [product, kernel] : measured.kernels) text += fmt::format("{}{}{}\n", product, kIs, kernel);
  return text;
}

Measured measured_of(std::string_view text) {
  Measured measured;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const size_t is = line.find(kIs);
    if (is != line.npos) measured.kernels.emplace(line.substr(0, is), line.substr(is + kIs.size()));
  }
  return measured;
}

MeasuredFile::MeasuredFile(std::filesystem::path file, uint64_t shaders)
    : measured(measured_of(read_kept(file, shaders))), file_(std::move(file)), shaders_(shaders), kept_(measured) {}

void MeasuredFile::keep() {
  if (measured == kept_ || file_.empty()) return;
  kept_ = measured;
  Measured all = measured;
  all.kernels.merge(measured_of(read_kept(file_, shaders_)).kernels);
  try {
    write_kept(file_, shaders_, text_of(all));
  } catch (const Error& error) {
    log::debug("what was measured on the GPU is not kept: {}", error.what());
    file_.clear();
  }
}

}  // namespace troika::device::vulkan
