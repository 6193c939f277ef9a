#include "npu/runtime/overlay.h"

#include "base/error.h"
#include "base/file_map.h"
#include "store/digest.h"

namespace troika::npu {

OverlayFiles read_overlay(const std::filesystem::path& folder, const GemmDesign& design) {
  const std::filesystem::path xclbin = folder / (design.spec.name + ".xclbin");
  const std::filesystem::path manifest = folder / (design.spec.name + ".json");
  for (const auto& file : {xclbin, manifest})
    if (!std::filesystem::exists(file))
      fail("{} is missing, without which the NPU cannot be configured; npu/build/README.md tells how it is made",
           file.string());
  OverlayFiles files{read_text_file(xclbin), read_manifest(read_text_file(manifest), design, manifest.string())};
  if (store::sha256_of(files.xclbin) != files.built.sha256)
    fail("{} is not the file that {} was written for; copy both from one build", xclbin.string(), manifest.string());
  return files;
}

}  // namespace troika::npu
