// The towers' numbers, names and order of rows, read from the golden models in both file formats.
#include "models/tower.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "base/error.h"
#include "files/gguf_writer.h"

namespace troika::models {
namespace {

const std::filesystem::path kGoldens = std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/goldens";

class GoldenTower : public ::testing::TestWithParam<const char*> {};

bool of_the_tower(const std::string& name) {
  return name.find("visual.") != name.npos || name.find("vision_tower.") != name.npos ||
         name.find("multi_modal_projector.") != name.npos || name.starts_with("v.") || name.starts_with("mm.");
}

TEST_P(GoldenTower, HasExactlyTheWeightsThatTheTapeNames) {
  auto file = files::ModelFile::open(kGoldens / GetParam());
  const Tower* tower = tower_of(*file);
  ASSERT_NE(tower, nullptr);
  TowerSpec spec = tower->read(*file);
  ops::Program program = trace(*tower, spec, 4);
  EXPECT_EQ(program[program.logits].shape, (Shape{4, spec.text_width}));
  const WeightNames& names = tower->names_in(*file);
  std::set<std::string> named;
  for (const ops::TensorInfo& tensor : program.tensors) {
    if (tensor.role != ops::Role::weight) continue;
    auto found = find_weight(*file, names, tensor.name, spec.head_dim);
    ASSERT_TRUE(found) << tensor.name;
    EXPECT_EQ(found->view.shape, tensor.shape) << found->name;
    named.insert(found->name);
  }
  for (const std::string& name : file->names()) {
    bool unread = std::any_of(tower->unread.begin(), tower->unread.end(),
                              [&](std::string_view part) { return name.find(part) != name.npos; });
    EXPECT_TRUE(!of_the_tower(name) || unread || named.contains(name)) << name << " is not used";
  }
}

INSTANTIATE_TEST_SUITE_P(Files, GoldenTower,
                         ::testing::Values("qwen2.5-vl", "qwen2.5-vl.mmproj.f16.gguf", "gemma3-vl",
                                           "gemma3-vl.mmproj.f16.gguf"),
                         [](const auto& info) {
                           std::string name = info.param;
                           for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
                           return name;
                         });

TowerSpec read(const char* name) {
  auto file = files::ModelFile::open(kGoldens / name);
  return tower_of(*file)->read(*file);
}

TEST(Tower, ReadsTheSameNumbersFromBothFormats) {
  for (auto [folder, mmproj] : {std::pair{"qwen2.5-vl", "qwen2.5-vl.mmproj.f16.gguf"},
                                std::pair{"gemma3-vl", "gemma3-vl.mmproj.f16.gguf"}}) {
    TowerSpec a = read(folder), b = read(mmproj);
    EXPECT_EQ(a.layers, b.layers);
    EXPECT_EQ(a.width, b.width);
    EXPECT_EQ(a.heads, b.heads);
    EXPECT_EQ(a.mlp_width, b.mlp_width);
    EXPECT_EQ(a.text_width, b.text_width);
    EXPECT_EQ(a.positions, b.positions);
    EXPECT_FLOAT_EQ(a.norm_epsilon, b.norm_epsilon);
    EXPECT_EQ(a.window, b.window);
    EXPECT_EQ(a.processor.patch, b.processor.patch);
    EXPECT_EQ(a.processor.merge, b.processor.merge);
    EXPECT_EQ(a.processor.mean, b.processor.mean);
    EXPECT_EQ(a.processor.deviation, b.processor.deviation);
  }
}

// A copy of an mmproj file in which the MLP's "up" and "down" have each other's names, as older converters wrote them.
class SwappedFile {
 public:
  explicit SwappedFile(const char* original) {
    path_ = std::filesystem::temp_directory_path() / ("troika-tower-test-" + std::to_string(::getpid()) + ".gguf");
    auto file = files::ModelFile::open(kGoldens / original);
    files::GgufWriter writer(path_);
    for (const auto& entry : file->metadata().entries()) writer.copy(entry);
    for (std::string name : file->names()) {
      WeightView view = *file->find(name);
      size_t up = name.find("ffn_up"), down = name.find("ffn_down");
      if (up != name.npos) name.replace(up, 6, "ffn_down");
      if (down != name.npos) name.replace(down, 8, "ffn_up");
      writer.add(name, view.format, view.shape, view.bytes);
    }
    writer.finish();
  }
  ~SwappedFile() { std::filesystem::remove(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST(Tower, ReadsFilesWhoseConverterTookUpForDown) {
  for (const char* original : {"qwen2.5-vl.mmproj.f16.gguf", "gemma3-vl.mmproj.f16.gguf"}) {
    SwappedFile swapped(original);
    auto plain = files::ModelFile::open(kGoldens / original), old = files::ModelFile::open(swapped.path());
    const Tower* tower = tower_of(*old);
    EXPECT_EQ(&tower->names_in(*plain), &tower->names);
    EXPECT_EQ(&tower->names_in(*old), &tower->old_names);
    for (const char* name : {"layer.1.mlp.up.weight", "layer.0.mlp.down.bias"}) {
      auto expected = find_weight(*plain, tower->names, name, 0), found = find_weight(*old, tower->old_names, name, 0);
      ASSERT_TRUE(expected && found) << name;
      EXPECT_EQ(found->view.shape, expected->view.shape);
      EXPECT_TRUE(std::equal(found->view.bytes.begin(), found->view.bytes.end(), expected->view.bytes.begin(),
                             expected->view.bytes.end()));
    }
  }
}

TEST(Tower, IsNoneInATextModelsFolder) {
  auto file = files::ModelFile::open(kGoldens / "qwen2-tied");
  EXPECT_EQ(tower_of(*file), nullptr);
}

TEST(Tower, RefusesAGgufFileThatIsNoProjector) {
  auto file = files::ModelFile::open(kGoldens / "qwen2-tied.f32.gguf");
  EXPECT_THROW(tower_of(*file), Error);
}

// 6 x 10 patches, merged 2 x 2: 3 x 5 cells, in windows of 2 x 2 cells.
TEST(Arrangement, PutsMergedPatchesNextToEachOtherWindowByWindow) {
  Arrangement a = arrange_in_windows(6, 10, 2, 2);
  EXPECT_EQ(a.cells, (std::vector<int32_t>{0, 1, 5, 6, 2, 3, 7, 8, 4, 9, 10, 11, 12, 13, 14}));
  EXPECT_EQ(std::vector<int32_t>(a.patches.begin(), a.patches.begin() + 8),
            (std::vector<int32_t>{0, 1, 10, 11, 2, 3, 12, 13}));
  std::vector<int32_t> sorted = a.patches;
  std::sort(sorted.begin(), sorted.end());
  for (int i = 0; i < 60; ++i) EXPECT_EQ(sorted[size_t(i)], i);
  for (size_t t = 0; t < 60; ++t) {
    EXPECT_EQ(a.rope_row[t] * 10 + a.rope_column[t], a.patches[t]);
    EXPECT_EQ(a.patches[t] / 10 / 2 * 5 + a.patches[t] % 10 / 2, a.cells[t / 4]);
  }
  const auto& windows = a.spans[size_t(ops::SpanKind::window)];
  const auto& frames = a.spans[size_t(ops::SpanKind::frame)];
  std::set<std::pair<int, int>> spans;
  for (size_t t = 0; t < 60; ++t) {
    EXPECT_LE(windows.begin[t], int(t));
    EXPECT_GT(windows.end[t], int(t));
    spans.insert({windows.begin[t], windows.end[t]});
    EXPECT_EQ(frames.begin[t], 0);
    EXPECT_EQ(frames.end[t], 60);
  }
  EXPECT_EQ(spans, (std::set<std::pair<int, int>>{{0, 16}, {16, 32}, {32, 40}, {40, 48}, {48, 56}, {56, 60}}));
}

TEST(Arrangement, TakesOneWindowForAll) {
  Arrangement a = arrange_in_windows(4, 4, 2, 0);
  EXPECT_EQ(a.cells, (std::vector<int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(a.spans[0].end[0], 16);
}

}  // namespace
}  // namespace troika::models
