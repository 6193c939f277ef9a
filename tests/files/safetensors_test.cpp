// Safetensors folders: configuration, single files and shards; every wrong folder is refused with a sentence.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "files/model_file.h"
#include "files/scratch.h"

namespace troika::files {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string refusal(const std::filesystem::path& path) {
  try {
    ModelFile::open(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "(opened)";
}

// The refusal of a folder with this one weight file.
std::string refusal_of(std::string_view header, std::string_view data) {
  Scratch scratch;
  scratch.write("config.json", "{}");
  scratch.write("model.safetensors", safetensors(header, data));
  return refusal(scratch.path());
}

TEST(Safetensors, ReadsConfigurationAndWeights) {
  Scratch scratch;
  scratch.write("config.json",
                R"({"model_type": "qwen2", "hidden_size": 64, "rms_norm_eps": 1e-06, "tie": true,
      "rope_scaling": {"factor": 4.0, "type": "yarn"}, "architectures": ["Qwen2ForCausalLM"], "nothing": null,
      "eos_token_id": [1, 2], "empty": [], "mixed": [1, "a"], "nested": [[1]], "layers": [true, false],
      "text_config": {"hidden_size": 5.0, "deep": {"er": [0.5, 1]}}, "whole": 1e3})");
  scratch.write("generation_config.json", R"({"temperature": 0.7, "eos_token_id": 7})");
  scratch.write("tokenizer.json", "{\"a\": 1}");
  scratch.write("model.safetensors", safetensors(R"({"__metadata__": {"format": "pt"},
                    "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
                    "b": {"dtype": "BF16", "shape": [4], "data_offsets": [24, 32]},
                    "ids": {"dtype": "I64", "shape": [1], "data_offsets": [32, 40]},
                    "scalar": {"dtype": "F32", "shape": [], "data_offsets": [40, 44]},
                    "none": {"dtype": "F16", "shape": [0, 3], "data_offsets": [44, 44]},
                    "h": {"dtype": "F16", "shape": [1, 1, 2, 1], "data_offsets": [44, 48]}})",
                                                 std::string(48, '\1')));
  auto file = ModelFile::open(scratch.path());
  EXPECT_EQ(file->kind(), FileKind::safetensors);
  const Metadata& m = file->metadata();
  EXPECT_EQ(m.text("model_type"), "qwen2");
  EXPECT_EQ(m.integer("hidden_size"), 64);
  EXPECT_EQ(m.number("hidden_size"), 64);
  EXPECT_EQ(m.number("rms_norm_eps"), 1e-6);
  EXPECT_EQ(m.boolean("tie"), true);
  EXPECT_EQ(m.number("rope_scaling.factor"), 4.0);
  EXPECT_EQ(m.text("rope_scaling.type"), "yarn");
  EXPECT_THAT(m.strings("architectures"), ElementsAre("Qwen2ForCausalLM"));
  EXPECT_FALSE(m.has("nothing"));
  EXPECT_THAT(m.integers("eos_token_id"), ElementsAre(1, 2));
  EXPECT_THAT(m.integers("generation.eos_token_id"), ElementsAre(7));
  EXPECT_TRUE(m.is_array("eos_token_id"));
  EXPECT_THAT(m.integers("empty"), IsEmpty());
  EXPECT_THROW(m.integers("mixed"), Error);
  EXPECT_THROW(m.integers("nested"), Error);
  EXPECT_THAT(m.booleans("layers"), ElementsAre(true, false));
  EXPECT_EQ(m.integer("text_config.hidden_size"), 5);
  EXPECT_THAT(m.numbers("text_config.deep.er"), ElementsAre(0.5, 1));
  EXPECT_EQ(m.integer("whole"), 1000);
  EXPECT_EQ(m.number("generation.temperature"), 0.7);
  EXPECT_EQ(file->text_file("tokenizer.json"), "{\"a\": 1}");
  EXPECT_EQ(file->text_file("vocab.json"), "");
  EXPECT_ANY_THROW(file->text_file("../secret"));

