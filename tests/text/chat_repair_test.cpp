// Templates that cannot take a system message or parts get messages they can take, and all others what was sent.
#include "text/chat_repair.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "text/tokenizer_samples.h"

namespace troika::text {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr const char* kRefuses =
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    "{% for m in messages %}[{{ m.role }}:{{ m.content | trim }}]{% endfor %}";
constexpr const char* kDrops =
    "{% for m in messages %}{% if m.role != 'system' %}[{{ m.role }}:{{ m.content }}]{% endif %}{% endfor %}";
constexpr const char* kTakesAll =
    "{% for m in messages %}[{{ m.role }}:{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for p in m.content %}{{ p.text if p.type == 'text' else '<image>' }}{% endfor %}{% endif %}]{% endfor %}";
constexpr const char* kPartsOnly =
    "{% for m in messages %}[{{ m.role }}:{% for p in m.content %}{{ p.text }}{% endfor %}]{% endfor %}";

std::string render(const char* source, const char* messages) {
  const ChatTemplate chat_template(source);
  Json variables = {{"messages", Json::parse(messages)}};
  repair_messages(find_repairs(chat_template), variables["messages"]);
  return chat_template.render(variables);
}

constexpr const char* kSystemChat = R"([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"},
                                        {"role": "assistant", "content": "Yo"}, {"role": "user", "content": "Bye"}])";

TEST(ChatRepair, SystemTextGoesInFrontOfTheFirstUserTurn) {
  EXPECT_EQ(render(kRefuses, kSystemChat), "[user:Be brief.\n\nHi][assistant:Yo][user:Bye]");
  EXPECT_EQ(render(kDrops, kSystemChat), "[user:Be brief.\n\nHi][assistant:Yo][user:Bye]");
  EXPECT_EQ(render(kTakesAll, kSystemChat), "[system:Be brief.][user:Hi][assistant:Yo][user:Bye]");
  EXPECT_EQ(render(kRefuses, R"([{"role": "system", "content": "A"}, {"role": "system", "content": "B"},
                                 {"role": "user", "content": "C"}])"),
            "[user:A\n\nB\n\nC]");
  EXPECT_EQ(render(kRefuses, R"([{"role": "system", "content": ""}, {"role": "user", "content": "C"}])"), "[user:C]");
}

TEST(ChatRepair, WhatCannotBeFoldedIsLeftToTheTemplate) {
  for (const char* messages : {R"([{"role": "system", "content": "A"}])",
                               R"([{"role": "system", "content": "A"}, {"role": "assistant", "content": "B"}])"}) {
    EXPECT_THAT([&] { render(kRefuses, messages); }, ThrowsMessage<Error>(HasSubstr("no system")));
  }
  EXPECT_EQ(render(kRefuses, R"([{"role": "user", "content": "A"}, {"role": "user", "content": "B"}])"),
            "[user:A][user:B]");
}

TEST(ChatRepair, PartsAreFlattenedForTemplatesOfText) {
  const char* parts = R"([{"role": "user", "content": [{"type": "text", "text": "A"}, {"type": "text", "text": "B"}]}])";
  EXPECT_EQ(render(kRefuses, parts), "[user:A\nB]");
  EXPECT_EQ(render(kTakesAll, parts), "[user:AB]");
  EXPECT_EQ(render(kPartsOnly, parts), "[user:AB]");
  EXPECT_EQ(render(kPartsOnly, kSystemChat), "[system:Be brief.][user:Hi][assistant:Yo][user:Bye]");
  const char* image = R"([{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "A"}]}])";
  EXPECT_EQ(render(kTakesAll, image), "[user:<image>A]");
  EXPECT_THAT([&] { render(kRefuses, image); }, ThrowsMessage<Error>(HasSubstr("text only")));
  EXPECT_EQ(render(kRefuses, R"([{"role": "system", "content": [{"type": "text", "text": "S"}]},
                                 {"role": "user", "content": [{"type": "text", "text": "U"}]}])"),
            "[user:S\n\nU]");
}

TEST(ChatRepair, OddMessagesAreLeftToTheTemplate) {
  const ChatRepairs all = {.folds_system = true, .flattens_parts = true, .wraps_text = false};
  for (const char* text : {"5", "{}", "[5, null, {}]", R"([{"role": "system"}, {"role": "user"}])", "[]",
                           R"([{"role": "system", "content": "x"}, {"role": "user", "content": null}])"}) {
    Json messages = Json::parse(text);
    repair_messages(all, messages);
    EXPECT_EQ(messages, Json::parse(text));
  }
}

TEST(ChatRepair, RealTemplatesNeedWhatTheyNeed) {
  const auto folder = samples::data_folder() / "chat-templates";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is absent";
  struct Row {
    const char* name;
    bool folds_system, flattens_parts;
  };
  for (const Row& row : {Row{"gemma2", true, true}, Row{"gemma3", false, false}, Row{"gemma3n", false, false},
                         Row{"qwen2.5-vl", false, false}, Row{"qwen2.5", false, true}, Row{"qwen3", false, true},
                         Row{"qwen3-llamacpp", false, true}, Row{"qwq-32b", false, true}}) {
    const ChatRepairs repairs = find_repairs(ChatTemplate(samples::read(folder / (std::string(row.name) + ".jinja"))));
    EXPECT_EQ(repairs.folds_system, row.folds_system) << row.name;
    EXPECT_EQ(repairs.flattens_parts, row.flattens_parts) << row.name;
    EXPECT_FALSE(repairs.wraps_text) << row.name;
  }
}

TEST(ChatRepair, Gemma2TakesASystemMessage) {
  const auto file = samples::data_folder() / "chat-templates/gemma2.jinja";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is absent";
  const std::string source = samples::read(file);
  EXPECT_EQ(render(source.c_str(), kSystemChat),
            "<start_of_turn>user\nBe brief.\n\nHi<end_of_turn>\n<start_of_turn>model\nYo<end_of_turn>\n"
            "<start_of_turn>user\nBye<end_of_turn>\n");
  EXPECT_THAT([&] { render(source.c_str(), R"([{"role": "user", "content": "A"}, {"role": "user", "content": "B"}])"); },
              ThrowsMessage<Error>(HasSubstr("alternate")));
}

}  // namespace
}  // namespace troika::text
