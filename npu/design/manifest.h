// What stands beside a built xclbin, as JSON: which design it was built from, to the byte, and how a run is given to it. A
// stream made for one design would do anything on an array that another one configured, so reading compares all of it.
//
//   {"version": 1, "design": "gemm_w4a8", "design_sha256": "…",            of to_mlir's text
//    "tile": {"m": 64, "k": 64, "n": 128}, "x": "i8", "w": "w4", "y": "i32",
//    "kernels": ["dequant_w4g64_i8_64x128", …], "arguments": ["X", "W", "Y"],
//    "xclbin": {"sha256": "…", "kernel": "MLIR_AIE"}, "tools": {"mlir_aie": "1.3.2", "llvm_aie": "…"}}
#pragma once

#include <string>
#include <string_view>

#include "npu/design/gemm_design.h"

namespace troika::npu {

constexpr int kManifestVersion = 1;

// What only the build knows.
struct BuiltXclbin {
  std::string sha256;
  std::string kernel;  // by which XRT finds it
  std::string mlir_aie, llvm_aie;  // versions of the tools
  bool operator==(const BuiltXclbin&) const = default;
};

std::string write_manifest(const GemmDesign& design, const BuiltXclbin& built);

// Throws Error when the text is no manifest, or not of this version, this design and this text of it. `path` names it then.
BuiltXclbin read_manifest(std::string_view json, const GemmDesign& design, const std::string& path);

}  // namespace troika::npu
