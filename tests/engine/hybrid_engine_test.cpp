// One model on several devices, through the whole engine: the same tokens where the arithmetic is the same, and close to
// float32 where it is not, whichever device does what.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "device/tape.h"
#include "device/vulkan_here.h"
#include "engine/clients.h"
#include "engine/first_choice.h"
#include "engine/model.h"
#include "engine/told_logits.h"
#include "engine/twin.h"

namespace troika::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

const std::filesystem::path kSource = TROIKA_SOURCE_DIR;
const std::filesystem::path kGoldens = kSource / "tests/goldens";

std::unique_ptr<Engine> load(const std::filesystem::path& model, const std::string& device, const std::string& place,
                             const std::string& quantise = "", bool float32 = false) {
  add_twin();
  EngineOptions options{.device = device, .threads = 2, .context = 512, .float32 = float32, .quantise = quantise};
  options.place = place;
  return Engine::load(model, options);
}

std::vector<int32_t> text(int tokens) {
  std::vector<int32_t> ids = prompt(tokens, 4);
  for (int32_t& id : ids) id %= 277;
  return ids;
}

// Kinds of operations that a model has.
std::set<ops::OpKind> kinds_of(const std::filesystem::path& path) {
  auto file = files::ModelFile::open(path);
  const models::Architecture& architecture = models::architecture_of(*file);
  std::set<ops::OpKind> kinds;
  for (const ops::Op& op : models::trace(architecture, architecture.read(*file), 1, 1).ops) kinds.insert(op.kind);
  return kinds;
}

TEST(Hybrid, GivesTheBitsOfOneDeviceWhereArithmeticIsTheSame) {
  for (const char* name : {"qwen2-tied", "gemma3n", "qwen3-moe"}) {
    const std::vector<float> want = logits(*load(kGoldens / name, "cpu", ""), text(40));
    for (ops::OpKind kind : kinds_of(kGoldens / name)) {
      const std::string place = fmt::format("{}=cpu", name_of(kind));
      auto engine = load(kGoldens / name, "twin", place);
      EXPECT_THAT(engine->model().device, HasSubstr("cpu: ")) << place;
      EXPECT_TRUE(device::same_bits(logits(*engine, text(40)), want)) << name << " with " << place;
    }
  }
}

TEST(Hybrid, GivesTheTokensOfOneDeviceAloneAndAmongOthers) {
  auto one = load(kGoldens / "qwen2-tied", "cpu", "", "q8_0");
  const auto expected = all_alone(*one, 7);
  for (const char* place : {"linear=cpu", "0=cpu", "0:attend=cpu,rms_norm=cpu", "1=cpu,embed=cpu"}) {
    expect_together(*load(kGoldens / "qwen2-tied", "twin", place, "q8_0"), expected);
  }
}

// Multiplies, and knows how many rows it was given at most.
class Watched : public Multiplier {
 public:
  using Multiplier::Multiplier;
  std::unique_ptr<device::Executable> compile(const device::Segment& segment) override {
    return std::make_unique<Watching>(Multiplier::compile(segment), *segment.inputs);
  }
  static inline int most_rows = 0;

 private:
  class Watching : public device::Executable {
   public:
    Watching(std::unique_ptr<device::Executable> inner, const ops::StepInputs& inputs)
        : inner_(std::move(inner)), inputs_(inputs) {}
    void submit() override {
      most_rows = std::max(most_rows, inputs_.tokens);
      inner_->submit();
    }
    void wait() override { inner_->wait(); }

   private:
    const std::unique_ptr<device::Executable> inner_;
    const ops::StepInputs& inputs_;
  };
};

