#include "npu/design/manifest.h"

#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "npu/design/mlir.h"
#include "store/digest.h"

namespace troika::npu {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kCure = "build it again with npu/build/build_xclbins";

constexpr std::string_view kWeightNames[] = {"w4", "i8", "bf16"};  // by WeightKind

// All that follows from the design.
Json describe(const GemmDesign& design) {
  std::set<std::string> kernels;
  for (const CoreSpec& core : design.spec.cores)
    for (const CoreStep& step : core.program)
      if (step.kind == CoreStep::Kind::call) kernels.insert(step.kernel);
  const GemmTile& tile = design.tile;
  return {{"version", kManifestVersion},
          {"design", design.spec.name},
          {"design_sha256", store::sha256_of(to_mlir(design.spec))},
          {"tile", {{"m", tile.m}, {"k", tile.k}, {"n", tile.n}}},
          {"x", tile.unit().x},
          {"w", kWeightNames[int(tile.weights)]},
          {"y", tile.result == ResultKind::bf16 ? "bf16" : tile.unit().sums},
          {"kernels", kernels},
          {"arguments", kGemmArgumentNames}};
}

std::string text_at(const Json& object, const char* key, const std::string& path) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_string())
    fail("{}: the manifest has no text for {}; {}.", path, key, kCure);
  return object[key].get<std::string>();
}

std::string sha256_at(const Json& object, const std::string& path) {
  std::string digest = text_at(object, "sha256", path);
  if (!store::is_sha256(digest)) fail("{}: the manifest's sha256 of the xclbin is no SHA-256; {}.", path, kCure);
  return digest;
}

// What lies deeper than anything of ours is dropped, so that showing a value cannot exhaust the stack.
bool keep(int depth, Json::parse_event_t, Json&) { return depth <= 4; }

Json parse(std::string_view json, const std::string& path) {
  try {
    return Json::parse(json, keep);
  } catch (const Json::exception&) {
    fail("{}: the manifest is no JSON; {}.", path, kCure);
  }
}

// What a sentence shows of a foreign value: not all of it, and never an exception for bytes that are no UTF-8.
std::string shown(const Json& value) {
  constexpr size_t kMost = 80;
  std::string text = value.dump(-1, ' ', true, Json::error_handler_t::replace);
  return text.size() > kMost ? text.substr(0, kMost) + "…" : text;
}

}  // namespace

std::string write_manifest(const GemmDesign& design, const BuiltXclbin& built) {
  check(store::is_sha256(built.sha256), "the xclbin's SHA-256");
  Json manifest = describe(design);
  manifest["xclbin"] = {{"sha256", built.sha256}, {"kernel", built.kernel}};
  manifest["tools"] = {{"mlir_aie", built.mlir_aie}, {"llvm_aie", built.llvm_aie}};
  return manifest.dump(2) + "\n";
}

BuiltXclbin read_manifest(std::string_view json, const GemmDesign& design, const std::string& path) {
  const Json manifest = parse(json, path);
  if (!manifest.is_object()) fail("{}: the manifest is no JSON object; {}.", path, kCure);
  const Json ours = describe(design);
  for (const auto& [key, expected] : ours.items()) {
    const Json found = manifest.value(key, Json());
    if (found != expected)
      fail("{}: the manifest has {} for {}, but this Troika needs {}; {}.", path, shown(found), key, shown(expected), kCure);
  }
  const Json xclbin = manifest.value("xclbin", Json()), tools = manifest.value("tools", Json());
  return {sha256_at(xclbin, path), text_at(xclbin, "kernel", path), text_at(tools, "mlir_aie", path),
          text_at(tools, "llvm_aie", path)};
}

}  // namespace troika::npu
