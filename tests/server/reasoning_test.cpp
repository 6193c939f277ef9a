// Reasoning told apart from the answer, limited, or left out: the fields of a request and the shapes of answers.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "server/raw_client.h"

namespace troika::server {
namespace {

using testing::HasSubstr;

class ReasoningApi : public ServerTest {
 protected:
  ReasoningApi() { engine.use_template(kThinkingTemplate); }

  void answers(std::string text) {
    engine.script = [text](const engine::Request&) { return byte_ids(text); };
  }
  std::string prompt_text() { return engine.text().tokenizer->decode(engine.last_request().prompt, false); }
  static std::string joined(const std::vector<Json>& chunks, const char* member) {
    std::string text;
    for (const Json& chunk : chunks)
      for (const Json& choice : chunk["choices"])
        if (choice["delta"].contains(member)) text += choice["delta"][member];
    return text;
  }
};

TEST_F(ReasoningApi, ComesBesideTheContent) {
  answers("<think>\nLet me see.\n</think>\n\nFour.");
  const Json body = chat().json();
  EXPECT_EQ(body["choices"][0]["message"], Json::parse(R"({"role": "assistant", "content": "Four.", "refusal": null,
      "reasoning_content": "Let me see."})"));
  // One token a byte: the tags and the line breaks between them count, those after the closing tag do not.
  EXPECT_EQ(body["usage"]["completion_tokens_details"]["reasoning_tokens"],
            std::string("<think>\nLet me see.\n</think>").size());
  EXPECT_EQ(body["usage"]["completion_tokens"], std::string("<think>\nLet me see.\n</think>\n\nFour.").size());
}

TEST_F(ReasoningApi, IsStreamedBeforeTheContentWithoutATagWhereverTheTokensEnd) {
  answers("<think>\nIs 1 < 2? \xc3\xa9</th>\n</think>\n\nYes.");
  const auto chunks = chat({{"stream", true}}).chunks();
  EXPECT_EQ(joined(chunks, "reasoning_content"), "Is 1 < 2? \xc3\xa9</th>");
  EXPECT_EQ(joined(chunks, "content"), "Yes.");
  bool answering = false;
  int pieces = 0;
  for (const Json& chunk : chunks) {
    const Json& delta = chunk["choices"][0]["delta"];
    if (delta.contains("content") && delta["content"] != "") answering = true;
    if (delta.contains("reasoning_content")) {
      EXPECT_FALSE(answering);
      ++pieces;
    }
  }
  EXPECT_GT(pieces, 5);
}

TEST_F(ReasoningApi, GivesEveryTokenALogprobOnce) {
  const std::string text = "<think>ab</think>cd";
  answers(text);
  for (const bool stream : {false, true}) {
    const RawReply reply = chat({{"logprobs", true}, {"stream", stream}});
    std::string tokens;
    for (const Json& chunk : stream ? reply.chunks() : std::vector<Json>{reply.json()})
      for (const Json& choice : chunk["choices"])
        if (choice["logprobs"].is_object())
          for (const Json& entry : choice["logprobs"]["content"]) tokens += entry["token"];
    EXPECT_EQ(tokens, text);
  }
}

TEST_F(ReasoningApi, MayBeLeftInTheContent) {
  const std::string text = "<think>ab</think>cd";
  answers(text);
  const Json body = chat({{"reasoning_format", "none"}}).json();
  EXPECT_EQ(body["choices"][0]["message"]["content"], text);
  EXPECT_FALSE(body["choices"][0]["message"].contains("reasoning_content"));
  for (const char* format : {"auto", "deepseek"})
    EXPECT_EQ(chat({{"reasoning_format", format}}).json()["choices"][0]["message"]["content"], "cd");
}

TEST_F(ReasoningApi, OfAModelThatKnowsNoneIsText) {
  engine.use_template(kChatTemplate);
  answers("<think>ab</think>cd");
  EXPECT_EQ(chat().json()["choices"][0]["message"]["content"], "<think>ab</think>cd");
}

TEST_F(ReasoningApi, MayHaveBegunInThePrompt) {
  engine.use_template("{% for m in messages %}{{ m.content }}{% endfor %}<think>\n");
  answers("ab</think>cd");
  const Json message = chat().json()["choices"][0]["message"];
  EXPECT_EQ(message["reasoning_content"], "ab");
  EXPECT_EQ(message["content"], "cd");
}

TEST_F(ReasoningApi, WithoutAnEndIsAllThereIs) {
  answers("<think>abcdef");
  const Json body = chat({{"max_tokens", 10}}).json();
  EXPECT_EQ(body["choices"][0]["message"]["reasoning_content"], "abc");
  EXPECT_EQ(body["choices"][0]["message"]["content"], "");
  EXPECT_EQ(body["choices"][0]["finish_reason"], "length");
  EXPECT_EQ(body["usage"]["completion_tokens_details"]["reasoning_tokens"], 10);
}

TEST_F(ReasoningApi, StopStringsAreLookedForInTheAnswerOnly) {
  answers("<think>a. b.</think>c. d.");
  for (const bool stream : {false, true}) {
    const RawReply reply = chat({{"stop", "."}, {"stream", stream}});
    const Json message = stream ? Json{{"reasoning_content", joined(reply.chunks(), "reasoning_content")},
                                       {"content", joined(reply.chunks(), "content")}}
                                : reply.json()["choices"][0]["message"];
    EXPECT_EQ(message["reasoning_content"], "a. b.");
    EXPECT_EQ(message["content"], "c");
  }
}

TEST_F(ReasoningApi, IsSwitchedOffInTheTemplate) {
  for (const Json& fields : {Json{{"enable_thinking", false}}, Json{{"reasoning_effort", "none"}},
                             Json{{"chat_template_kwargs", {{"enable_thinking", false}}}},
                             Json{{"thinking_budget", 0}}, Json{{"max_thinking_tokens", 0}}}) {
    ASSERT_EQ(chat(fields).status, 200);
    EXPECT_TRUE(prompt_text().ends_with("<think>\n\n</think>\n\n")) << fields.dump();
    EXPECT_FALSE(engine.last_request().thinking.has_value()) << fields.dump();
  }
  answers("<think>not reasoning any more");
  EXPECT_EQ(chat({{"enable_thinking", false}}).json()["choices"][0]["message"]["content"],
            "<think>not reasoning any more");
  chat({{"enable_thinking", true}, {"chat_template_kwargs", {{"enable_thinking", false}}}});
  EXPECT_TRUE(prompt_text().ends_with("assistant\n"));
}

TEST_F(ReasoningApi, ABudgetGoesToTheEngine) {
  for (const char* field : {"thinking_budget", "max_thinking_tokens"}) {
    chat({{field, 7}});
    const auto thinking = engine.last_request().thinking;
    ASSERT_TRUE(thinking.has_value());
    EXPECT_EQ(thinking->tokens, 7);
    EXPECT_EQ(thinking->start, text::Reasoning::possible);
    EXPECT_EQ(thinking->close, byte_ids("\n</think>\n\n"));
  }
  chat();
  EXPECT_FALSE(engine.last_request().thinking.has_value());
  chat({{"thinking_budget", -1}});
  EXPECT_FALSE(engine.last_request().thinking.has_value());
  engine.info().architecture = "qwen3";
  chat({{"thinking_budget", 7}});
  EXPECT_THAT(engine.text().tokenizer->decode(engine.last_request().thinking->close, false),
              HasSubstr("Considering the limited time by the user"));
}

TEST_F(ReasoningApi, OfEarlierTurnsReachesTheTemplate) {
  const RawReply reply = post("/v1/chat/completions", R"({"messages": [{"role": "user", "content": "x"},
      {"role": "assistant", "content": "y", "reasoning_content": "why"}, {"role": "user", "content": "z"}]})");
  ASSERT_EQ(reply.status, 200);
  EXPECT_THAT(prompt_text(), HasSubstr("<think>why</think>y"));
}

