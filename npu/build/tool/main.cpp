// npu_design: what building an overlay needs to know of a design. build_xclbins calls it.
//
//   npu_design list                                                       the designs' names
//   npu_design text NAME                                                  the design for mlir-aie
//   npu_design manifest NAME XCLBIN_SHA256 KERNEL MLIR_AIE LLVM_AIE       what stands beside the xclbin; tools by version
#include <cstdio>
#include <fmt/format.h>
#include <span>
#include <string_view>

#include "base/error.h"
#include "npu/design/gemm_design.h"
#include "npu/design/manifest.h"
#include "npu/design/mlir.h"
#include "store/digest.h"

namespace troika::npu {
namespace {

GemmDesign design_called(std::string_view name) {
  for (const GemmTile& tile : kGemmTiles) {
    GemmDesign design = make_gemm_design(tile);
    if (design.spec.name == name) return design;
  }
  fail("There is no design {}; npu_design list has them all.", name);
}

void run(std::span<char*> arguments) {
  const std::string_view verb = arguments.empty() ? "" : arguments[0];
  if (verb == "list" && arguments.size() == 1) {
    for (const GemmTile& tile : kGemmTiles) fmt::print("{}\n", make_gemm_design(tile).spec.name);
  } else if (verb == "text" && arguments.size() == 2) {
    fmt::print("{}", to_mlir(design_called(arguments[1]).spec));
  } else if (verb == "manifest" && arguments.size() == 6) {
    const BuiltXclbin built{arguments[2], arguments[3], arguments[4], arguments[5]};
    if (!store::is_sha256(built.sha256)) fail("{} is no SHA-256; sha256sum prints one.", built.sha256);
    fmt::print("{}", write_manifest(design_called(arguments[1]), built));
  } else {
    fail("Use npu_design list, npu_design text NAME, or npu_design manifest NAME XCLBIN_SHA256 KERNEL MLIR_AIE LLVM_AIE.");
  }
}

}  // namespace
}  // namespace troika::npu

int main(int count, char** arguments) {
  try {
    troika::npu::run({arguments + 1, size_t(count - 1)});
    return 0;
  } catch (const troika::Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
