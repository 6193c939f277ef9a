// Loading a model: where its weights come to lie is a matter of speed and memory, never of what the model says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <numeric>
#include <random>

#include "base/error.h"
#include "engine/model.h"
#include "engine/step.h"
#include "engine/weights.h"
#include "plan/memory.h"

namespace troika::engine {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const fs::path kSource = TROIKA_SOURCE_DIR;

// The logits of every token of a random prompt.
std::vector<float> logits_of(const Model& model, int tokens) {
  ops::Program program = trace_bucket(model, tokens).program;
  plan::MemoryPlan memory = plan::plan_memory(program);
  int groups = std::max<int>(1, int(program.windows.size()));
  ops::StepInputs inputs(tokens, tokens, 1, 1, groups);
  inputs.tokens = inputs.outputs = tokens;
  std::mt19937 random(7);
  for (int t = 0; t < tokens; ++t) inputs.place(t, int(random() % model.spec.vocabulary), t, 0);
  std::iota(inputs.output_rows.begin(), inputs.output_rows.end(), 0);
  auto arena = model.devices[0]->allocate(memory.bytes);
  std::vector<device::Cache> caches;
  for (const ops::CacheInfo& cache : program.caches) {
    size_t bytes = cache_page_bytes(cache, model.kv_format);
    caches.push_back({model.devices[0]->allocate(bytes), model.devices[0]->allocate(bytes), model.kv_format});
  }
  auto weights = model.weights.of(program, 0);
  auto run = model.devices[0]->compile({.program = &program, .begin = 0, .end = program.ops.size(), .arena = arena,
                                    .offsets = memory.offsets, .weights = weights, .caches = caches,
                                    .inputs = &inputs});
  run->submit();
  run->wait();
  const float* logits = reinterpret_cast<const float*>(arena->host() + memory.offsets[program.logits.id]);
  return {logits, logits + size_t(tokens) * model.spec.vocabulary};
}

struct Case {
  const char* path;
  const char* quantise;
};

class Load : public ::testing::TestWithParam<Case> {};

TEST_P(Load, GivesTheSameBitsWithAndWithoutRepacking) {
  auto [path, quantise] = GetParam();
  for (bool float32 : {false, true}) {
    EngineOptions options{.device = "cpu", .threads = 2, .float32 = float32, .quantise = quantise};
    Model packed = load_model(kSource / path, options);  // of a file in the system's memory: when there is time for it
    std::vector<float> before = logits_of(packed, 9);
    EXPECT_LE(packed.devices[0]->info().bytes_put_off, packed.devices[0]->info().weight_bytes);
    while (packed.devices[0]->settle()) {}
    EXPECT_FALSE(packed.devices[0]->settle());
    EXPECT_EQ(packed.devices[0]->info().bytes_put_off, 0u);
    options.repack = false;
    Model plain = load_model(kSource / path, options);
    size_t packed_bytes = packed.devices[0]->info().weight_bytes, plain_bytes = plain.devices[0]->info().weight_bytes;
    EXPECT_GE(packed_bytes, plain_bytes + (*quantise ? 0 : 1));  // what --quant made is never in the file
    EXPECT_EQ(packed.weight_bytes, plain.weight_bytes);
    EXPECT_EQ(packed.streamed_bytes, plain.streamed_bytes);
    EXPECT_FALSE(plain.devices[0]->settle());
    EXPECT_EQ(before, logits_of(packed, 9));
    for (int tokens : {1, 9}) {
      std::vector<float> a = logits_of(packed, tokens), b = logits_of(plain, tokens);
      ASSERT_EQ(a.size(), b.size());
      EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)), 0)
          << tokens << " tokens, " << (float32 ? "float32" : "int8");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models, Load,
                         ::testing::Values(Case{"models/troika-mini.gguf", ""},
                                           Case{"tests/goldens/qwen2-tied.f32.gguf", ""},
                                           Case{"tests/goldens/llama3.f16.gguf", ""},
                                           Case{"tests/goldens/qwen3-tied.bf16.gguf", ""},
                                           Case{"tests/goldens/qwen3-moe-sparse.f16.gguf", "q8_0"},
                                           Case{"tests/goldens/gemma3n.f16.gguf", "q5_0"},
                                           Case{"tests/goldens/qwen2-untied.f16.gguf", "q4_0"}),
                         [](const auto& info) {
                           std::string name = fs::path(info.param.path).stem().string() + info.param.quantise;
                           auto is_odd = [](unsigned char c) { return !std::isalnum(c); };
                           std::replace_if(name.begin(), name.end(), is_odd, '_');
                           return name;
                         });

