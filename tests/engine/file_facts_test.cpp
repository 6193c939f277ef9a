// What files say of a model without being loaded is what the loaded model says.
#include "engine/file_facts.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace troika::engine {
namespace {

const std::filesystem::path kRoot(TROIKA_SOURCE_DIR);

class FactsOfModels : public testing::TestWithParam<const char*> {};

TEST_P(FactsOfModels, AreThoseOfTheLoadedModel) {
  const EngineOptions options{.threads = 1, .context = 64};
  const FileFacts facts = read_facts(kRoot / GetParam(), options);
  const auto engine = Engine::load(kRoot / GetParam(), options);
  const ModelInfo& info = engine->model();
  EXPECT_EQ(facts.info.name, info.name);
  EXPECT_EQ(facts.info.architecture, info.architecture);
  EXPECT_EQ(facts.info.format, info.format);
  EXPECT_EQ(facts.info.quantisation, info.quantisation);
  EXPECT_EQ(facts.info.licence, info.licence);
  EXPECT_EQ(facts.info.parameters, info.parameters);
  EXPECT_EQ(facts.info.weight_bytes, info.weight_bytes);
  EXPECT_EQ(facts.info.model_context_length, info.model_context_length);
  EXPECT_EQ(facts.info.vocabulary, info.vocabulary);
  EXPECT_EQ(facts.info.layers, info.layers);
  EXPECT_EQ(facts.info.heads, info.heads);
  EXPECT_EQ(facts.info.sampling.temperature, info.sampling.temperature);
  EXPECT_EQ(facts.sees, engine->eyes() != nullptr);
  EXPECT_EQ(facts.tokenizer.chat_template, engine->text().tokenizer->data().chat_template);
  EXPECT_EQ(facts.tokenizer.tokens, engine->text().tokenizer->data().tokens);
}

INSTANTIATE_TEST_SUITE_P(Models, FactsOfModels, testing::Values("models/troika-mini.gguf", "models/troika-mini-vl.gguf"),
                         [](const auto& info) { return info.index == 0 ? "text" : "pictures"; });

TEST(FactsOfFiles, OfSomethingElseAreRefused) {
  EXPECT_THROW(read_facts(kRoot / "README.md", {}), Error);
  EXPECT_THROW(read_facts(kRoot / "models/troika-mini-vl.mmproj.gguf", {}), Error);
}

}  // namespace
}  // namespace troika::engine