  EXPECT_THAT(file->names(), ElementsAre("a", "b", "ids", "scalar", "none", "h"));
  EXPECT_EQ(file->find("a")->shape, (Shape{2, 3}));
  EXPECT_EQ(file->find("a")->bytes.size(), 24u);
  EXPECT_EQ(file->find("b")->format, Format::bf16);
  EXPECT_EQ(file->find("h")->shape, (Shape{1, 1, 2, 1}));
  EXPECT_FALSE(file->find("z"));
  EXPECT_THROW(file->find("ids"), Error);
  EXPECT_THROW(file->find("scalar"), Error);
  EXPECT_THROW(file->find("none"), Error);
}

TEST(Safetensors, GivesAlignedBytesAlsoWhereTheFileDoesNot) {
  for (size_t spaces = 0; spaces < 8; ++spaces) {
    Scratch scratch;
    scratch.write("config.json", "{}");
    std::string header = R"({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})";
    scratch.write("model.safetensors", safetensors(header + std::string(spaces, ' '), le(1.5f) + le(2.5f)));
    auto view = ModelFile::open(scratch.path())->find("w");
    ASSERT_EQ(reinterpret_cast<uintptr_t>(view->bytes.data()) % 4, 0u);
    float values[2];
    std::memcpy(values, view->bytes.data(), 8);
    EXPECT_THAT(values, ElementsAre(1.5f, 2.5f));
  }
}

TEST(Safetensors, ReadsShards) {
  Scratch scratch;
  scratch.write("config.json", "{}");
  scratch.write("model-00001-of-00002.safetensors",
                safetensors(R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})", le(1.0f)));
  scratch.write("model-00002-of-00002.safetensors",
                safetensors(R"({"b": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})", le(2.0f)));
  EXPECT_THAT(refusal(scratch.path()), HasSubstr("no model.safetensors.index.json"));
  scratch.write("model.safetensors.index.json", R"({"metadata": {"total_size": 8}, "weight_map":
      {"b": "model-00002-of-00002.safetensors", "a": "model-00001-of-00002.safetensors"}})");
  auto file = ModelFile::open(scratch.path());
  EXPECT_THAT(file->names(), ElementsAre("a", "b"));
  float b;
  std::memcpy(&b, file->find("b")->bytes.data(), 4);
  EXPECT_EQ(b, 2.0f);
}

TEST(Safetensors, RefusesWrongIndexes) {
  Scratch scratch;
  scratch.write("config.json", "{}");
  scratch.write("s.safetensors",
                safetensors(R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})", le(1.0f)));
  auto with = [&](std::string_view index) {
    scratch.write("model.safetensors.index.json", index);
    return refusal(scratch.path());
  };
  EXPECT_EQ(with(R"({"weight_map": {"a": "s.safetensors"}})"), "(opened)");
  EXPECT_THAT(with(R"({"weight_map": {"z": "s.safetensors"}})"), HasSubstr("tensor z is not in"));
  EXPECT_THAT(with(R"({"weight_map": {"a": "../s.safetensors"}})"), HasSubstr("not the name of a file"));
  EXPECT_THAT(with(R"({"weight_map": {"a": "/etc/passwd"}})"), HasSubstr("not the name of a file"));
  EXPECT_THAT(with(R"({"weight_map": {"a": ".."}})"), HasSubstr("not the name of a file"));
  EXPECT_THAT(with(R"({"weight_map": {"a": ""}})"), HasSubstr("not the name of a file"));
  EXPECT_THAT(with(R"({"weight_map": {"a": "t.safetensors"}})"), HasSubstr("no such file"));
  EXPECT_THAT(with(R"({"weight_map": {"a": 5}})"), HasSubstr("no text"));
  EXPECT_THAT(with(R"({"weight_map": []})"), HasSubstr("no weight_map"));
  EXPECT_THAT(with("{"), HasSubstr("not valid JSON"));
  EXPECT_THAT(with("[]"), HasSubstr("JSON object"));
}

TEST(Safetensors, OneFileOfAnyNameWillDo) {
  Scratch scratch;
  scratch.write("config.json", "{}");
  scratch.write("weights.safetensors", safetensors("{}", ""));
  EXPECT_EQ(refusal(scratch.path()), "(opened)");
}

