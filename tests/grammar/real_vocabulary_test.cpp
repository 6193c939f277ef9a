// Masks over the vocabulary of Qwen3 with its 151,669 tokens: that they are exact there too, and how long
// they take.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "grammar/samples.h"

namespace troika::grammar {
namespace {

using Clock = std::chrono::steady_clock;

std::filesystem::path folder() {
  const char* shared = std::getenv("TROIKA_SHARED");
  auto root = shared ? std::filesystem::path(shared) : std::filesystem::path(TROIKA_SOURCE_DIR) / "../shared";
  return root / "data/tokenizers/qwen2";
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

struct Schema {
  const char *name, *schema, *answer;
};
const Schema kSchemas[] = {
    {"any JSON", "{}",
     R"({"title": "A long way home — Übergänge", "year": 1994, "ratings": [8.5, 9, 7.25], "cast": [{"name": "Zoë", "role": null},)"
     R"( {"name": "李雷", "role": "He said \"no\", twice\nand left."}], "nested": [[[{"deep": true}]]]})"},
    {"a record",
     R"({"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0, "maximum": 150},
         "email": {"type": "string", "format": "email"}, "tags": {"type": "array", "items": {"enum": ["red", "green", "blue"]}},
         "address": {"type": "object", "properties": {"street": {"type": "string"}, "zip": {"type": "string", "pattern": "^[0-9]{5}$"}},
         "required": ["street", "zip"]}}, "required": ["name", "age", "email", "tags", "address"]})",
     R"({"name": "Ann Smith-Jones, called \"Annie\"", "age": 33, "email": "ann.smith@example.org", "tags": ["red", "blue", "green"],)"
     R"( "address": {"street": "Rue de l'Église 5, 3ᵉ étage", "zip": "12345"}})"},
    {"short strings",
     R"({"type": "object", "properties": {"summary": {"type": "string", "maxLength": 200}, "code": {"type": "string", "minLength": 3,
         "maxLength": 8}}, "required": ["summary", "code"]})",
     R"({"summary": "The quick brown fox jumps over the lazy dog, und der Hund schläft weiter; 犬はまだ眠っている. It goes on and on.", "code": "AB-12"})"},
    {"a tree",
     R"({"$ref": "#/$defs/n", "$defs": {"n": {"type": "object", "properties": {"v": {"type": "string"}, "c": {"type": "array",
         "items": {"$ref": "#/$defs/n"}}}, "required": ["v", "c"]}}})",
     R"({"v": "root", "c": [{"v": "left", "c": [{"v": "leaf, \"one\"", "c": []}]}, {"v": "right", "c": []}]})"},
};

class RealVocabulary : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(folder())) GTEST_SKIP() << "needs the real tokenizers in " << folder();
    if (!world) {
      auto begin = Clock::now();
      world = std::make_unique<samples::TokenWorld>(text::make_tokenizer(
          text::read_vocab_and_merges(read(folder() / "vocab.json"), read(folder() / "merges.txt"),
                                      read(folder() / "tokenizer_config.qwen3.json"))));
      std::printf("vocabulary of %zu tokens: %.0f ms with the tokenizer\n", world->vocabulary.tokens(),
                  std::chrono::duration<double>(Clock::now() - begin).count() * 1e3);
    }
  }
  static void TearDownTestSuite() { world.reset(); }

  static std::unique_ptr<samples::TokenWorld> world;
};
std::unique_ptr<samples::TokenWorld> RealVocabulary::world;

TEST_F(RealVocabulary, MasksAreExact) {
  const Vocabulary& vocabulary = world->vocabulary;
  TokenMask mask(vocabulary.tokens());
  for (const Schema& schema : kSchemas) {
    Matcher matcher(world->grammar(samples::of_schema(schema.schema)));
    std::vector<int32_t> ids = world->tokenizer->encode(schema.answer, {});
    for (size_t i = 0; i < ids.size(); ++i) {
      if (i % 9 == 4) {
        matcher.allow(mask);
        Matcher copy = matcher;
        for (int32_t id = 0; id < int32_t(vocabulary.tokens()); ++id) {
          if (!vocabulary.is_text(id)) continue;
          bool fits = copy.accept(id);
          ASSERT_EQ(mask.allows(id), fits)
              << schema.name << " at " << i << ": '" << vocabulary.text(id) << "'";
          if (fits) copy = matcher;
        }
      }
      ASSERT_TRUE(matcher.accept(ids[i])) << schema.name << " at " << i << ": " << vocabulary.text(ids[i]);
    }
    EXPECT_TRUE(matcher.may_end());
  }
}

// Figures for docs/structured-output.md; that they stay small is asserted with much room, for busy machines.
TEST_F(RealVocabulary, MasksAreFoundInMicroseconds) {
  TokenMask mask(world->vocabulary.tokens());
  for (const Schema& schema : kSchemas) {
    auto begin = Clock::now();
    auto grammar = world->grammar(samples::of_schema(schema.schema));
    double compile_ms = std::chrono::duration<double>(Clock::now() - begin).count() * 1e3;
    std::vector<double> times;  // microseconds
    std::vector<int32_t> ids = world->tokenizer->encode(schema.answer, {});
    for (int round = 0; round < 20; ++round) {
      Matcher matcher(grammar);
      for (int32_t id : ids) {
        auto from = Clock::now();
        matcher.allow(mask);
        times.push_back(std::chrono::duration<double>(Clock::now() - from).count() * 1e6);
        ASSERT_TRUE(matcher.accept(id));
      }
    }
    std::sort(times.begin(), times.end());
    double sum = 0;
    for (double t : times) sum += t;
    std::printf(
        "%-14s compiled in %6.1f ms, %5zu states, masks %5zu KiB; a mask takes %5.1f us in the mean, p99 "
        "%5.1f, worst %5.1f\n",
        schema.name, compile_ms, grammar->automaton().states(), grammar->masks().bytes() >> 10,
        sum / double(times.size()), times[times.size() * 99 / 100], times.back());
    EXPECT_LT(times[times.size() / 2], 2000);
  }
}

}  // namespace
}  // namespace troika::grammar