TEST(Hybrid, GivesTheBitsOfOneDeviceWithLargeStepsAsTwoMicroBatches) {
  device::add_backend({"watched", [](const device::DeviceOptions& o) { return std::make_unique<Watched>(o); }});
  struct Case {
    const char* place;
    int rows;  // that the device was given at most, of 400
  };
  const auto request = [](int i) {
    Request r = i % 2 ? sampled(30 + 70 * i, i, 8) : greedy(30 + 70 * i, i, 8);
    for (int32_t& id : r.prompt) id %= 97;
    return r;
  };
  for (const char* model : {"qwen2-tied", "gemma3", "qwen3-moe-sparse.f16.gguf"}) {
    auto one = load(kGoldens / model, "cpu", "");
    std::vector<int32_t> ids = text(400);
    for (int32_t& id : ids) id %= 97;
    const std::vector<float> want = logits(*one, ids);
    std::vector<std::vector<int32_t>> tokens;
    for (int i = 0; i < 6; ++i) tokens.push_back(alone(*one, request(i)));
    for (const Case c : {Case{"linear=watched", 224}, Case{"linear=watched,rms_norm=cpu", 224},
                         Case{"0+2:mlp@256=watched,0+2:gated@256=cpu", 224}, Case{"1:linear@64=watched", 224}, Case{"0:linear@256=watched", 224},
                         Case{"linear@512=watched", 400}}) {
      SCOPED_TRACE(fmt::format("{} with {}", model, c.place));
      auto engine = load(kGoldens / model, "twin,watched", c.place);
      Watched::most_rows = 0;
      EXPECT_TRUE(device::same_bits(logits(*engine, ids), want));
      Request long_prompt = request(0);
      long_prompt.prompt.assign(ids.rbegin(), ids.rend());  // of which nothing is cached
      alone(*engine, long_prompt);
      EXPECT_EQ(Watched::most_rows, c.rows);
      std::vector<Client> clients(tokens.size());
      for (size_t i = 0; i < clients.size(); ++i) clients[i].start(*engine, request(int(i)));
      for (size_t i = 0; i < clients.size(); ++i) EXPECT_EQ(clients[i].wait(), tokens[i]) << i;
    }
  }
}

TEST(Hybrid, SaysWhatPinsOfLargeStepsDo) {
  auto engine = load(kGoldens / "qwen2-tied", "twin,multiplier", "linear@256=multiplier");
  EXPECT_THAT(engine->model().device, ::testing::MatchesRegex("twin: .* ops, twin: nothing; from 256 tokens on twin: .* ops, "
                                                               "twin: .* products"));
  EXPECT_THAT([] { load(kGoldens / "qwen2-tied", "twin,multiplier", "linear@513=multiplier"); },
              ThrowsMessage<Error>(HasSubstr("--place linear@513=multiplier: a step has at most 512 tokens")));
}

TEST(Hybrid, ContinuesTextsThatPartWithinAPageWithCachesOnTwoDevices) {
  expect_shared_text([] { return load(kGoldens / "qwen2-tied", "twin", "0:attend=cpu", "q8_0"); });
  expect_shared_text([] { return load(kGoldens / "gemma3", "twin", "0-1:attend=cpu"); });
}

TEST(Hybrid, LeavesOneDeviceAlone) {
  for (const char* device : {"cpu", "reference"}) {
    EXPECT_EQ(load_model(kGoldens / "qwen2-tied", {.device = device, .threads = 1}).devices.size(), 1u) << device;
  }
  add_twin();
  EXPECT_EQ(load_model(kGoldens / "qwen2-tied", {.device = "twin,cpu", .threads = 1}).devices.size(), 1u);
}

TEST(Hybrid, PreparesAWeightOnlyWhereItIsUsed) {
  add_twin();
  EngineOptions options{.device = "twin", .threads = 1};
  options.place = "0=cpu";
  const Model model = load_model(kGoldens / "qwen2-untied.f16.gguf", options);
  for (const auto& [name, format] : model.formats) {
    const bool of_first = plan::layer_of(name) == 0;
    EXPECT_EQ(model.weights.holds(0, name), !of_first) << name;
    EXPECT_EQ(model.weights.holds(1, name), of_first) << name;
  }
}

// Declines what its name says.
class Picky : public Twin {
 public:
  using Twin::Twin;
  std::shared_ptr<device::Weight> prepare(const WeightView& view, device::WeightUse use) override {
    return view.name.find("attn.q.weight") == view.name.npos ? Twin::prepare(view, use) : nullptr;
  }
};