TEST(Safetensors, RefusesFoldersThatAreNoModels) {
  Scratch scratch;
  EXPECT_THAT(refusal(scratch.path()), HasSubstr("no config.json"));
  scratch.write("config.json", "{}");
  EXPECT_THAT(refusal(scratch.path()), HasSubstr("no .safetensors"));
  scratch.write("model.safetensors", safetensors("{}", ""));
  for (const char* config : {"", "{", "[]", "null", "{\"a\": 1e999}", "{\"a\": \"\xff\"}",
                             "{\"a\": 1, \"a\": 2}", "{\"a.b\": 1, \"a\": {\"b\": 2}}"}) {
    scratch.write("config.json", config);
    EXPECT_THAT(refusal(scratch.path()), HasSubstr("config.json")) << config;
  }
  std::string deep;
  for (int i = 0; i < 500; ++i) deep += "{\"a\":";
  scratch.write("config.json", deep + "1" + std::string(500, '}'));
  EXPECT_THAT(refusal(scratch.path()), HasSubstr("nested too deeply"));
  for (char open : {'[', '{'}) {
    scratch.write("config.json", "{\"a\":" + std::string(1'000'000, open));
    EXPECT_THAT(refusal(scratch.path()), HasSubstr("not valid JSON"));
  }
}

TEST(Safetensors, RefusesWrongHeaders) {
  Scratch scratch;
  scratch.write("config.json", "{}");
  for (uint64_t length : {uint64_t{3}, uint64_t{1} << 31, uint64_t{1} << 62, UINT64_MAX, UINT64_MAX - 7}) {
    scratch.write("model.safetensors", le(length) + "{}");
    EXPECT_THAT(refusal(scratch.path()), HasSubstr("header claims"));
  }
  scratch.write("model.safetensors", "1234567");
  EXPECT_THAT(refusal(scratch.path()), HasSubstr("too short"));
  scratch.write("model.safetensors", "");
  EXPECT_THAT(refusal(scratch.path()), HasSubstr("empty"));
  EXPECT_THAT(refusal_of("", ""), HasSubstr("not valid JSON"));
  EXPECT_THAT(refusal_of("[]", ""), HasSubstr("JSON object"));
}

TEST(Safetensors, RefusesWrongTensors) {
  std::string four(4, '\0');
  EXPECT_EQ(refusal_of(R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})", four), "(opened)");
  EXPECT_EQ(refusal_of(R"({"a": {"dtype": "F4", "shape": [8], "data_offsets": [0, 4]}})", four), "(opened)");
  struct {
    const char *header, *says;
  } wrong[] = {
      {R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}})", "does not fit"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 8]}})", "cut short"},
      {R"({"a": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]}})", "2 bytes follow"},
      {R"({"a": {"dtype": "F16", "shape": [1], "data_offsets": [2, 4]}})", "overlap or leave a gap"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}})", "lies at 4 to 0"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
           "b": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}})",
       "overlap"},
      {R"({"a": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]},
           "a": {"dtype": "F16", "shape": [1], "data_offsets": [2, 4]}})",
       "appears twice"},
      {R"({"a": {"dtype": "F32", "shape": [4611686018427387905], "data_offsets": [0, 4]}})", "does not fit"},
      {R"({"a": {"dtype": "F32", "shape": [18446744073709551615], "data_offsets": [0, 4]}})", "dimension"},
      {R"({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}})", "no whole number"},
      {R"({"a": {"dtype": "F32", "shape": [1.5], "data_offsets": [0, 4]}})", "no whole number"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0]}})", "lacks"},
      {R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, "4"]}})", "no whole number"},
      {R"({"a": {"dtype": "F32", "shape": [1]}})", "lacks"},
      {R"({"a": {"dtype": 5, "shape": [1], "data_offsets": [0, 4]}})", "lacks"},
      {R"({"a": {"shape": [1], "data_offsets": [0, 4]}})", "lacks"},
      {R"({"a": 5})", "lacks"},
  };
  for (auto [header, says] : wrong) EXPECT_THAT(refusal_of(header, four), HasSubstr(says)) << header;
}

}  // namespace
}  // namespace troika::files
