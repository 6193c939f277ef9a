// Tools on a scripted engine: what the template is told, what the grammar allows, and the shapes of calls in
// answers.
#include <gmock/gmock.h>

#include "server/raw_client.h"
#include "server/tool_call_parser.h"

namespace troika::server {
namespace {

using testing::HasSubstr;
using testing::Not;

const Json kTools = Json::parse(R"([
    {"type": "function", "function": {"name": "weather", "description": "Tells the weather.", "parameters":
        {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "maximum": 9}}, "required": ["city"]}}},
    {"type": "function", "function": {"name": "now"}}])");

class Tools : public ServerTest {
 protected:
  Tools() { engine.use_template(kHermesTemplate); }

  RawReply ask(Json more = Json::object()) {
    Json fields = {{"tools", kTools}};
    fields.update(more);
    return chat(fields);
  }
  void answers(std::string text) {
    engine.script = [text](const engine::Request&) { return byte_ids(text); };
  }
  std::string prompt_text() { return engine.text().tokenizer->decode(engine.last_request().prompt, false); }
};

TEST_F(Tools, AreGivenToTheTemplate) {
  ask();
  EXPECT_THAT(prompt_text(), HasSubstr("Tells the weather."));
  ask({{"tool_choice", "none"}});
  EXPECT_THAT(prompt_text(), Not(HasSubstr("Tells the weather.")));
  EXPECT_EQ(engine.last_request().grammar, nullptr);
}

TEST_F(Tools, StandInThePromptThatIsAskedFor) {
  const RawReply reply = post("/apply-template", chat_body({{"tools", kTools}, {"brand_new", 1}}).dump());
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(std::string(reply.json()["prompt"]), HasSubstr("Tells the weather."));
  EXPECT_EQ(reply.header("X-Troika-Ignored-Fields"), "brand_new");
}

TEST_F(Tools, MayBeCalledAtTheEndOfFreeText) {
  ask();
  for (const std::string& text :
       {std::string(""), std::string("It is 5 < 6 {}."), "I look. " + kCall, kCall + "\n" + kNow}) {
    EXPECT_TRUE(takes(text)) << text;
  }
  for (const std::string& text :
       {std::string("<tool_call>"), kCall + " and so on",
        std::string("<tool_call>\n{\"name\": \"other\", \"arguments\": {}}\n</tool_call>"),
        std::string("<tool_call>\n{\"name\": \"weather\", \"arguments\": {}}\n</tool_call>"),
        std::string("<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\", \"days\": "
                    "10}}\n</tool_call>")}) {
    EXPECT_FALSE(takes(text)) << text;
  }
}

TEST_F(Tools, MustBeCalledWhereRequiredOrNamed) {
  ask({{"tool_choice", "required"}});
  EXPECT_TRUE(takes(kCall + "\n" + kNow));
  EXPECT_FALSE(takes("No."));
  EXPECT_FALSE(takes(""));
  ask({{"tool_choice", "required"}, {"parallel_tool_calls", false}});
  EXPECT_TRUE(takes(kNow));
  EXPECT_FALSE(takes(kCall + "\n" + kNow));
  ask({{"tool_choice", {{"type", "function"}, {"function", {{"name", "now"}}}}}});
  EXPECT_TRUE(takes(kNow));
  EXPECT_FALSE(takes(kCall));
  ask({{"tool_choice", Json::parse(R"({"type": "allowed_tools", "allowed_tools": {"mode": "required",
      "tools": [{"type": "function", "function": {"name": "weather"}}]}})")}});
  EXPECT_TRUE(takes(kCall));
  EXPECT_FALSE(takes(kNow));
}

TEST_F(Tools, StandBesideAResponseFormat) {
  ask({{"response_format", {{"type", "json_object"}}}});
  EXPECT_TRUE(takes("{}"));
  EXPECT_TRUE(takes(kCall));
  EXPECT_FALSE(takes("words"));
}

TEST_F(Tools, ComeAsToolCalls) {
  answers("Let me look.\n" + kCall + "\n" + kNow);
  const Json body = ask().json();
  const Json& choice = body["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "tool_calls");
  EXPECT_EQ(choice["message"]["content"], "Let me look.");
  const Json& calls = choice["message"]["tool_calls"];
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0]["type"], "function");
  EXPECT_EQ(calls[0]["function"], Json({{"name", "weather"}, {"arguments", "{\"city\": \"Rome\"}"}}));
  EXPECT_EQ(calls[1]["function"], Json({{"name", "now"}, {"arguments", "{}"}}));
  EXPECT_NE(calls[0]["id"], calls[1]["id"]);
  answers(kCall);
  EXPECT_EQ(ask().json()["choices"][0]["message"]["content"], nullptr);
  answers("No need.");
  const Json plain = ask().json()["choices"][0];
  EXPECT_EQ(plain["finish_reason"], "stop");
  EXPECT_EQ(plain["message"]["content"], "No need.");
  EXPECT_FALSE(plain["message"].contains("tool_calls"));
}

