// Qwen2's numbers, names and structure, read from the golden models (tests/goldens) in both file formats.
#include <gtest/gtest.h>

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/error.h"
#include "models/architecture.h"

namespace troika::models {
namespace {

const std::filesystem::path kGoldens = std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/goldens";

class GoldenModel : public ::testing::TestWithParam<const char*> {};

TEST_P(GoldenModel, HasExactlyTheWeightsThatTheTapeNames) {
  auto file = files::ModelFile::open(kGoldens / GetParam());
  const Architecture& architecture = architecture_of(*file);
  ModelSpec spec = architecture.read(*file);
  ops::Program program = trace(architecture, spec, 4, 2);
  std::set<std::string> named;
  for (const ops::TensorInfo& tensor : program.tensors) {
    if (tensor.role != ops::Role::weight) continue;
    auto found = find_weight(*file, architecture.names, tensor.name, spec.head_dim);
    ASSERT_TRUE(found) << tensor.name;
    EXPECT_EQ(found->view.shape, tensor.shape) << found->name;
    named.insert(found->name);
  }
  for (const std::string& name : file->names()) EXPECT_TRUE(named.contains(name)) << name << " is not used";
}

INSTANTIATE_TEST_SUITE_P(Files, GoldenModel,
                         ::testing::Values("qwen2-tied", "qwen2-untied", "qwen2-yarn", "qwen2-tied.f32.gguf",
                                           "qwen2-untied.f16.gguf", "qwen2-yarn.f16.gguf"),
                         [](const auto& info) {
                           std::string name = info.param;
                           for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
                           return name;
                         });

ModelSpec read(const char* name) {
  auto file = files::ModelFile::open(kGoldens / name);
  return architecture_of(*file).read(*file);
}

TEST(Qwen2, ReadsTheSameNumbersFromBothFormats) {
  for (auto [folder, gguf] : {std::pair{"qwen2-tied", "qwen2-tied.f32.gguf"},
                              std::pair{"qwen2-untied", "qwen2-untied.f16.gguf"},
                              std::pair{"qwen2-yarn", "qwen2-yarn.f16.gguf"}}) {
    ModelSpec a = read(folder), b = read(gguf);
    EXPECT_EQ(a.layers, b.layers);
    EXPECT_EQ(a.width, b.width);
    EXPECT_EQ(a.heads, b.heads);
    EXPECT_EQ(a.kv_heads, b.kv_heads);
    EXPECT_EQ(a.head_dim, b.head_dim);
    EXPECT_EQ(a.mlp_width, b.mlp_width);
    EXPECT_EQ(a.vocabulary, b.vocabulary);
    EXPECT_EQ(a.context, b.context);
    EXPECT_EQ(a.tied_head, b.tied_head);
    EXPECT_EQ(a.norm_epsilon, b.norm_epsilon);
    EXPECT_EQ(a.rope->inverse_frequency, b.rope->inverse_frequency);
    EXPECT_EQ(a.rope->amplitude, b.rope->amplitude);
  }
}

TEST(Qwen2, ScalesYarnByFactorAndAmplitude) {
  ModelSpec s = read("qwen2-yarn");  // θ 10000, D 32, factor 4, original context 256
  EXPECT_FLOAT_EQ(s.rope->amplitude, 0.1f * std::log(4.0f) + 1);
  EXPECT_FLOAT_EQ(s.rope->inverse_frequency[0], 1);                           // short waves stay
  EXPECT_FLOAT_EQ(s.rope->inverse_frequency[15], std::pow(1e4f, -30.f / 32) / 4);  // long ones are interpolated
}

TEST(Qwen2, IgnoresTheWindowUnlessItIsSwitchedOn) {
  for (int window : read("qwen2-untied").windows) EXPECT_EQ(window, 0);
}

// A copy of a golden folder with one text replaced in config.json.
class EditedFolder {
 public:
  EditedFolder(const std::string& from, const std::string& to) {
    path_ = std::filesystem::temp_directory_path() / ("troika-qwen2-test-" + std::to_string(::getpid()));
    std::filesystem::remove_all(path_);
    std::filesystem::copy(kGoldens / "qwen2-tied", path_);
    std::ifstream in(path_ / "config.json");
    std::string text(std::istreambuf_iterator<char>(in), {});
    size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    if (at != std::string::npos) text.replace(at, from.size(), to);
    std::ofstream(path_ / "config.json") << text;
  }
  ~EditedFolder() { std::filesystem::remove_all(path_); }

  std::string error() const {
    try {
      auto file = files::ModelFile::open(path_);
      architecture_of(*file).read(*file);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
  ModelSpec read() const {
    auto file = files::ModelFile::open(path_);
    return architecture_of(*file).read(*file);
  }

 private:
  std::filesystem::path path_;
};

TEST(Qwen2, SlidesFromMaxWindowLayersOnWhenSwitchedOn) {
  EditedFolder folder(R"("use_sliding_window": false,
  "sliding_window": 1024,
  "max_window_layers": 3)",
                      R"("use_sliding_window": true, "sliding_window": 8, "max_window_layers": 1)");
  EXPECT_EQ(folder.read().windows, (std::vector<int>{0, 8, 8}));
}

TEST(Qwen2, NamesTheKeyOfAnAbsurdNumber) {
  auto contains = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  EXPECT_TRUE(contains(EditedFolder(R"("num_hidden_layers": 3)", R"("num_hidden_layers": 0)").error(), "num_hidden_layers"));
  EXPECT_TRUE(contains(EditedFolder(R"("num_hidden_layers": 3)", R"("num_hidden_layers": 1e9)").error(), "num_hidden_layers"));
  EXPECT_TRUE(contains(EditedFolder(R"("num_attention_heads": 4)", R"("num_attention_heads": -4)").error(), "num_attention_heads"));
  EXPECT_TRUE(contains(EditedFolder(R"("num_attention_heads": 4)", R"("num_attention_heads": 3)").error(), "heads"));
  EXPECT_TRUE(contains(EditedFolder(R"("hidden_size": 64)", R"("hidden_size": "64")").error(), "hidden_size"));
  EXPECT_TRUE(contains(EditedFolder(R"("hidden_size": 64,)", "").error(), "hidden_size"));
  EXPECT_TRUE(contains(EditedFolder(R"("rope_theta": 1000000.0)", R"("rope_theta": -1)").error(), "RoPE"));
  EXPECT_TRUE(contains(EditedFolder(R"("model_type": "qwen2")", R"("model_type": "mamba")").error(), "mamba"));
}

}  // namespace
}  // namespace troika::models