// A table of which a token takes a row is not copied; a tied one is, for the products, and read in place besides.
TEST(LoadedModel, CopiesWhatIsMultiplied) {
  auto bytes = [](const char* name) {
    Model model = load_model(kSource / "tests/goldens" / name, {.device = "cpu", .threads = 1});
    return std::array{model.weight_bytes, model.looked_up_bytes, model.devices[0]->info().weight_bytes};
  };
  auto [untied, table, untied_copied] = bytes("qwen2-untied.f16.gguf");
  EXPECT_GT(table, 0u);
  EXPECT_GE(untied_copied, untied - table);
  EXPECT_LT(untied_copied, untied);
  auto [tied, no_table, tied_copied] = bytes("qwen2-tied.f32.gguf");
  EXPECT_EQ(no_table, 0u);
  EXPECT_GE(tied_copied, tied);
}

TEST(LoadedModel, CountsWhatQuantMadeWithAndWithoutPanels) {
  for (bool repack : {true, false}) {
    EngineOptions options{.device = "cpu", .threads = 1, .repack = repack, .quantise = "q4_0"};
    Model model = load_model(kSource / "tests/goldens/qwen2-untied.f16.gguf", options);
    size_t rounded = 0;  // the file has no blocks
    ops::Program program = models::trace(*model.architecture, model.spec, 1, 1);
    for (const ops::TensorInfo& tensor : program.tensors) {
      if (tensor.role != ops::Role::weight) continue;
      Format format = model.formats.find(tensor.name)->second;
      if (info(format).block_values > 1) rounded += bytes_of(format, tensor.shape);
    }
    EXPECT_GT(rounded, 0u);
    EXPECT_GT(model.devices[0]->info().weight_bytes, rounded);  // vectors, too
  }
}

TEST(LoadedModel, TakesNoMoreOfTheNpuThanWasCountedBeforeItWasOpened) {
  const Case files[] = {{"models/troika-mini.gguf", ""}, {"tests/goldens/qwen2-untied.f16.gguf", "q4_0"}};
  for (const auto& [path, quantise] : files) {
    const Model model = load_model(kSource / path, {.device = "npu", .threads = 1, .quantise = quantise});
    const ops::Program whole = models::trace(*model.architecture, model.spec, 1, 1);
    const std::vector<std::string> names{"npu"};
    const size_t said = most_bytes(whole, model.formats, names), bytes = model.devices[0]->info().weight_bytes;
    EXPECT_LE(bytes, said) << path;
    EXPECT_GE(double(bytes), (*quantise ? 0.5 : 0.99) * double(said)) << path << ": blocks of 4 bits are padded to more";
    EXPECT_EQ(most_bytes(whole, model.formats, names, [](const ops::Op& op) { return op.kind != ops::OpKind::linear; }), 0u);
  }
}

// Each weight's uses are those of the ops that name it, in whatever order.
TEST(LoadedModel, KnowsWhatATapeDoesWithItsWeights) {
  auto uses_in = [](const char* name) {
    auto file = files::ModelFile::open(kSource / "tests/goldens" / name);
    const models::Architecture& architecture = models::architecture_of(*file);
    ops::Program program = models::trace(architecture, architecture.read(*file), 1, 1);
    WeightUses uses(program);
    for (const ops::TensorInfo& tensor : program.tensors) {
      if (tensor.role != ops::Role::weight) continue;
      bool embeds = false, multiplies = false;
      for (const ops::Op& op : program.ops) {
        for (ops::Tensor t : op.in) {
          if (program[t].role != ops::Role::weight || program[t].name != tensor.name) continue;
          (op.kind == ops::OpKind::embed ? embeds : multiplies) = true;
        }
      }
      EXPECT_EQ(uses.of(tensor.name).looked_up, embeds) << tensor.name;
      EXPECT_EQ(uses.of(tensor.name).multiplied, multiplies) << tensor.name;
    }
    EXPECT_FALSE(uses.of("none").multiplied || uses.of("none").looked_up);
    return uses.of("embed.weight");
  };
  device::WeightUse tied = uses_in("qwen2-tied.f32.gguf"), untied = uses_in("qwen2-untied.f16.gguf");
  EXPECT_TRUE(tied.looked_up && tied.multiplied);
  EXPECT_TRUE(untied.looked_up && !untied.multiplied);
}

TEST(LoadedModel, SaysWhereAFileIsCutShort) {
  fs::path copy = fs::temp_directory_path() / ("troika-load-" + std::to_string(::getpid()) + ".gguf");
  fs::copy_file(kSource / "models/troika-mini.gguf", copy, fs::copy_options::overwrite_existing);
  fs::resize_file(copy, fs::file_size(copy) - 1000);
  try {
    load_model(copy, {.device = "cpu", .threads = 2});
    ADD_FAILURE() << "it was cut short";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(copy.string()));
  }
  fs::remove(copy);
}

}  // namespace
}  // namespace troika::engine
