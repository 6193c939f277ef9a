// Gemma 3n's numbers and weights, read from the golden model in both file formats; its published sizes and slices,
// told by the tape.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <set>

#include "base/error.h"
#include "files/config_file.h"
#include "models/architecture.h"
#include "models/slices.h"

namespace troika::models {
namespace {

const std::filesystem::path kTests = std::filesystem::path(TROIKA_SOURCE_DIR) / "tests";

ModelSpec read(const files::ModelFile& file) { return architecture_of(file).read(file); }
ModelSpec golden(const char* name) { return read(*files::ModelFile::open(kTests / "goldens" / name)); }
ModelSpec published(const char* name) { return read(*files::open_config(kTests / "models/published" / name)); }

TEST(Gemma3n, ReadsTheSameNumbersFromBothFormats) {
  ModelSpec a = golden("gemma3n"), b = golden("gemma3n.f16.gguf");
  const Gemma3nSpec &x = *a.gemma3n, &y = *b.gemma3n;
  EXPECT_EQ(a.layers, b.layers);
  EXPECT_EQ(a.width, b.width);
  EXPECT_EQ(a.heads, b.heads);
  EXPECT_EQ(a.kv_heads, b.kv_heads);
  EXPECT_EQ(a.head_dim, b.head_dim);
  EXPECT_EQ(a.vocabulary, b.vocabulary);
  EXPECT_EQ(a.context, b.context);
  EXPECT_EQ(a.norm_epsilon, b.norm_epsilon);
  EXPECT_EQ(a.logit_softcap, b.logit_softcap);
  EXPECT_EQ(a.windows, b.windows);
  EXPECT_EQ(a.rope->inverse_frequency, b.rope->inverse_frequency);
  EXPECT_EQ(a.local_rope->inverse_frequency, b.local_rope->inverse_frequency);
  EXPECT_EQ(x.streams, y.streams);
  EXPECT_EQ(x.active, y.active);
  EXPECT_EQ(x.own_layers, y.own_layers);
  EXPECT_EQ(x.ple_width, y.ple_width);
  EXPECT_EQ(x.laurel_rank, y.laurel_rank);
  EXPECT_EQ(x.mlp_stored, y.mlp_stored);
  ASSERT_EQ(x.cut.size(), y.cut.size());
  for (size_t i = 0; i < x.cut.size(); ++i) EXPECT_FLOAT_EQ(x.cut[i], y.cut[i]) << i;
  EXPECT_EQ(b.windows, (std::vector<int>{24, 24, 0, 24, 24, 0, 24}));
  EXPECT_EQ(y.mlp_stored, (std::vector<int>{100, 72, 88, 60, 76, 104, 92}));
  EXPECT_EQ(y.own_layers, 4);
}

class Gemma3nFile : public ::testing::TestWithParam<const char*> {};

// All of the file's weights are used, but the keys and values of layers that borrow theirs: `spare` names these.
TEST_P(Gemma3nFile, HasExactlyTheWeightsThatTheTapeNamesAndThoseThatNobodyReads) {
  auto file = files::ModelFile::open(kTests / "goldens" / GetParam());
  const Architecture& architecture = architecture_of(*file);
  ModelSpec spec = architecture.read(*file);
  ops::Program program = trace(architecture, spec, 4, 2);
  std::set<std::string> known;
  for (const ops::TensorInfo& tensor : program.tensors) {
    if (tensor.role != ops::Role::weight) continue;
    auto found = find_weight(*file, architecture.names, tensor.name, spec.head_dim);
    ASSERT_TRUE(found) << tensor.name;
    EXPECT_EQ(found->view.shape, tensor.shape) << found->name;
    known.insert(found->name);
  }
  for (const std::string& name : architecture.spare(spec)) {
    auto found = find_weight(*file, architecture.names, name, spec.head_dim);
    ASSERT_TRUE(found) << name;
    EXPECT_TRUE(known.insert(found->name).second) << name << " is read";
  }
  for (const std::string& name : file->names()) EXPECT_TRUE(known.contains(name)) << name << " is not known";
}

INSTANTIATE_TEST_SUITE_P(Files, Gemma3nFile, ::testing::Values("gemma3n", "gemma3n.f16.gguf"),
                         [](const auto& info) { return info.index == 0 ? "safetensors" : "gguf"; });

TEST(Gemma3n, BorrowsKeysOfTheLastOwnLayerOfItsKind) {
  auto file = files::ModelFile::open(kTests / "goldens/gemma3n");
  ops::Program program = trace(architecture_of(*file), read(*file), 1, 1);
  std::vector<int> read_by;
  for (const ops::Op& op : program.ops) {
    if (op.kind == ops::OpKind::attend) read_by.push_back(op.as<ops::AttendParams>().cache);
  }
  EXPECT_EQ(program.caches.size(), 4u);
  EXPECT_EQ(read_by, (std::vector<int>{0, 1, 2, 3, 3, 2, 3}));
}

TEST(Gemma3n, CutsGatesByTheQuantileOfTheNormalDistribution) {
  EXPECT_NEAR(published("gemma-3n-e4b-it.json").gemma3n->cut[9], 1.6448536, 1e-6);
  EXPECT_TRUE(std::isinf(published("gemma-3n-e4b-it.json").gemma3n->cut[10]));
}

// Values in weights: all, in the table of per-layer embeddings, in the embedding, and what a slice reads of the rest.
struct Counts {
  int64_t total = 0, ple = 0, embedding = 0, read = 0;
};

Counts count(const ModelSpec& spec, const char* config) {
  auto file = files::open_config(kTests / "models/published" / config);
  ops::Program program = trace(architecture_of(*file), spec, 1, 1);
  Counts c;
  for (const ops::TensorInfo& tensor : program.tensors) {
    if (tensor.role != ops::Role::weight) continue;
    c.total += tensor.shape.values();
    if (tensor.name == "ple.embed.weight") c.ple = tensor.shape.values();
    if (tensor.name == "embed.weight") c.embedding = tensor.shape.values();
  }
  std::set<uint32_t> seen;  // vectors that serve several times
  for (const ops::Op& op : program.ops) {
    for (ops::Tensor t : op.in) {
      if (program[t].role != ops::Role::weight || op.kind == ops::OpKind::embed) continue;
      if (program[t].name == "embed.weight") continue;  // as the head
      bool matrix = ops::multiplies(op) && program[t].shape.rank == 2;
      if (!matrix && !seen.insert(t.id).second) continue;
      c.read += matrix ? int64_t{program[op.in[0]].shape.columns()} * program[op.out[0]].shape.columns()
                       : program[t].shape.values();
    }
  }
  return c;
}

// Google's "effective" parameters leave out both embeddings, and count what the text model does not read: the keys and
// values of layers that borrow theirs, and the two embedders, of pictures and of sound, that belong to the towers.
int64_t effective(const ModelSpec& spec, const Counts& counts) {
  const Gemma3nSpec& g = *spec.gemma3n;
  int64_t borrowers = std::count(g.skipped.begin() + g.own_layers, g.skipped.end(), false);
  int64_t key = int64_t{spec.kv_heads} * spec.head_dim * spec.width;
  int64_t of_pictures = (128 + 2048 + 2) * 2048, of_sound = (128 + 2048 + 2) * 1536;
  return counts.read + borrowers * (2 * key + spec.head_dim) + of_pictures + of_sound;
}

// 6.87 and 4.46 billion with both embeddings, of which 2.35 and 2.01 are embeddings of layers.
TEST(Gemma3n, HasThePublishedNumberOfParameters) {
  Counts e4b = count(published("gemma-3n-e4b-it.json"), "gemma-3n-e4b-it.json");
  Counts e2b = count(published("gemma-3n-e2b-it.json"), "gemma-3n-e2b-it.json");
  EXPECT_EQ(e4b.ple, int64_t{262144} * 35 * 256);
  EXPECT_EQ(e2b.ple, int64_t{262144} * 30 * 256);
  EXPECT_EQ(e4b.embedding, int64_t{262400} * 2048);
  EXPECT_NEAR(double(effective(published("gemma-3n-e4b-it.json"), e4b) + e4b.ple + e4b.embedding) / 1e9, 6.87, 0.0101);
  EXPECT_NEAR(double(effective(published("gemma-3n-e2b-it.json"), e2b) + e2b.ple + e2b.embedding) / 1e9, 4.46, 0.0101);
}

TEST(Slices, OfE4bAsPublishedReadThePublishedNumberOfParameters) {
  const std::pair<const char*, double> kBillions[] = {
      {"e4b", 3.98},    {"e2b", 1.91},    {"e1.96b", 1.96}, {"e2.49b", 2.49},       {"e2.54b", 2.54},
      {"e2.69b", 2.69}, {"e2.73b", 2.73}, {"e3.18b", 3.18}, {"e2.98b-layer", 2.98}, {"e2.98b-block", 2.98},
      {"e3.24b", 3.24}, {"e3.39b", 3.39}, {"e3.49b", 3.49}, {"e3.79b-layer", 3.79}, {"e3.79b-block", 3.74},
      {"e3.59b", 3.59}};
  ModelSpec whole = published("gemma-3n-e4b-it.json");
  EXPECT_EQ(published_slices().size(), std::size(kBillions));  // rounded there, not always to the nearest
  for (auto [name, billions] : kBillions) {
    ModelSpec slice = sliced(whole, name);
    EXPECT_NEAR(double(effective(slice, count(slice, "gemma-3n-e4b-it.json"))) / 1e9, billions, 0.012) << name;
  }
}

// The slice e2b of E4B and the model E2B are the same shape.
TEST(Slices, E2bOfE4bIsE2b) {
  Counts slice = count(sliced(published("gemma-3n-e4b-it.json"), "e2b"), "gemma-3n-e4b-it.json");
  Counts model = count(published("gemma-3n-e2b-it.json"), "gemma-3n-e2b-it.json");
  EXPECT_EQ(slice.read, model.read);
}

TEST(Slices, KeepWhatIsNotCutAndTheCachesOfEveryLayer) {
  ModelSpec whole = golden("gemma3n"), cut = sliced(whole, R"({"skip": [1, 4], "ffn": [40, 88, 32, 50, 8]})");
  EXPECT_EQ(cut.gemma3n->mlp_used, (std::vector<int>{40, 72, 88, 32, 76, 50, 8}));
  EXPECT_EQ(cut.gemma3n->skipped, (std::vector<bool>{false, true, false, false, true, false, false}));
  EXPECT_FALSE(same_slice(whole, cut));
  EXPECT_TRUE(same_slice(cut, sliced(whole, R"({"ffn": [40, 72, 88, 32, 76, 50, 8], "skip": [4, 1]})")));
  EXPECT_TRUE(same_slice(whole, sliced(whole, "")));
  EXPECT_TRUE(same_slice(whole, sliced(whole, "{}")));

  auto file = files::ModelFile::open(kTests / "goldens/gemma3n");
  ops::Program program = trace(architecture_of(*file), cut, 2, 1);
  EXPECT_EQ(program.caches.size(), 4u);
  for (const ops::TensorInfo& tensor : program.tensors) {
    EXPECT_FALSE(tensor.name.starts_with("layer.1.") || tensor.name.starts_with("layer.4.")) << tensor.name;
  }
}

std::string error_of(const ModelSpec& whole, std::string_view slice) {
  try {
    sliced(whole, slice);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Slices, ThatMakeNoSenseAreRefusedWithAReason) {
  ModelSpec tiny = golden("gemma3n"), other = golden("qwen2-tied");
  for (auto [slice, reason] : std::initializer_list<std::pair<std::string, std::string>>{
           {"e2b", "E4B"},
           {"e9b", "e2.98b-block"},
           {"{", "the slice"},
           {R"({"skip": [7]})", "0 to 6"},
           {R"({"skip": [-1]})", "-1"},
           {R"({"skip": [3]})", "layer 3, whose keys layer 4"},
           {R"({"skip": [0, 1, 2, 3, 4, 5, 6]})", "no layer"},
           {R"({"skip": "4"})", "skip"},
           {R"({"ffn": 61})", "layer 3"},
           {R"({"ffn": 0})", "0"},
           {R"({"ffn": [1, 2]})", "2 MLP widths"},
           {R"({"ffn": 1.5})", "ffn"},
           {R"({"ffn": []})", "0 MLP widths"},
           {R"({"layers": 3})", "layers"},
           {"{" + std::string(5000, ' ') + "}", "longer"}}) {
    std::string error = error_of(tiny, slice);
    EXPECT_NE(error.find(reason), std::string::npos) << slice.substr(0, 60) << " → " << error;
    EXPECT_LT(error.size(), 400u);
  }
  EXPECT_NE(error_of(other, "e2b").find("no slices"), std::string::npos);
  EXPECT_EQ(error_of(other, ""), "");
}

}  // namespace
}  // namespace troika::models