TEST_F(Tools, AreStreamedAsClientsExpect) {
  answers("I look.\n" + kCall + "\n" + kNow);
  const auto chunks = ask({{"stream", true}}).chunks();
  std::string words, arguments[2];
  int begun = 0;
  for (const Json& chunk : chunks) {
    const Json& delta = chunk["choices"][0]["delta"];
    if (delta.contains("content")) words += delta["content"];
    if (!delta.contains("tool_calls")) continue;
    const Json& call = delta["tool_calls"][0];
    const int index = call["index"];
    ASSERT_TRUE(index == 0 || index == 1);
    if (call.contains("id")) {  // once, with all that does not change
      EXPECT_EQ(index, begun++);
      EXPECT_EQ(call["type"], "function");
      EXPECT_EQ(call["function"]["name"], index == 0 ? "weather" : "now");
    } else {
      EXPECT_FALSE(call.contains("type"));
      EXPECT_FALSE(call["function"].contains("name"));
    }
    arguments[index] += call["function"]["arguments"];
  }
  EXPECT_EQ(words, "I look.");
  EXPECT_EQ(begun, 2);
  EXPECT_EQ(arguments[0], "{\"city\": \"Rome\"}");
  EXPECT_EQ(arguments[1], "{}");
  EXPECT_EQ(chunks.back()["choices"][0]["finish_reason"], "tool_calls");
}

TEST_F(Tools, CutShortFinishByLength) {
  answers(kCall);
  const Json choice = ask({{"max_tokens", 60}}).json()["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "length");
  EXPECT_EQ(choice["message"]["tool_calls"][0]["function"]["name"], "weather");
}

TEST_F(Tools, OfAHistoryMayHaveBrokenArguments) {
  for (const char* source : {kHermesTemplate, kPlainTemplate}) {
    engine.use_template(source);
    const RawReply reply = ask({{"messages", Json::parse(R"([{"role": "user", "content": "x"},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{\"city\": "}}]},
        {"role": "tool", "tool_call_id": "c", "content": "bad arguments"}])")}});
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_THAT(prompt_text(), HasSubstr("bad arguments"));
  }
}

TEST_F(Tools, WorkWithTemplatesThatKnowNone) {
  engine.use_template(kPlainTemplate);
  answers(
      "{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n{\"name\": \"now\", \"parameters\": "
      "{}}");
  const Json choice =
      ask({{"messages",
            Json::parse(R"([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "x"},
      {"role": "assistant", "content": null, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "now", "arguments": "{}"}},
                                           {"id": "d", "type": "function", "function": {"name": "now", "arguments": "{}"}}]},
      {"role": "tool", "tool_call_id": "c", "content": "noon"}, {"role": "tool", "tool_call_id": "d", "content": "one"}])")}})
          .json()["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "tool_calls");
  EXPECT_EQ(choice["message"]["content"], nullptr);
  ASSERT_EQ(choice["message"]["tool_calls"].size(), 2u);
  EXPECT_EQ(choice["message"]["tool_calls"][1]["function"]["name"], "now");
  const std::string prompt = prompt_text();
  EXPECT_THAT(prompt, HasSubstr("Be brief.\n\nYou can call these functions:\n{\"name\":\"weather\""));
  EXPECT_THAT(
      prompt,
      HasSubstr(
          "assistant\n{\"name\":\"now\",\"arguments\":{}}\n{\"name\":\"now\",\"arguments\":{}}<|im_end|>"));
  EXPECT_THAT(prompt, HasSubstr("user\nResult of the function: noon\nResult of the function: one<|im_end|>"));
  EXPECT_TRUE(takes("{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}"));
  EXPECT_TRUE(takes("Fine {really}."));
  EXPECT_FALSE(takes("{\"name\": \"weather\"}"));
  EXPECT_FALSE(takes("{anything}"));
  EXPECT_EQ(ask({{"response_format", {{"type", "json_object"}}}}).status, 400);
}

