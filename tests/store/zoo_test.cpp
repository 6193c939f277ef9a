// The list of models with short names: the one that is shipped, and ones that are wrong.
#include "store/zoo.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "files/scratch.h"

namespace troika::store {
namespace {

using testing::HasSubstr;

const std::filesystem::path kShipped = TROIKA_SOURCE_DIR "/models/zoo.json";

TEST(Zoo, KnowsEverySpelling) {
  Zoo zoo(kShipped);
  const std::pair<const char*, const char*> cases[] = {
      {"qwen2.5:7b", "qwen2.5:7b"},         {"qwen2.5-7b", "qwen2.5:7b"},          {"Qwen2.5:7B-Instruct", "qwen2.5:7b"},
      {"qwen2.5", "qwen2.5:7b"},            {"qwen2.5:latest", "qwen2.5:7b"},      {"qwen2.5:7b-q8_0", "qwen2.5:7b-q8_0"},
      {"gemma3:4b", "gemma3:4b"},           {"gemma-3-4b-it", "gemma3:4b"},        {"qwen3-8b", "qwen3:8b"},
      {"qwq", "qwq:32b"},                   {"qwen2.5-coder:7b", "qwen2.5-coder:7b"}, {"qwen2.5-vl:7b", "qwen2.5-vl:7b"},
      {"qwen2.5vl:7b", "qwen2.5-vl:7b"},    {"gemma3n:e4b", "gemma3n:e4b"},        {"gemma2:9b", "gemma2:9b"},
      {"qwen3:30b", "qwen3:30b-a3b"},       {"qwen3-30b-a3b-q8_0", "qwen3:30b-a3b-q8_0"},
      {"gemma2:9b-it-q4_K_S", "gemma2:9b-q4_k_s"},
  };
  for (const auto& [typed, name] : cases) {
    ZooMatch match = zoo.find(typed);
    ASSERT_TRUE(match.model) << typed;
    EXPECT_EQ(match.name(), name) << typed;
  }
  for (const char* none : {"qwen", "qwen2.5:8b", "qwen2.5:7b-q9", "qwen2.5:7b-", "qwen2.5:7b-q8_0-x", "gpt-4o", ""})
    EXPECT_FALSE(zoo.find(none).model) << none;
}

TEST(Zoo, HoldsEveryModelThatTroikaIsMadeFor) {
  Zoo zoo(kShipped);
  EXPECT_EQ(zoo.models().size(), 30u);
  for (const char* family : {"qwen2.5", "qwen2.5-coder"}) {
    for (const char* size : {"0.5b", "1.5b", "3b", "7b", "14b", "32b"}) EXPECT_TRUE(zoo.find(std::string(family) + ":" + size).model);
  }
  for (const char* size : {"0.6b", "1.7b", "4b", "8b", "14b", "32b", "30b-a3b"}) EXPECT_TRUE(zoo.find(std::string("qwen3:") + size).model);
  for (const char* name : {"qwq:32b", "qwen2.5-vl:7b", "gemma2:2b", "gemma2:9b", "gemma2:27b", "gemma3:1b", "gemma3:4b",
                           "gemma3:12b", "gemma3:27b", "gemma3n:e2b", "gemma3n:e4b"})
    EXPECT_TRUE(zoo.find(name).model) << name;
  for (const ZooModel& model : zoo.models()) {
    double bits = double(model.approximate_bytes) * 8 / double(model.parameters);
    EXPECT_GT(bits, model.quantisation == "Q8_0" ? 8 : 4) << model.name;
    EXPECT_LT(bits, model.quantisation == "Q8_0" ? 9 : 6.6) << model.name;
  }
}

TEST(Zoo, IsReadStrictly) {
  files::Scratch scratch;
  auto problem = [&](const std::string& text) -> std::string {
    try {
      Zoo zoo(scratch.write("zoo.json", text));
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  };
  auto row = [](std::string change, std::string into) {
    std::string text = R"({"name": "a:1b", "aliases": ["a"], "repository": "o/a", "community": false, "quantisation": "Q4_K_M", )"
                       R"("mmproj": "", "parameters": 10, "parameters_read": 9, "approximate_bytes": 5, "licence": "X", "gated": false})";
    return text.replace(text.find(change), change.size(), into);
  };
  auto list = [](const std::string& rows) { return "{\"models\": [" + rows + "]}"; };
  EXPECT_EQ(problem(list(row("a:1b", "a:1b"))), "");
  EXPECT_THAT(problem("{"), HasSubstr("no list of models"));
  EXPECT_THAT(problem("[]"), HasSubstr("no list of models"));
  EXPECT_THAT(problem(list(row("\"gated\"", "\"gate\""))), HasSubstr("unknown key 'gate'"));
  EXPECT_THAT(problem(list(row(", \"gated\": false", ""))), HasSubstr("gated"));
  EXPECT_THAT(problem(list(row("o/a", "../a"))), HasSubstr("is no repository"));
  EXPECT_THAT(problem(list(row("a:1b", "A:1B"))), HasSubstr("is no name"));
  EXPECT_THAT(problem(list(row("Q4_K_M", "Q4"))), HasSubstr("is no quantisation"));
  EXPECT_THAT(problem(list(row("\"parameters\": 10", "\"parameters\": 1"))), HasSubstr("numbers"));
  EXPECT_THAT(problem(list(row("[\"a\"]", "[\"a-1b\"]"))), HasSubstr("twice"));
  EXPECT_TRUE(Zoo(scratch / "none.json").models().empty());
}

}  // namespace
}  // namespace troika::store
