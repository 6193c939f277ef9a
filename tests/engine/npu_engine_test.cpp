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
#include "engine/first_choice.h"
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
    static const device::npu::Rounding four_bits{.most_error = 1}, wide{.wide_rows = {""}};
    static const device::npu::Rounding wide_qkv{.wide_rows = {"attn.q", "attn.k", "attn.v"}};
    device::add_backend({"npu in 4 bits", [](const DeviceOptions& o) { return device::npu::make(o, four_bits); }});
    device::add_backend({"plain npu in 4 bits", [](const DeviceOptions&) { return std::make_unique<PlainNpu>(four_bits); }});
    device::add_backend({"npu in 16 bits", [](const DeviceOptions& o) { return device::npu::make(o, wide); }});
    device::add_backend({"plain npu in 16 bits", [](const DeviceOptions&) { return std::make_unique<PlainNpu>(wide); }});
    device::add_backend({"npu in 16 bits for q k v", [](const DeviceOptions& o) { return device::npu::make(o, wide_qkv); }});
    return true;
  }();
  EXPECT_TRUE(added);
  return Engine::load(kSource / model,
                      {.device = device, .threads = 2, .context = 512, .float32 = float32, .quantise = quantise});
}

struct Case {
  const char *name, *model, *quantise, *bits;
};

class NpuEngine : public ::testing::TestWithParam<Case> {};

TEST_P(NpuEngine, GeneratesTheTokensOfThePlainDefinition) {
  const Case& c = GetParam();
  auto npu = load(c.model, fmt::format("npu{}", c.bits), c.quantise);
  auto plain = load(c.model, fmt::format("plain npu{}", c.bits), c.quantise);
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

// The divergence of `npu` from the logits `want`, over a text; kept as a property of the test.
double divergence_of(const std::string& name, Engine& npu, const std::vector<int32_t>& text, const std::vector<float>& want) {
  double found = divergence(want, logits(npu, text), want.size() / text.size());
  ::testing::Test::RecordProperty("kl " + name, std::to_string(found));
  return found;
}

TEST_P(NpuEngine, StaysCloseToFloat32) {
  const Case& c = GetParam();
  std::vector<int32_t> text = prompt(100, 4);
  for (int32_t& id : text) id %= 277;
  const std::vector<float> want = logits(*load(c.model, "cpu", c.quantise, true), text);
  auto found = [&](const char* device) { return divergence_of(device, *load(c.model, device, c.quantise), text, want); };
  const double int8 = found("npu"), int16 = found("npu in 16 bits");
  EXPECT_LE(int8, 0.02);
  EXPECT_LE(int16, int8 / 2);
}

INSTANTIATE_TEST_SUITE_P(Qwen2, NpuEngine,
                         ::testing::Values(Case{"tied_floats", "tests/goldens/qwen2-tied", "", ""},
                                           Case{"tied_floats_16_bits", "tests/goldens/qwen2-tied", "", " in 16 bits"},
                                           Case{"tied_q4_0", "tests/goldens/qwen2-tied", "q4_0", " in 4 bits"},
                                           Case{"untied_floats", "tests/goldens/qwen2-untied", "", ""},
                                           Case{"untied_q4_0", "tests/goldens/qwen2-untied", "q4_0", " in 4 bits"}),
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

// A trained model on real text. Most of what int8 costs it comes from the rows of attention's q, k and v.
TEST(NpuEngine, StaysCloseToFloat32WithTheEmbeddedModel) {
  for (Format format : {Format::q8_0, Format::q4_0, Format::q4_k}) {
    std::filesystem::path path = embedded_in(format);
    auto exact = load(path, "cpu", "", true);
    std::vector<int32_t> ids = chat(*exact);
    const std::vector<float> want = logits(*exact, ids);
    auto found = [&](const char* device) {
      return divergence_of(fmt::format("{} {}", info(format).name, device), *load(path, device), ids, want);
    };
    const double int8 = found("npu"), int16 = found("npu in 16 bits"), int16_for_qkv = found("npu in 16 bits for q k v");
    std::filesystem::remove(path);
    EXPECT_LE(int8, 0.02) << info(format).name;
    EXPECT_LE(int16, int8 / 10) << info(format).name;
    EXPECT_LE(int16_for_qkv, int8 * 0.7) << info(format).name;
  }
}

// All its products of a whole step, which goes as two micro-batches.
TEST(NpuEngine, ReadsAPromptOf512TokensWithTheEmbeddedModel) {
  const auto load_long = [](const char* device, bool float32) {
    return Engine::load(kSource / "models/troika-mini.gguf",
                        {.device = device, .threads = 2, .context = 1024, .float32 = float32});
  };
  auto exact = load_long("cpu", true), npu = load_long("npu", false);
  Request request{.sampling = {.temperature = 0}};
  const std::string words = "Three horses pulled the carriage through the snow, and each of them knew the way home. ";
  const std::vector<int32_t> ids = exact->text().tokenizer->encode(words, {});
  while (request.prompt.size() < 512) request.prompt.push_back(ids[request.prompt.size() % ids.size()]);
  const double found = shown_divergence(first_choice(*exact, request), first_choice(*npu, request));
  RecordProperty("kl", std::to_string(found));
  EXPECT_LE(found, 0.02);
  EXPECT_EQ(npu->stats().steps, 1);
}

}  // namespace
}  // namespace troika::engine
