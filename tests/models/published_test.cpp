// The published models by their config.json alone: the tape must name as many parameters as were published. The
// configs in published/ are those of the Hugging Face repositories of their names, cut to the keys that say something
// about the structure; the terse ones (Gemma 3 from 4B on) are as terse as they are there.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>

#include "base/error.h"
#include "files/config_file.h"
#include "models/architecture.h"
#include "models/tower.h"
#include "plan/footprint.h"

namespace troika::models {
namespace {

const std::filesystem::path kConfigs = std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/models/published";

struct Model {
  std::unique_ptr<files::ModelFile> file;
  const Architecture* architecture;
  ModelSpec spec;
  ops::Program program;
};

Model load(const std::filesystem::path& path) {
  Model m{.file = files::open_config(path)};
  m.architecture = &architecture_of(*m.file);
  m.spec = m.architecture->read(*m.file);
  m.program = trace(*m.architecture, m.spec, 1, 1);
  return m;
}

Model published(std::string_view name) { return load(kConfigs / fmt::format("{}.json", name)); }

// The layers that keep everything, those that keep a window, the window, and what one of them keeps of a token:
// key/value heads × head size.
struct Cache {
  int full, sliding, window, width;
};

struct Published {
  const char* name;
  int64_t parameters;  // of the text model
  int64_t looked_up;   // of these, in tables of which a token reads one row
  Cache cache;
};

// Parameters: "safetensors": {"total"} of the repository on huggingface.co (the count of its model card, to the
// digit), where a copy of a tied head is not counted; of models with images, less the tower's.
constexpr Published kPublished[] = {
    {"qwen2.5-0.5b-instruct", 494'032'768, 0, {24, 0, 0, 2 * 64}},
    {"qwen2.5-1.5b-instruct", 1'543'714'304, 0, {28, 0, 0, 2 * 128}},
    {"qwen2.5-3b-instruct", 3'085'938'688, 0, {36, 0, 0, 2 * 128}},
    {"qwen2.5-7b-instruct", 7'615'616'512, 544'997'376, {28, 0, 0, 4 * 128}},
    {"qwen2.5-14b-instruct", 14'770'033'664, 778'567'680, {48, 0, 0, 8 * 128}},
    {"qwen2.5-32b-instruct", 32'763'876'352, 778'567'680, {64, 0, 0, 8 * 128}},
    {"qwq-32b", 32'763'876'352, 778'567'680, {64, 0, 0, 8 * 128}},
    {"qwen2.5-vl-3b-instruct", 3'085'938'688, 0, {36, 0, 0, 2 * 128}},            // 3,754,622,976 with its tower
    {"qwen2.5-vl-7b-instruct", 7'615'616'512, 544'997'376, {28, 0, 0, 4 * 128}},  // 8,292,166,656 with its tower
    {"qwen3-0.6b", 596'049'920, 0, {28, 0, 0, 8 * 128}},
    {"qwen3-1.7b", 1'720'574'976, 0, {28, 0, 0, 8 * 128}},
    {"qwen3-4b", 4'022'468'096, 0, {36, 0, 0, 8 * 128}},
    {"qwen3-8b", 8'190'735'360, 622'329'856, {36, 0, 0, 8 * 128}},
    {"qwen3-14b", 14'768'307'200, 777'912'320, {40, 0, 0, 8 * 128}},
    {"qwen3-32b", 32'762'123'264, 777'912'320, {64, 0, 0, 8 * 128}},
    {"qwen3-30b-a3b", 30'532'122'624, 311'164'928, {48, 0, 0, 4 * 128}},
    {"gemma-2-2b-it", 2'614'341'888, 0, {13, 13, 4096, 4 * 256}},
    {"gemma-2-9b-it", 9'241'705'984, 0, {21, 21, 4096, 8 * 256}},
    {"gemma-2-27b-it", 27'227'128'320, 0, {23, 23, 4096, 16 * 128}},
    {"gemma-3-1b-it", 999'885'952, 0, {4, 22, 512, 256}},
    {"gemma-3-4b-it", 3'880'263'168, 0, {5, 29, 1024, 4 * 256}},     // 4,300,079,472 with its tower
    {"gemma-3-12b-it", 11'766'034'176, 0, {8, 40, 1024, 8 * 256}},   // 12,187,325,040 with its tower
    {"gemma-3-27b-it", 27'009'346'304, 0, {10, 52, 1024, 16 * 128}}, // 27,432,406,640 with its tower
    {"llama-3.1-8b-instruct", 8'030'261'248, 525'336'576, {32, 0, 0, 8 * 128}},
    {"llama-3.2-1b-instruct", 1'235'814'400, 0, {16, 0, 0, 8 * 64}},
    {"llama-3.2-3b-instruct", 3'212'749'824, 0, {28, 0, 0, 8 * 128}},
};

void PrintTo(const Published& p, std::ostream* out) { *out << p.name; }

class PublishedModel : public ::testing::TestWithParam<Published> {};

TEST_P(PublishedModel, HasAsManyParametersAsPublished) {
  Model m = published(GetParam().name);
  plan::Parameters count = plan::parameters(m.program);
  EXPECT_EQ(count.total, GetParam().parameters);
  EXPECT_EQ(count.looked_up, GetParam().looked_up);
  EXPECT_EQ(count.head, int64_t{m.spec.vocabulary} * m.spec.width);
}

TEST_P(PublishedModel, KeepsAsMuchOfALongTextAsItsLayersLookAt) {
  Model m = published(GetParam().name);
  auto [full, sliding, window, width] = GetParam().cache;
  for (int tokens : {320, 32768}) {
    int64_t kept = std::min(tokens, window + ops::kPageTokens);
    int64_t values = 2 * (int64_t{full} * tokens + sliding * kept) * width;  // keys and values
    EXPECT_EQ(plan::cache_bytes(m.program, Format::f16, tokens), size_t(2 * values)) << tokens;
    EXPECT_EQ(plan::cache_bytes(m.program, Format::q8_0, tokens), size_t(values / 32 * 34)) << tokens;
    EXPECT_EQ(plan::cache_bytes(m.program, Format::q4_0, tokens), size_t(values / 32 * 18)) << tokens;
  }
}

std::string as_identifier(const ::testing::TestParamInfo<Published>& info) {
  std::string name = info.param.name;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}
INSTANTIATE_TEST_SUITE_P(Text, PublishedModel, ::testing::ValuesIn(kPublished), as_identifier);

// Google's own count of the text models: 6.87 and 4.46 billion. (The repositories' totals of 7.85 and 5.44 hold towers
// for pictures and sound too, which are none of the tape's.)
TEST(Published, Gemma3nIsAsLargeAsPublishedAndKeepsLittle) {
  struct {
    const char* name;
    double billions, layer_embeddings;
    Cache cache;
  } const models[] = {{"gemma-3n-e2b-it", 4.46, 2.01, {4, 16, 512, 2 * 256}},
                      {"gemma-3n-e4b-it", 6.87, 2.35, {4, 16, 512, 2 * 256}}};
  for (const auto& [name, billions, layer_embeddings, cache] : models) {
    Model m = published(name);
    plan::Parameters count = plan::parameters(m.program);
    EXPECT_NEAR(double(count.total) / 1e9, billions, 0.01 * billions) << name;
    EXPECT_NEAR(double(count.looked_up) / 1e9, layer_embeddings, 0.01) << name;
    int64_t values = 2 * (int64_t{cache.full} * 32768 + int64_t{cache.sliding} * (512 + ops::kPageTokens)) * cache.width;
    EXPECT_EQ(plan::cache_bytes(m.program, Format::f16, 32768), size_t(2 * values)) << name;
  }
}

TEST(Published, TowersHaveAsManyParametersAsPublished) {
  // Of the whole models, by the same source as above.
  struct {
    const char* name;
    int64_t parameters;
  } const models[] = {
      {"qwen2.5-vl-3b-instruct", 3'754'622'976},
      {"qwen2.5-vl-7b-instruct", 8'292'166'656},
      {"gemma-3-4b-it", 4'300'079'472},
      {"gemma-3-12b-it", 12'187'325'040},
      {"gemma-3-27b-it", 27'432'406'640},
  };
  for (const auto& [name, parameters] : models) {
    Model m = published(name);
    const Tower* tower = tower_of(*m.file);
    ASSERT_NE(tower, nullptr) << name;
    EXPECT_EQ(tower->text_family, m.spec.family);
    TowerSpec spec = tower->read(*m.file);
    EXPECT_EQ(spec.text_width, m.spec.width);
    plan::Parameters of_tower = plan::parameters(trace(*tower, spec, 1));
    EXPECT_EQ(plan::parameters(m.program).total + of_tower.total, parameters) << name;
  }
  EXPECT_EQ(tower_of(*published("gemma-3-1b-it").file), nullptr);
  EXPECT_EQ(tower_of(*published("qwen2.5-7b-instruct").file), nullptr);
}

TEST(Published, BlockFormatsTakeAsManyBytesAsTheFilesOnTheHub) {
  // Bytes of all tensors as llama.cpp reports them ("size" of a loaded model, model_size of llama-bench).
  struct {
    const char* name;
    plan::Recipe recipe;
    size_t bytes;
  } const files[] = {
      {"qwen2.5-14b-instruct", plan::Recipe::q4_k_m, 8'982'142'976},
      {"qwen3-1.7b", plan::Recipe::q8_0, 1'828'474'880},
      {"qwen3-1.7b", plan::Recipe::q4_k_m, 1'101'457'408},
      {"qwen3-4b", plan::Recipe::q4_k_m, 2'491'323'904},
      {"qwen3-8b", plan::Recipe::q4_k_m, 5'021'827'072},
      {"qwen3-32b", plan::Recipe::q4_k_m, 19'756'174'336},
  };
  for (const auto& [name, recipe, bytes] : files) {
    EXPECT_EQ(plan::weight_bytes(published(name).program, recipe), bytes) << name << " " << name_of(recipe);
  }
  // A whole file, with the 6 MB of its vocabulary.
  EXPECT_NEAR(double(plan::weight_bytes(published("qwen3-30b-a3b").program, plan::Recipe::q4_k_m)), 18'556'686'912 - 6e6, 1e6);
}

TEST(Published, GemmaTakesForGrantedWhatItsTerseConfigsLeaveOut) {
  ModelSpec s = published("gemma-3-4b-it").spec;
  EXPECT_EQ(s.heads, 8);
  EXPECT_EQ(s.kv_heads, 4);
  EXPECT_EQ(s.head_dim, 256);
  EXPECT_EQ(s.vocabulary, 262208);
  EXPECT_EQ(s.context, 131072);
  EXPECT_TRUE(s.tied_head);
  EXPECT_TRUE(s.sees_images);
  EXPECT_EQ(s.attention_scale, 1.0f / 16);
  EXPECT_EQ(s.rope->base, 1e6);
  EXPECT_EQ(s.rope->scaling, "linear 8");
  EXPECT_EQ(s.local_rope->base, 1e4);
  EXPECT_EQ(s.local_rope->scaling, "");
  EXPECT_EQ(s.windows[4], 1024);
  EXPECT_EQ(s.windows[5], 0);
  EXPECT_FLOAT_EQ(published("gemma-3-27b-it").spec.attention_scale, 1 / std::sqrt(168.0f));
  EXPECT_FLOAT_EQ(published("gemma-2-27b-it").spec.attention_scale, 1 / std::sqrt(144.0f));
  EXPECT_FALSE(published("gemma-3-1b-it").spec.sees_images);
}

// Qwen's model cards tell to add this for texts beyond 32768 tokens.
TEST(Published, YarnRampsByTheModelsOwnBase) {
  std::ifstream in(kConfigs / "qwen2.5-7b-instruct.json");
  std::string text(std::istreambuf_iterator<char>(in), {});
  text.insert(text.find('{') + 1,
              R"("rope_scaling": {"factor": 4.0, "original_max_position_embeddings": 32768, "type": "yarn"},)");
  auto path = std::filesystem::temp_directory_path() / fmt::format("troika-yarn-{}.json", ::getpid());
  std::ofstream(path) << text;
  ModelSpec plain = published("qwen2.5-7b-instruct").spec, scaled = load(path).spec;
  std::filesystem::remove(path);
  EXPECT_EQ(scaled.rope->scaling, "yarn 4");
  // 128 · ln(32768 / 2πr) / (2 ln 10⁶) is 23.6 for r = 32 and 39.7 for r = 1: the ramp goes from pair 23 to 40.
  const auto &before = plain.rope->inverse_frequency, &after = scaled.rope->inverse_frequency;
  EXPECT_EQ(after[23], before[23]);
  EXPECT_LT(after[24], before[24]);
  EXPECT_GT(after[39], before[39] / 4);
  EXPECT_FLOAT_EQ(after[40], before[40] / 4);
}

TEST(Published, RefusesWhatIsNoModelWithOneSentence) {
  auto error = [](const std::filesystem::path& path) -> std::string {
    try {
      load(path);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_THAT(error(kConfigs), ::testing::HasSubstr("has no config.json"));
  EXPECT_THAT(error(kConfigs / "absent.json"), ::testing::HasSubstr("config.json"));
  EXPECT_THAT(error(std::filesystem::path(__FILE__)), ::testing::HasSubstr("published_test.cpp"));
}

TEST(Published, AConfigIsNoWholeModel) {
  // `run` and `serve` open the folder as a model and must say that the weights are missing.
  auto folder = std::filesystem::temp_directory_path() / fmt::format("troika-config-{}", ::getpid());
  std::filesystem::create_directories(folder);
  std::filesystem::copy_file(kConfigs / "qwen3-0.6b.json", folder / "config.json");
  EXPECT_TRUE(files::is_config_only(folder));
  EXPECT_TRUE(files::is_config_only(folder / "config.json"));
  EXPECT_THROW(files::ModelFile::open(folder), Error);
  std::ofstream(folder / "model.safetensors") << "weights";
  EXPECT_FALSE(files::is_config_only(folder));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace troika::models