TEST_F(Tools, ThatCannotBeEnforcedAreToldOf) {
  Json tools = kTools;
  tools[0]["function"]["parameters"]["minProperties"] = 1;
  for (int i = 0; i < 2; ++i) {  // compiled, and known
    const RawReply reply = chat({{"tools", tools}});
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_THAT(reply.header("X-Troika-Not-Enforced"),
                HasSubstr("tools[0].function.parameters: at /minProperties"));
    EXPECT_TRUE(takes("<tool_call>{\"name\":\"weather\",\"arguments\":{\"any\":1}}</tool_call>"));
  }
  tools[0]["function"]["strict"] = true;
  const RawReply reply = chat({{"tools", tools}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.error()["param"], "tools[0].function.parameters");
}

TEST_F(Tools, ThatAreTooLargeAreToldOfByName) {
  Json tools = kTools;
  tools[0]["function"]["parameters"]["properties"]["city"]["maxLength"] = 200'000;
  const RawReply reply = chat({{"tools", tools}});
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(reply.header("X-Troika-Not-Enforced"),
              HasSubstr("tools[0].function.parameters: the grammar is too large"));
  EXPECT_TRUE(takes("<tool_call>{\"name\":\"weather\",\"arguments\":{\"any\":1}}</tool_call>"));
  EXPECT_TRUE(takes(kNow));
  EXPECT_FALSE(
      takes("<tool_call>{\"name\":\"now\",\"arguments\":{\"any\":1}}</tool_call>"));  // the other one is
  tools[0]["function"]["strict"] = true;
  const RawReply strict = chat({{"tools", tools}});
  EXPECT_EQ(strict.status, 400);
  EXPECT_EQ(strict.error()["param"], "tools[0].function.parameters");
}

TEST_F(Tools, WithWrongSchemasAreToldOfBeforeAnythingIsMadeOfThem) {
  Json tools = kTools;
  tools[0]["function"]["parameters"] = {{"type", 5}};
  const RawReply reply = chat({{"tools", tools}});
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(reply.header("X-Troika-Not-Enforced"),
              HasSubstr("tools[0].function.parameters: at /type: 'type' must be"));
}

TEST_F(Tools, AreToldOfByTheirPlaceInThisRequest) {
  Json tools = kTools;
  tools[0]["function"]["parameters"]["minProperties"] = 1;
  const Json choice = Json::parse(R"({"type": "allowed_tools", "allowed_tools": {"mode": "auto",
      "tools": [{"type": "function", "function": {"name": "weather"}}]}})");
  for (int place : {0, 1}) {
    const RawReply reply = chat({{"tools", tools}, {"tool_choice", choice}});
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_THAT(reply.header("X-Troika-Not-Enforced"),
                HasSubstr(fmt::format("tools[{}].function.parameters", place)));
    std::swap(tools[0], tools[1]);
  }
}

// The same pieces, however the text is cut.
TEST(ToolCallParser, DoesNotDependOnHowTheTextIsCut) {
  struct Case {
    ToolForm form;
    std::string text, told;
  };
  const Case cases[] = {
      {ToolForm::hermes, "a < b\n" + kCall + "\n" + kNow, "a < b|weather({\"city\": \"Rome\"})|now({})"},
      {ToolForm::hermes, "<tool_cal", "<tool_cal"},
      {ToolForm::hermes, "\n\n one \n", "\n\n one \n"},
      {ToolForm::hermes,
       "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": \"}\\\"{</tool_call>\", \"b\": "
       "[{}]}}</tool_call>",
       "|f({\"a\": \"}\\\"{</tool_call>\", \"b\": [{}]})"},
      {ToolForm::hermes, "<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1", "|f({\"a\": 1)"},
      {ToolForm::plain, "{\"name\": \"f\", \"parameters\": {}}\n{\"name\": \"g\", \"arguments\": {}}",
       "|f({})|g({})"},
      {ToolForm::plain, "I say {\"name\"}", "I say {\"name\"}"},
  };
  for (const Case& c : cases) {
    for (size_t step = 1; step <= c.text.size(); ++step) {
      ToolCallParser parser(c.form);
      std::string words, calls;
      for (size_t at = 0; at < c.text.size(); at += step) {
        for (const AnswerPiece& piece :
             parser.append(std::string_view(c.text).substr(at, step), at + step >= c.text.size())) {
          if (piece.kind == AnswerPiece::Kind::words) words += piece.text;
          if (piece.kind == AnswerPiece::Kind::call) calls += (calls.empty() ? "|" : ")|") + piece.text + "(";
          if (piece.kind == AnswerPiece::Kind::arguments) calls += piece.text;
        }
      }
      ASSERT_EQ(words + calls + (calls.empty() ? "" : ")"), c.text.empty() ? "" : c.told)
          << "in pieces of " << step;
    }
  }
}

}  // namespace
}  // namespace troika::server