TEST(Hybrid, GivesWhatADeviceDeclinesToTheNextOne) {
  device::add_backend({"picky", [](const device::DeviceOptions& o) { return std::make_unique<Picky>(o); }});
  EngineOptions options{.device = "picky", .threads = 2};
  options.place = "embed=cpu";
  const Model model = load_model(kGoldens / "qwen2-tied", options);
  EXPECT_TRUE(model.weights.holds(1, "layer.0.attn.q.weight"));
  EXPECT_TRUE(model.weights.holds(1, "layer.0.attn.q.bias")) << "it is added by who multiplies";
  EXPECT_FALSE(model.weights.holds(1, "layer.0.attn.k.weight"));
  auto engine = load(kGoldens / "qwen2-tied", "picky", "embed=cpu");
  EXPECT_TRUE(device::same_bits(logits(*engine, text(20)), logits(*load(kGoldens / "qwen2-tied", "cpu", ""), text(20))));
  EXPECT_THAT([] { load(kGoldens / "qwen2-tied", "picky", "embed=cpu,linear=picky"); },
              ThrowsMessage<Error>(HasSubstr("--place linear=picky: twin does not do layer.0.attn.q (linear); on cpu it runs")));
}

TEST(Hybrid, RefusesListsThatSayNothing) {
  const auto refuses = [](const char* device, const char* why) {
    EXPECT_THAT([&] { load(kGoldens / "qwen2-tied", device, ""); }, ThrowsMessage<Error>(HasSubstr(why))) << device;
  };
  refuses("twin,,cpu", "--device twin,,cpu: a list names each device once");
  refuses("twin,twin", "a list names each device once");
  refuses("cpu,twin", "--device cpu,twin: the CPU does what is left to it, so it comes last");
  refuses("twin,abacus", "unknown device \"abacus\"");
}

TEST(Hybrid, ComputesTheSlicesOfAModelThatAPinLeavesToOthers) {
  const auto answer = [](Engine& engine, const char* slice) {
    Request request{.prompt = text(20), .max_tokens = 6, .sampling = {.temperature = 0}, .slice = slice};
    request.stop_at_end_tokens = false;
    return alone(engine, request);
  };
  auto one = load(kGoldens / "gemma3n", "cpu", "", "q8_0"), npu = load(kGoldens / "gemma3n", "npu", "", "q8_0");
  auto two = load(kGoldens / "gemma3n", "twin", "linear=cpu", "q8_0");
  for (const char* slice : {"", R"({"ffn": 32})", R"({"skip": [1], "ffn": 32})"}) {
    EXPECT_EQ(answer(*two, slice), answer(*one, slice)) << slice;
    EXPECT_EQ(answer(*npu, slice).size(), 6u) << slice;
  }
}

// On GPU, NPU and CPU at once.
class HybridOnVulkan : public device::OnVulkan {
 protected:
  static void expect_close(const std::filesystem::path& model, const std::string& device, const std::string& place,
                           const std::string& quantise, std::span<const float> want, const std::vector<int32_t>& ids) {
    const std::vector<float> got = logits(*load(model, device, place, quantise), ids);
    ASSERT_EQ(got.size(), want.size());
    EXPECT_LE(divergence(want, got, want.size() / ids.size()), 0.02) << device << " with " << place;
  }
};

TEST_F(HybridOnVulkan, StaysCloseToFloat32WithEachKindOfOperationOnEachDevice) {
  const std::filesystem::path model = kGoldens / "qwen2-tied";
  const std::vector<int32_t> ids = text(40);
  const std::vector<float> want = logits(*load(model, "cpu", "", "", true), ids);
  for (ops::OpKind kind : kinds_of(model)) {
    for (const char* device : {"vulkan", "npu", "reference", "cpu"}) {
      if (device == std::string("npu") && kind != ops::OpKind::linear) continue;
      // Everything else where the list has it first: on the GPU, or on the CPU's side where the GPU is what is tried.
      const std::string list = device == std::string("vulkan") ? "reference,vulkan" : "vulkan,npu,reference";
      expect_close(model, list, fmt::format("{}={}", name_of(kind), device), "", want, ids);
    }
  }
}

TEST_F(HybridOnVulkan, GeneratesWithGoldenModelsOnThreeDevices) {
  for (auto [name, quantise] : {std::pair{"qwen2-tied", ""}, {"qwen2-tied", "q8_0"}, {"qwen2-untied", "q4_0"}}) {
    const std::vector<int32_t> ids = text(40);
    const std::vector<float> want = logits(*load(kGoldens / name, "cpu", "", quantise, true), ids);
    expect_close(kGoldens / name, "vulkan,npu", "0:linear=npu,1:attend=cpu,0:rms_norm=cpu", quantise, want, ids);
    expect_close(kGoldens / name, "npu,vulkan", "attend=cpu", quantise, want, ids);
  }
}

