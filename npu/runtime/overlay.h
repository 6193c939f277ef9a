// The files that configure an array: DESIGN.xclbin, and DESIGN.json, the manifest that says what it is.
#pragma once

#include <filesystem>

#include "npu/design/manifest.h"

namespace troika::npu {

struct OverlayFiles {
  std::string xclbin;
  BuiltXclbin built;
};

// Throws Error where one is missing, or they are not of this design and of each other.
OverlayFiles read_overlay(const std::filesystem::path& folder, const GemmDesign& design);

}  // namespace troika::npu
