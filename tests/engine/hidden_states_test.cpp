// Hidden states of the golden models, after the embedding, each layer and the final norm, against Hugging Face's:
// where logits would only say that something is wrong, these say where.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <numeric>

#include "engine/engine.h"
#include "engine/model.h"
#include "engine/step.h"
#include "plan/memory.h"

namespace troika::engine {
namespace {

const std::filesystem::path kGoldens = std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/goldens";

// The float32 values of a .npy file of format version 1.
std::vector<float> read_npy(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string bytes(std::istreambuf_iterator<char>(in), {});
  uint16_t header = 0;
  std::memcpy(&header, bytes.data() + 8, sizeof header);
  std::vector<float> values((bytes.size() - 10 - header) / sizeof(float));
  std::memcpy(values.data(), bytes.data() + 10 + header, values.size() * sizeof(float));
  return values;
}

// Runs the first golden prompt op by op and keeps what the ops of interest give.
std::vector<std::vector<float>> hidden_states(const std::filesystem::path& folder, const char* device_name) {
  Model model = load_model(folder, {.device = device_name, .threads = 2, .float32 = true});
  auto golden = nlohmann::json::parse(std::ifstream(folder / "golden.json"));
  auto prompt = golden["prompts"][0].get<std::vector<int32_t>>();
  int tokens = int(prompt.size());

  ops::Program program = trace_bucket(model, tokens).program;
  plan::MemoryPlan memory = plan::plan_memory(program);
  ops::StepInputs inputs(tokens, tokens, 1, 1);
  inputs.tokens = inputs.outputs = tokens;
  for (int t = 0; t < tokens; ++t) inputs.place(t, prompt[t], t, 0);
  std::iota(inputs.output_rows.begin(), inputs.output_rows.end(), 0);
  auto arena = model.devices[0]->allocate(memory.bytes);
  std::vector<device::Cache> caches;
  for (const ops::CacheInfo& cache : program.caches) {
    size_t bytes = cache_page_bytes(cache, model.kv_format);
    caches.push_back({model.devices[0]->allocate(bytes), model.devices[0]->allocate(bytes), model.kv_format});
  }
  auto weights = model.weights.of(program, 0);

  std::vector<std::vector<float>> states;
  auto keep = [&](ops::Tensor t) {
    const float* values = reinterpret_cast<const float*>(arena->host() + memory.offsets[t.id]);
    states.emplace_back(values, values + size_t(tokens) * model.spec.width);
  };
  int adds = 0;
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const ops::Op& op = program.ops[i];
    auto run = model.devices[0]->compile({.program = &program, .begin = i, .end = i + 1, .arena = arena,
                                      .offsets = memory.offsets, .weights = weights, .caches = caches,
                                      .inputs = &inputs});
    run->submit();
    run->wait();
    bool residual = op.kind == ops::OpKind::add || op.kind == ops::OpKind::add_norm;
    if (op.kind == ops::OpKind::embed || (residual && ++adds % 2 == 0)) keep(op.out[0]);  // the MLP's, not attention's
    if (op.name == "norm") keep(op.out.back());
  }
  return states;
}

class HiddenStates : public ::testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(HiddenStates, AgreeWithTheReference) {
  auto [name, device] = GetParam();
  std::vector<float> expected = read_npy(kGoldens / name / "hidden-0.npy");
  auto states = hidden_states(kGoldens / name, device);
  ASSERT_FALSE(states.empty());
  ASSERT_EQ(expected.size(), states.size() * states[0].size());
  for (size_t s = 0; s < states.size(); ++s) {
    const float* want = expected.data() + s * states[s].size();
    double error = 0, norm = 0;
    for (size_t i = 0; i < states[s].size(); ++i) {
      error += (states[s][i] - want[i]) * (states[s][i] - want[i]);
      norm += want[i] * want[i];
    }
    EXPECT_LT(std::sqrt(error / norm), 1e-5) << "state " << s << " of " << states.size();
  }
}

// What requests are told of their prompt's states, in one go and beside others.
std::vector<float> told_states(Engine& engine, Request request) {
  std::vector<float> states;
  std::promise<Finish> done;
  request.prompt_states = [&](int, std::span<const float> state) {
    states.insert(states.end(), state.begin(), state.end());
  };
  engine.submit(std::move(request), [&](const Event& e) {
    if (e.finish != Finish::none) done.set_value(e.finish);
  });
  EXPECT_EQ(done.get_future().get(), Finish::length);
  return states;
}

TEST(PromptStates, AreTheReferencesLastHiddenStates) {
  for (const char* name : {"qwen2-tied", "gemma3", "qwen3-tied"}) {
    auto engine = Engine::load(kGoldens / name, {.threads = 2, .float32 = true});
    auto golden = nlohmann::json::parse(std::ifstream(kGoldens / name / "golden.json"));
    auto prompt = golden["prompts"][0].get<std::vector<int32_t>>();
    std::vector<float> all = read_npy(kGoldens / name / "hidden-0.npy");
    std::vector<float> states = told_states(*engine, {.prompt = prompt});
    ASSERT_EQ(states.size() % prompt.size(), 0u) << name;
    std::span<const float> expected = std::span(all).last(states.size());
    double error = 0, norm = 0;
    for (size_t i = 0; i < states.size(); ++i) {
      error += (states[i] - expected[i]) * (states[i] - expected[i]);
      norm += expected[i] * expected[i];
    }
    EXPECT_LT(std::sqrt(error / norm), 1e-5) << name;

    size_t width = states.size() / prompt.size();
    std::vector<float> last = told_states(*engine, {.prompt = prompt, .last_state_only = true});
    EXPECT_EQ(last, std::vector<float>(states.end() - ptrdiff_t(width), states.end())) << name;
  }
}

// More tokens than a step gives outputs for, twice: each position is told once and in order.
TEST(PromptStates, OfALongPromptAreToldOnceEach) {
  auto engine = Engine::load(kGoldens / "qwen2-tied", {.threads = 2, .context = 512, .float32 = true});
  std::vector<int32_t> prompt(150, 5);
  std::vector<int> positions;
  std::promise<void> done;
  engine->submit({.prompt = prompt, .prompt_states = [&](int position, std::span<const float>) {
                    positions.push_back(position);
                  }},
                 [&](const Event& e) {
                   if (e.finish != Finish::none) done.set_value();
                 });
  done.get_future().get();
  std::vector<int> expected(150);
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(positions, expected);
}

INSTANTIATE_TEST_SUITE_P(Goldens, HiddenStates,
                         ::testing::Combine(::testing::Values("qwen2-tied", "qwen2-untied", "qwen2-yarn"),
                                            ::testing::Values("cpu", "reference")),
                         [](const auto& info) {
                           std::string name = std::string(std::get<0>(info.param)) + "_on_" + std::get<1>(info.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace troika::engine
