// Reasoning and answer, however the stream is cut.
#include "text/reasoning.h"

#include <gtest/gtest.h>

#include <random>
#include <utility>

#include "text/chat_template.h"
#include "text/tokenizer_samples.h"

namespace troika::text {
namespace {

using samples::Json;
using Parts = std::pair<std::string, std::string>;

// Feeds pieces of `size` bytes; (reasoning, content).
Parts split(Reasoning start, std::string_view text, size_t size) {
  ReasoningSplitter splitter(start);
  Parts out;
  const auto take = [&](const ReasoningSplitter::Pieces& pieces) {
    out.first += pieces.reasoning;
    out.second += pieces.content;
  };
  for (size_t at = 0; at < text.size(); at += size) take(splitter.append(text.substr(at, size)));
  take(splitter.flush());
  return out;
}

TEST(ReasoningSplitter, PartsDoNotDependOnHowTheTextIsCut) {
  struct Case {
    Reasoning start;
    const char* text;
    Parts parts;
  };
  const Case cases[] = {
      {Reasoning::possible, "<think>\nhm\n\nso\n</think>\n\nYes.\n", {"hm\n\nso", "Yes."}},
      {Reasoning::possible, "\n <think>a</think>b", {"a", "b"}},
      {Reasoning::possible, "Yes <think>no</think>\n", {"", "Yes <think>no</think>\n"}},
      {Reasoning::possible, "\n\nplain\n", {"", "\n\nplain\n"}},
      {Reasoning::possible, "<thinking>x", {"", "<thinking>x"}},
      {Reasoning::possible, "<think", {"", "<think"}},
      {Reasoning::possible, "<think>\n\n</think>\n\nHi", {"", "Hi"}},
      {Reasoning::possible, "<think>never closed </thin", {"never closed </thin", ""}},
      {Reasoning::possible, "<think>a</think>b<think>c</think>d", {"a", "b<think>c</think>d"}},
      {Reasoning::possible, "<think>1 < 2 </ 3 <</think>\n\n\n x\n\ny\n", {"1 < 2 </ 3 <", " x\n\ny"}},
      {Reasoning::possible, "", {"", ""}},
      {Reasoning::open, "first\n</think>\n\nthen", {"first", "then"}},
      {Reasoning::open, "\n<think>\nagain</think>ok", {"again", "ok"}},
      {Reasoning::open, "no end\n\n", {"no end", ""}},
      {Reasoning::open, "<th", {"<th", ""}},
      {Reasoning::open, "</think>ok", {"", "ok"}},
      {Reasoning::open, " \n", {" ", ""}},
      {Reasoning::none, "\n<think>x</think>\n", {"", "\n<think>x</think>\n"}},
  };
  for (const Case& c : cases) {
    for (size_t size = 1; size <= std::string_view(c.text).size() + 1; ++size) {
      EXPECT_EQ(split(c.start, c.text, size), c.parts) << c.text << " in pieces of " << size;
    }
  }
}

TEST(ReasoningSplitter, ShowsTextAsSoonAsItIsSettled) {
  ReasoningSplitter splitter(Reasoning::possible);
  EXPECT_EQ(splitter.append("<think>\nI").reasoning, "I");
  EXPECT_EQ(splitter.append(" see\n").reasoning, " see");
  EXPECT_EQ(splitter.append("that </").reasoning, "\nthat ");
  EXPECT_EQ(splitter.append("b></th").reasoning, "</b>");
  const auto both = splitter.append("ink>\n\nY");
  EXPECT_EQ(both.reasoning, "");
  EXPECT_EQ(both.content, "Y");
  EXPECT_EQ(splitter.append("es").content, "es");
}

TEST(ReasoningSplitter, RandomCutsOfRandomTextAgree) {
  std::mt19937 random(6);
  const std::array<std::string, 8> words = {"<think>", "</think>", "<", "think", ">", "\n", "a", "</"};
  for (int round = 0; round < 3000; ++round) {
    std::string text;
    for (size_t n = random() % 12; n > 0; --n) text += words[random() % words.size()];
    for (const Reasoning start : {Reasoning::none, Reasoning::possible, Reasoning::open}) {
      const Parts whole = split(start, text, text.size() + 1);
      ASSERT_EQ(split(start, text, 1 + random() % 5), whole) << text;
    }
  }
}

TEST(Reasoning, ThePromptSaysWhetherItIsOpen) {
  EXPECT_EQ(reasoning_after("<|im_start|>assistant\n<think>\n", ""), Reasoning::open);
  EXPECT_EQ(reasoning_after("<|im_start|>assistant\n<think>\n\n</think>\n\n", "<think>"), Reasoning::none);
  EXPECT_EQ(reasoning_after("<|im_start|>assistant\n", "... '</think>' in content ..."), Reasoning::possible);
  EXPECT_EQ(reasoning_after("<|im_start|>assistant\n", "plain"), Reasoning::none);
  EXPECT_EQ(reasoning_after("What does <think> do?<|im_end|>\n", "plain"), Reasoning::none);
  EXPECT_EQ(reasoning_after("", ""), Reasoning::none);
}

TEST(Reasoning, RealTemplates) {
  const auto folder = samples::data_folder() / "chat-templates";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is absent";
  const auto after = [&](const char* name, const Json& more) {
    const std::string source = samples::read(folder / name);
    nlohmann::ordered_json variables = {{"messages", {{{"role", "user"}, {"content", "Hi"}}}},
                                        {"add_generation_prompt", true}};
    for (const auto& [key, value] : more.items()) variables[key] = value;
    return reasoning_after(ChatTemplate(source).render(variables), source);
  };
  EXPECT_EQ(after("qwen3.jinja", Json::object()), Reasoning::possible);
  EXPECT_EQ(after("qwen3.jinja", {{"enable_thinking", false}}), Reasoning::none);
  EXPECT_EQ(after("qwq-32b.jinja", Json::object()), Reasoning::open);
  EXPECT_EQ(after("qwen2.5.jinja", Json::object()), Reasoning::none);
  EXPECT_EQ(after("gemma3.jinja", Json::object()), Reasoning::none);
}

}  // namespace
}  // namespace troika::text
