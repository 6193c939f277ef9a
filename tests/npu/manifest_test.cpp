// Manifests of built xclbins: what is written is read, and what was built from anything else is refused in one sentence.
#include "npu/design/manifest.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <random>

#include "base/error.h"
#include "npu/design/mlir.h"
#include "store/digest.h"

namespace troika::npu {
namespace {

using Json = nlohmann::ordered_json;
using testing::AllOf;
using testing::EndsWith;
using testing::StartsWith;

constexpr const char* kPath = "gemm_w4a8.json";
const GemmDesign kDesign = make_gemm_design(kW4A8);
const BuiltXclbin kBuilt{std::string(64, 'a'), "MLIR_AIE", "1.3.2", "21.0"};

Json good() { return Json::parse(write_manifest(kDesign, kBuilt)); }

TEST(Manifest, ReadsWhatItWrote) {
  for (const GemmTile& tile : kGemmTiles) {
    const GemmDesign design = make_gemm_design(tile);
    EXPECT_EQ(read_manifest(write_manifest(design, kBuilt), design, kPath), kBuilt);
  }
}

TEST(Manifest, SaysWhatARunTimeMustKnow) {
  const Json m = Json::parse(write_manifest(make_gemm_design(kW4A8Scaled), kBuilt));
  EXPECT_EQ(m["version"], 1);
  EXPECT_EQ(m["design"], "gemm_w4a8_bf16");
  EXPECT_EQ(m["design_sha256"], store::sha256_of(to_mlir(make_gemm_design(kW4A8Scaled).spec)));
  EXPECT_EQ(m["tile"], Json({{"m", 64}, {"k", 64}, {"n", 128}}));
  EXPECT_EQ(m["x"], "i8");
  EXPECT_EQ(m["w"], "w4");
  EXPECT_EQ(m["y"], "bf16");
  EXPECT_EQ(m["kernels"], Json({"dequant_w4g64_i8_64x128", "epilogue_i32_bf16_64x128", "mm_i8i8_i32_64x64x128",
                                "zero_i32_64x128"}));
  EXPECT_EQ(m["arguments"][kArgumentX], "X");
  EXPECT_EQ(m["arguments"][kArgumentW], "W");
  EXPECT_EQ(m["arguments"][kArgumentY], "Y");
  EXPECT_EQ(m["xclbin"]["kernel"], "MLIR_AIE");
}

void expect_refused(const std::string& json, const std::string& sentence) {
  EXPECT_THAT([&] { read_manifest(json, kDesign, kPath); },
              testing::ThrowsMessage<Error>(AllOf(StartsWith("gemm_w4a8.json: the manifest" + sentence),
                                                  EndsWith("; build it again with npu/build/build_xclbins."))));
}

TEST(Manifest, RefusesAnotherVersionDesignAndText) {
  auto with = [](const char* key, const Json& value) {
    Json m = good();
    m[key] = value;
    return m.dump();
  };
  expect_refused(with("version", 2), " has 2 for version, but this Troika needs 1;");
  expect_refused(with("version", "1"), " has \"1\" for version, but this Troika needs 1;");
  expect_refused(with("design_sha256", std::string(64, '0')), " has \"0000");
  expect_refused(with("tile", {{"m", 64}, {"k", 64}, {"n", 64}}), " has {\"m\":64,\"k\":64,\"n\":64} for tile, but");
  expect_refused(with("arguments", {"W", "X", "Y"}), " has [\"W\",\"X\",\"Y\"] for arguments, but this Troika needs [\"X\"");
  expect_refused(write_manifest(make_gemm_design(kW8A8), kBuilt), " has \"gemm_w8a8\" for design, but");
  expect_refused(with("kernels", std::string(1000, 'k')), " has \"" + std::string(79, 'k') + "… for kernels, but");
}

TEST(Manifest, RefusesWhatIsMissingOrNoManifest) {
  const Json whole = good();
  for (const auto& [key, value] : whole.items()) {
    Json m = whole;
    m.erase(key);
    if (key == "xclbin") expect_refused(m.dump(), " has no text for sha256;");
    else if (key == "tools") expect_refused(m.dump(), " has no text for mlir_aie;");
    else expect_refused(m.dump(), " has null for " + key + ", but");
  }
  Json m = good();
  m["xclbin"]["sha256"] = "beef";
  expect_refused(m.dump(), "'s sha256 of the xclbin is no SHA-256;");
  m = good();
  m["xclbin"]["kernel"] = 7;
  expect_refused(m.dump(), " has no text for kernel;");
  expect_refused("", " is no JSON;");
  expect_refused("{\"version\": 1", " is no JSON;");
  expect_refused("{\"version\": " + std::string(100000, '[') + std::string(100000, ']') + "}", " has [[[");
  expect_refused("[]", " is no JSON object;");
}

TEST(Manifest, IsReadOrRefusedHoweverItIsDamaged) {
  std::mt19937 random(1);
  const std::string text = write_manifest(kDesign, kBuilt);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = text.substr(0, text.size() - random() % 2 * (random() % text.size()));
    for (int changes = random() % 4; changes > 0; --changes) damaged[random() % damaged.size()] = char(random());
    try {
      read_manifest(damaged, kDesign, kPath);
    } catch (const InternalError& error) {
      FAIL() << error.what() << "\n" << damaged;
    } catch (const Error&) {
    }
  }
}

}  // namespace
}  // namespace troika::npu