TEST_F(ReasoningApi, IsToldAmongTheCapabilities) {
  EXPECT_EQ(get("/v1/models").json()["data"][0]["capabilities"]["reasoning"], true);
}

// The templates of real models lie beside the project, where they are at all.
class RealTemplates : public ReasoningApi {
 protected:
  void SetUp() override {
    const char* shared = std::getenv("TROIKA_SHARED");
    folder_ = (shared ? std::filesystem::path(shared) : std::filesystem::path(TROIKA_SOURCE_DIR) / "../shared") /
              "data/chat-templates";
    if (!std::filesystem::exists(folder_)) GTEST_SKIP() << "the real templates are not in " << folder_;
  }
  void use(const char* name) {
    std::ifstream file(folder_ / (std::string(name) + ".jinja"));
    std::stringstream source;
    source << file.rdbuf();
    engine.use_template(source.str());
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(RealTemplates, OfGemmaTakeASystemMessage) {
  for (const char* name : {"gemma2", "gemma3", "gemma3n"}) {
    use(name);
    for (const char* role : {"system", "developer"}) {
      const Json parts = Json::array({{{"type", "text"}, {"text", "Hi"}}});
      const RawReply reply = chat(
          {{"messages", {{{"role", role}, {"content", "Be brief."}}, {{"role", "user"}, {"content", parts}}}}});
      ASSERT_EQ(reply.status, 200) << name << reply.body;
      EXPECT_THAT(prompt_text(), HasSubstr("<start_of_turn>user\nBe brief.\n\nHi<end_of_turn>")) << name;
    }
  }
}

TEST_F(RealTemplates, OfModelsThatReasonAreUnderstood) {
  use("qwen3");
  answers("<think>\na\n</think>\n\nb");
  EXPECT_EQ(chat().json()["choices"][0]["message"]["reasoning_content"], "a");
  chat({{"reasoning_effort", "none"}});
  EXPECT_TRUE(prompt_text().ends_with("<think>\n\n</think>\n\n"));
  use("qwq-32b");
  answers("a\n</think>\n\nb");
  EXPECT_EQ(chat().json()["choices"][0]["message"]["reasoning_content"], "a");
  EXPECT_EQ(chat().json()["choices"][0]["message"]["content"], "b");
}

}  // namespace
}  // namespace troika::server
