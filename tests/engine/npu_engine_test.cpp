// Whole models with their products on the simulated NPU: the tokens and logits of the plain definition of the same arithmetic,
// bit for bit, and close to those of float32.
#include <gtest/gtest.h>

#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "device/npu/npu_device.h"
#include "device/plain_npu.h"
#include "device/tape.h"
#include "engine/clients.h"
#include "engine/told_logits.h"
#include "files/gguf_writer.h"
#include "files/model_file.h"

namespace troika::engine {
namespace {

const std::filesystem::path kSource = TROIKA_SOURCE_DIR;

std::unique_ptr<Engine> load(const std::filesystem::path& model, const std::string& device,
                             const std::string& quantise = "", bool float32 = false) {
  static const bool added = [] {
    using device::DeviceOptions, device::PlainNpu;
    device::add_backend({"plain npu", [](const DeviceOptions&) { return std::make_unique<PlainNpu>(); }});
    device::add_backend({"npu in 4 bits", [](const DeviceOptions& o) { return device::npu::make(o, 1); }});  // any error will do
    device::add_backend({"plain npu in 4 bits", [](const DeviceOptions&) { return std::make_unique<PlainNpu>(1); }});
    return true;
  }();
  EXPECT_TRUE(added);
  return Engine::load(kSource / model,
                      {.device = device, .threads = 2, .context = 512, .float32 = float32, .quantise = quantise});
}

struct Case {
  const char *name, *model, *quantise;
};

class NpuEngine : public ::testing::TestWithParam<Case> {};

TEST_P(NpuEngine, GeneratesTheTokensOfThePlainDefinition) {
  const Case& c = GetParam();
  std::string bits = *c.quantise ? " in 4 bits" : "";
  auto npu = load(c.model, "npu" + bits, c.quantise), plain = load(c.model, "plain npu" + bits, c.quantise);
  std::vector<int32_t> text = prompt(17, 3);
  for (int32_t& id : text) id %= 277;
  std::vector<float> got = logits(*npu, text), want = logits(*plain, text);
  ASSERT_EQ(got.size(), want.size());
  EXPECT_TRUE(device::same_bits(got, want));
  Request request{.prompt = text, .max_tokens = 8, .sampling = {.temperature = 0}};
  request.stop_at_end_tokens = false;
  std::vector<int32_t> tokens = alone(*npu, request);
  EXPECT_EQ(tokens.size(), 8u);
  EXPECT_EQ(tokens, alone(*plain, request));
}

TEST_P(NpuEngine, StaysCloseToFloat32) {
  const Case& c = GetParam();
  auto npu = load(c.model, "npu", c.quantise), exact = load(c.model, "cpu", c.quantise, true);
  std::vector<int32_t> text = prompt(100, 4);
  for (int32_t& id : text) id %= 277;
  std::vector<float> got = logits(*npu, text), want = logits(*exact, text);
  double found = divergence(want, got, want.size() / text.size());
  RecordProperty("kl", std::to_string(found));
  EXPECT_LE(found, 0.02);
}

INSTANTIATE_TEST_SUITE_P(Qwen2, NpuEngine,
                         ::testing::Values(Case{"tied_floats", "tests/goldens/qwen2-tied", ""},
                                           Case{"tied_q4_0", "tests/goldens/qwen2-tied", "q4_0"},
                                           Case{"untied_floats", "tests/goldens/qwen2-untied", ""},
                                           Case{"untied_q4_0", "tests/goldens/qwen2-untied", "q4_0"}),
                         [](const auto& test) { return std::string(test.param.name); });

// A copy of the embedded model with its layers' matrices in another format.
std::filesystem::path embedded_in(Format format) {
  auto from = files::ModelFile::open(kSource / "models/troika-mini.gguf");
  auto path = std::filesystem::temp_directory_path() /
              fmt::format("troika-npu-{}-{}.gguf", ::getpid(), info(format).name);
  files::GgufWriter writer(path);
  for (const auto& entry : from->metadata().entries()) {
    if (entry.key != "general.alignment") writer.copy(entry);
  }
  for (const std::string& name : from->names()) {
    WeightView view = from->find(name).value();
    if (view.shape.rank != 2 || !name.starts_with("blk.")) {
      writer.add(name, view.format, view.shape, view.bytes);
      continue;
    }
    writer.add(name, format, view.shape, [view, format](std::span<std::byte> out) {
      std::vector<float> values(size_t(view.shape.values()));
      info(view.format).unpack(view.bytes.data(), values);
      info(format).pack(values, {}, out.data());
    });
  }
  writer.finish();
  return path;
}

// One chat with its answer.
std::vector<int32_t> chat(const Engine& engine) {
  auto chats = nlohmann::ordered_json::parse(std::ifstream(kSource / "tests/embedded/heldout.json"));
  auto messages = chats[0]["messages"];
  messages.push_back({{"role", "assistant"}, {"content", chats[0]["answer"]}});
  std::string text = engine.text().render({{"messages", messages}, {"add_generation_prompt", false}});
  return engine.text().tokenizer->encode(text, {.parse_special = true});
}

// A trained model on real text.
TEST(NpuEngine, StaysCloseToFloat32WithTheEmbeddedModel) {
  for (Format format : {Format::q8_0, Format::q4_0, Format::q4_k}) {
    std::filesystem::path path = embedded_in(format);
    auto npu = load(path, "npu"), exact = load(path, "cpu", "", true);
    std::filesystem::remove(path);
    std::vector<int32_t> ids = chat(*exact);
    std::vector<float> got = logits(*npu, ids), want = logits(*exact, ids);
    double found = divergence(want, got, want.size() / ids.size());
    RecordProperty(fmt::format("kl_{}", info(format).name), std::to_string(found));
    EXPECT_LE(found, 0.02) << info(format).name;
  }
}

}  // namespace
}  // namespace troika::engine