TEST_F(HybridOnVulkan, RunsTheEmbeddedModelOnThreeDevices) {
  const std::filesystem::path model = kSource / "models/troika-mini.gguf";
  auto exact = load(model, "cpu", "", "", true);
  const std::string words = "The three horses pulled the carriage through the snow, and";
  const std::vector<int32_t> ids = exact->text().tokenizer->encode(words, {});
  const std::vector<float> want = logits(*exact, ids);
  auto three = load(model, "npu,vulkan", "attend=cpu");
  EXPECT_THAT(three->model().device, ::testing::AllOf(HasSubstr("npu (simulated): "), HasSubstr("vulkan: "), HasSubstr("cpu: ")));
  const std::vector<float> got = logits(*three, ids);
  const double found = divergence(want, got, want.size() / ids.size());
  RecordProperty("kl", std::to_string(found));
  EXPECT_LE(found, 0.02);
  Request request{.prompt = ids, .max_tokens = 6, .sampling = {.temperature = 0}};
  request.stop_at_end_tokens = false;
  EXPECT_EQ(alone(*three, request).size(), 6u);
}

// As a plan has it: the NPU multiplies in MLPs of steps of 256 tokens and more, the GPU is at the rest.
TEST_F(HybridOnVulkan, ReadsALongPromptOnThreeDevices) {
  const std::filesystem::path model = kGoldens / "qwen2-tied";
  for (const char* quantise : {"q8_0", "q4_0"}) {
    auto exact = load(model, "cpu", "", quantise, true);
    auto three = load(model, "vulkan,npu", "0+2:mlp@256=npu,0+2:gated@256=cpu", quantise);
    EXPECT_THAT(three->model().device, ::testing::MatchesRegex("vulkan: .* ops, npu .simulated.: nothing, cpu: nothing; from 256 "
                                                                "tokens on vulkan: .* ops, npu .simulated.: 6 products, cpu: 2 ops"));
    Request request{.prompt = text(300), .sampling = {.temperature = 0}};
    for (int32_t& id : request.prompt) id %= 97;
    request.stop_at_end_tokens = false;
    const double found = shown_divergence(first_choice(*exact, request), first_choice(*three, request));
    RecordProperty(fmt::format("kl_{}", quantise), std::to_string(found));
    EXPECT_LE(found, 0.02) << quantise;
    request.max_tokens = 6;
    std::ranges::reverse(request.prompt);
    EXPECT_EQ(alone(*three, request).size(), 6u);
  }
}

// A GPU that keeps to memory of its own.
class ApartGpu : public HandsOn {
 public:
  using HandsOn::HandsOn;
  std::shared_ptr<device::Buffer> import(device::HostRegion) override { return nullptr; }
};

TEST_F(HybridOnVulkan, GivesTheSameBitsWithSharedAndWithCopiedMemory) {
  device::add_backend({"apart", [](const device::DeviceOptions& o) {
                         return std::make_unique<ApartGpu>(device::make_device("vulkan", o));
                       }});
  for (const char* place : {"linear=cpu", "0=cpu", "attend=cpu,add=cpu"}) {
    auto shared = load(kGoldens / "qwen2-tied", "vulkan", place, "q8_0");
    auto apart = load(kGoldens / "qwen2-tied", "apart", place, "q8_0");
    EXPECT_TRUE(device::same_bits(logits(*apart, text(40)), logits(*shared, text(40)))) << place;
    EXPECT_EQ(alone(*apart, greedy(30, 5, 20)), alone(*shared, greedy(30, 5, 20))) << place;
  }
}

TEST_F(HybridOnVulkan, SharesTheHostsMemoryWhereTheDriverTakesIt) {
  std::vector<std::unique_ptr<device::Device>> devices;
  devices.push_back(device::make_device("vulkan", {}));
  devices.push_back(device::make_device("cpu", {.threads = 1}));
  const Arenas arenas(devices, 10000);
  if (devices[0]->info().description.find("llvmpipe") == std::string::npos) GTEST_SKIP() << "other drivers may refuse it";
  EXPECT_EQ(arenas.of(0)->host(), arenas.of(1)->host());
}

}  // namespace
}  // namespace troika::engine
