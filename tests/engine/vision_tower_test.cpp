// The golden models' towers alone: their features against Hugging Face's, from a folder and from an mmproj file;
// how an mmproj file is found, and what is said when it does not fit.
#include "engine/vision_tower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "engine/model.h"
#include "engine/twin.h"
#include "vision/decode.h"

namespace troika::engine {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::filesystem::path kGoldens = std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/goldens";

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<float> read_npy(const std::filesystem::path& path) {
  std::string bytes = read_file(path);
  uint16_t header = 0;
  std::memcpy(&header, bytes.data() + 8, sizeof header);
  std::vector<float> values((bytes.size() - 10 - header) / sizeof(float));
  std::memcpy(values.data(), bytes.data() + 10 + header, values.size() * sizeof(float));
  return values;
}

struct Case {
  const char* name;    // of the golden folder
  const char* model;   // folder or GGUF file
  const char* mmproj;  // "": its own
  const char* device;
};

void PrintTo(const Case& c, std::ostream* out) { *out << c.model << " on " << c.device; }

class Tower : public ::testing::TestWithParam<Case> {};

// How far the features of the golden folder's picture are from its own, relative to these.
double error_of(const Model& model, const std::string& name) {
  auto golden = nlohmann::json::parse(read_file(kGoldens / name / "golden.json"));
  std::filesystem::path image = golden["features"].get<std::string>();
  std::string file = read_file(kGoldens / "images" / image);
  const vision::ProcessorSpec& own = model.tower->spec().processor;
  const vision::ProcessorSpec processor = models::read_processor(*files::ModelFile::open(kGoldens / name), own);
  auto features = model.tower->features(vision::prepare(vision::decode(std::as_bytes(std::span(file))), processor));

  auto expected = read_npy(kGoldens / name / ("features-" + image.stem().string() + ".npy"));
  EXPECT_EQ(features->values.size(), expected.size());
  EXPECT_EQ(size_t(features->rows * features->columns * model.spec.width), expected.size());
  double error = 0, norm = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    error += std::pow(features->values[i] - expected[i], 2);
    norm += std::pow(expected[i], 2);
  }
  return std::sqrt(error / norm);
}

TEST_P(Tower, MakesTheReferencesFeatures) {
  auto [name, model_name, mmproj, device] = GetParam();
  add_twin();
  EngineOptions options{.device = device, .threads = 2, .float32 = true};
  if (*mmproj) options.mmproj = kGoldens / mmproj;
  Model model = load_model(kGoldens / model_name, options);
  ASSERT_TRUE(model.tower) << model.why_blind;
  EXPECT_LT(error_of(model, name), 1e-5);
}

TEST(VisionTower, MultipliesWhereItIsPinned) {
  add_twin();
  EngineOptions options{.device = "twin,npu", .threads = 2};
  options.place = "vision=npu";
  for (const char* name : {"qwen2.5-vl", "gemma3-vl"}) {
    const Model model = load_model(kGoldens / name, options);
    for (const auto& [weight, format] : model.formats) EXPECT_FALSE(model.weights.holds(1, weight)) << weight;
    const double error = error_of(model, name);
    RecordProperty(std::string("error_") + name, std::to_string(error));
    EXPECT_LT(error, 0.03) << name;
    EXPECT_GT(error, 1e-4) << "in int8: " << name;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Goldens, Tower,
    ::testing::Values(Case{"qwen2.5-vl", "qwen2.5-vl", "", "cpu"}, Case{"qwen2.5-vl", "qwen2.5-vl", "", "reference"},
                      Case{"qwen2.5-vl", "qwen2.5-vl.f16.gguf", "qwen2.5-vl.mmproj.f16.gguf", "cpu"},
                      Case{"qwen2.5-vl", "qwen2.5-vl.f16.gguf", "", "cpu"},
                      Case{"qwen2.5-vl", "qwen2.5-vl", "", "multiplier"}, Case{"gemma3-vl", "gemma3-vl", "", "multiplier"},
                      Case{"gemma3-vl", "gemma3-vl", "", "cpu"}, Case{"gemma3-vl", "gemma3-vl", "", "reference"},
                      Case{"gemma3-vl", "gemma3-vl.f16.gguf", "gemma3-vl.mmproj.f16.gguf", "cpu"},
                      Case{"gemma3-vl", "gemma3-vl.f16.gguf", "", "cpu"}),
    [](const auto& info) {
      std::string name = std::string(info.param.model) + (*info.param.mmproj ? "_named_" : "_") + info.param.device;
      for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
      return name;
    });

std::string refusal(const char* model, const std::filesystem::path& mmproj) {
  try {
    load_model(kGoldens / model, {.device = "cpu", .threads = 1, .mmproj = mmproj});
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(VisionTower, RefusesANamedFileThatDoesNotServeTheModel) {
  EXPECT_THAT(refusal("qwen2.5-vl.f16.gguf", kGoldens / "gemma3-vl.mmproj.f16.gguf"), HasSubstr("gemma3"));
  EXPECT_THAT(refusal("qwen2.5-vl.f16.gguf", kGoldens / "qwen2-tied.f32.gguf"), HasSubstr("no image projector"));
  EXPECT_THAT(refusal("qwen2-tied.f32.gguf", kGoldens / "qwen2.5-vl.mmproj.f16.gguf"), HasSubstr("qwen2"));
  EXPECT_THAT(refusal("qwen2.5-vl.f16.gguf", kGoldens / "nothing.gguf"), HasSubstr("nothing.gguf"));
}

TEST(VisionTower, SaysWhyAModelCannotSee) {
  Model text = load_model(kGoldens / "qwen2-tied", {.device = "cpu", .threads = 1});
  EXPECT_FALSE(text.tower);
  EXPECT_THAT(text.why_blind, HasSubstr("reads text only"));
}

class Folder {
 public:
  Folder() : path_(std::filesystem::temp_directory_path() / ("troika-tower-test-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::filesystem::path add(const char* name, const std::string& content = "") {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

TEST(VisionTower, PrefersTheMmprojFileThatSharesTheModelsName) {
  Folder folder;
  auto model = folder.add("Gemma-3-4b-it-Q4_K_M.gguf");
  auto other = folder.add("mmproj-Qwen2.5-VL-7B.gguf"), own = folder.add("mmproj-gemma-3-4b-it-f16.gguf");
  auto plain = folder.add("mmproj.gguf");
  folder.add("mmproj.txt");
  auto found = mmproj_files_beside(model);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0], own);
  EXPECT_THAT(mmproj_files_beside(folder.add("elsewhere.gguf")).size(), 3u);
}

TEST(VisionTower, TellsWhatToDoWithoutAnMmprojFile) {
  Folder folder;
  auto model = folder.add("alone.gguf", read_file(kGoldens / "qwen2.5-vl.f16.gguf"));
  Model loaded = load_model(model, {.device = "cpu", .threads = 1});
  EXPECT_FALSE(loaded.tower);
  EXPECT_THAT(loaded.why_blind, HasSubstr("--mmproj"));
  folder.add("mmproj-wrong.gguf", read_file(kGoldens / "gemma3-vl.mmproj.f16.gguf"));
  EXPECT_THAT(load_model(model, {.device = "cpu", .threads = 1}).why_blind, HasSubstr("mmproj-wrong.gguf"));
}

}  // namespace
}  // namespace troika::engine
