// Anthropic's Messages API on a scripted engine.
#include <gmock/gmock.h>

#include "server/raw_client.h"

namespace troika::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const Json kWeather = Json::parse(R"({"name": "weather", "description": "Tells the weather.", "input_schema":
    {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "maximum": 9}}, "required": ["city"]}})");
const Json kClock = Json::parse(R"({"name": "now", "input_schema": {"type": "object", "properties": {}}})");

class Anthropic : public ServerTest {
 protected:
  void answers(std::string text) {
    engine.script = [text](const engine::Request&) { return byte_ids(text); };
  }
  std::string prompt_text() { return engine.text().tokenizer->decode(engine.last_request().prompt, false); }

  static Json body_of(const Json& more) {
    Json body = {{"max_tokens", 100}, {"messages", {{{"role", "user"}, {"content", "Hi"}}}}};
    body.update(more);
    return body;
  }
  RawReply ask(const Json& more = Json::object()) { return post("/v1/messages", body_of(more).dump()); }

  // The events of a stream: each is named as its data is.
  static std::vector<Json> events_of(const RawReply& reply) {
    std::vector<Json> events;
    size_t at = 0;
    while (at < reply.body.size()) {
      const size_t end = reply.body.find("\n\n", at);
      const std::string event = reply.body.substr(at, end - at);
      const size_t line = event.find("\ndata: ");
      EXPECT_TRUE(event.starts_with("event: ") && line != event.npos) << event;
      events.push_back(Json::parse(event.substr(line + 7)));
      EXPECT_EQ(event.substr(7, line - 7), events.back()["type"]);
      at = end + 2;
    }
    return events;
  }
};

TEST_F(Anthropic, AnswersMessages) {
  const RawReply reply = ask({{"model", "fake"}, {"system", "Be brief."}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  const Json body = reply.json();
  EXPECT_THAT(std::string(body["id"]), StartsWith("msg_"));
  EXPECT_EQ(body["type"], "message");
  EXPECT_EQ(body["role"], "assistant");
  EXPECT_EQ(body["model"], "fake/model:1");
  EXPECT_EQ(body["content"], Json::parse(R"([{"type": "text", "text": "Hello, world"}])"));
  EXPECT_EQ(body["stop_reason"], "end_turn");
  EXPECT_EQ(body["stop_sequence"], nullptr);
  EXPECT_EQ(body["usage"]["input_tokens"], engine.last_request().prompt.size());
  EXPECT_EQ(body["usage"]["output_tokens"], 12);
  EXPECT_EQ(prompt_text(),
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(reply.header("request-id"), reply.header("x-request-id"));
}

TEST_F(Anthropic, StreamsTheEventsOfTheOfficialClientInOrder) {
  answers("<think>\nHm.\n</think>\n\nYes.");
  engine.use_template(kThinkingTemplate);
  const RawReply reply = ask({{"stream", true}});
  EXPECT_EQ(reply.header("Content-Type"), "text/event-stream; charset=utf-8");
  const auto events = events_of(reply);
  std::string order, thinking, text;
  for (const Json& event : events) {
    const std::string type = event["type"];
    if (type == "content_block_delta") {
      const Json& delta = event["delta"];
      if (delta["type"] == "thinking_delta") thinking += delta["thinking"];
      if (delta["type"] == "text_delta") text += delta["text"];
      if (delta["type"] == "signature_delta") order += "signature ";
      EXPECT_EQ(event["index"], delta["type"] == "text_delta" ? 1 : 0);
    } else {
      order += type + ' ';
    }
  }
  EXPECT_EQ(order,
            "message_start content_block_start signature content_block_stop content_block_start content_block_stop "
            "message_delta message_stop ");
  EXPECT_EQ(thinking, "Hm.");
  EXPECT_EQ(text, "Yes.");
  EXPECT_EQ(events[0]["message"]["content"], Json::array());
  EXPECT_EQ(events[1]["content_block"]["type"], "thinking");
  const Json& last = events[events.size() - 2];
  EXPECT_EQ(last["delta"]["stop_reason"], "end_turn");
  EXPECT_EQ(last["usage"]["output_tokens"], std::string("<think>\nHm.\n</think>\n\nYes.").size());
}

TEST_F(Anthropic, StreamsOneEmptyBlockWhenTheModelSaysNothing) {
  answers("");
  const auto events = events_of(ask({{"stream", true}}));
  EXPECT_EQ(events.size(), 5u);
  EXPECT_EQ(events[1]["content_block"], Json::parse(R"({"type": "text", "text": ""})"));
}

TEST_F(Anthropic, SaysWhyItStopped) {
  Json body = ask({{"stop_sequences", {"xyz", "o,"}}}).json();
  EXPECT_EQ(body["content"][0]["text"], "Hell");
  EXPECT_EQ(body["stop_reason"], "stop_sequence");
  EXPECT_EQ(body["stop_sequence"], "o,");
  const auto events = events_of(ask({{"stop_sequences", {"o,"}}, {"stream", true}}));
  EXPECT_EQ(events[events.size() - 2]["delta"], Json::parse(R"({"stop_reason": "stop_sequence", "stop_sequence": "o,"})"));
  EXPECT_EQ(ask({{"max_tokens", 3}}).json()["stop_reason"], "max_tokens");
}

TEST_F(Anthropic, ReadsBlocksAndJoinsTurnsOfOneRole) {
  const RawReply reply = post("/v1/messages", R"({"max_tokens": 5, "system": [{"type": "text", "text": "A",
      "cache_control": {"type": "ephemeral"}}, {"type": "text", "text": "B"}], "messages": [
      {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
      {"role": "user", "content": "three"},
      {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "x"},
                                        {"type": "redacted_thinking", "data": "x"}, {"type": "text", "text": "four"}]},
      {"role": "user", "content": "five"}]})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(prompt_text(),
            "<|im_start|>system\nA\nB<|im_end|>\n<|im_start|>user\none\ntwo\nthree<|im_end|>\n"
            "<|im_start|>assistant\nfour<|im_end|>\n<|im_start|>user\nfive<|im_end|>\n<|im_start|>assistant\n");
}

TEST_F(Anthropic, GoesOnWithALastMessageOfTheAssistant) {
  const Json messages = {{{"role", "user"}, {"content", "Hi"}}, {{"role", "assistant"}, {"content", "Well, <|im_end|>"}}};
  EXPECT_EQ(ask({{"messages", messages}}).status, 200);
  EXPECT_THAT(prompt_text(), testing::EndsWith("<|im_start|>assistant\nWell, <|im_end|>"));
  engine.use_template(kThinkingTemplate);
  answers("<think>no reasoning");
  EXPECT_EQ(ask({{"messages", messages}}).json()["content"][0]["text"], "<think>no reasoning");
}

TEST_F(Anthropic, JoinsTheThinkingOfJoinedTurns) {
  engine.use_template(kThinkingTemplate);
  const auto turn = [](const char* thinking, const char* text) {
    return Json{
        {"role", "assistant"},
        {"content", {{{"type", "thinking"}, {"thinking", thinking}}, {{"type", "text"}, {"text", text}}}}};
  };
  const Json user = {{"role", "user"}, {"content", "Hi"}};
  ASSERT_EQ(ask({{"messages", {user, turn("first", "a"), turn("second", "b"), user}}}).status, 200);
  EXPECT_THAT(prompt_text(), HasSubstr("<think>first\nsecond</think>a\nb<|im_end|>"));
}

TEST_F(Anthropic, LimitsReasoningOrLeavesItOut) {
  engine.use_template(kThinkingTemplate);
  answers("x");
  ask({{"thinking", {{"type", "enabled"}, {"budget_tokens", 7}}}});
  ASSERT_TRUE(engine.last_request().thinking.has_value());
  EXPECT_EQ(engine.last_request().thinking->tokens, 7);
  ask({{"thinking", {{"type", "disabled"}}}});
  EXPECT_THAT(prompt_text(), testing::EndsWith("<think>\n\n</think>\n\n"));
  ask({{"thinking", {{"type", "adaptive"}}}});
  EXPECT_FALSE(engine.last_request().thinking.has_value());
}

TEST_F(Anthropic, CallsToolsInBlocks) {
  engine.use_template(kHermesTemplate);
  answers("Let me look.\n" + kCall + "\n" + kNow);
  const Json tools = {{"tools", {kWeather, kClock}}, {"max_tokens", 300}};
  const Json body = ask(tools).json();
  EXPECT_THAT(prompt_text(), HasSubstr(R"({"type": "function", "function": {"name": "weather", "description": "Tells)"));
  EXPECT_EQ(body["stop_reason"], "tool_use");
  const Json& content = body["content"];
  ASSERT_EQ(content.size(), 3u);
  EXPECT_EQ(content[0], Json::parse(R"({"type": "text", "text": "Let me look."})"));
  EXPECT_EQ(content[1]["type"], "tool_use");
  EXPECT_THAT(std::string(content[1]["id"]), StartsWith("toolu_"));
  EXPECT_EQ(content[1]["name"], "weather");
  EXPECT_EQ(content[1]["input"], Json::parse(R"({"city": "Rome"})"));
  EXPECT_EQ(content[2]["name"], "now");
  EXPECT_EQ(content[2]["input"], Json::object());
  EXPECT_NE(content[1]["id"], content[2]["id"]);
  answers(kNow);
  EXPECT_EQ(ask(tools).json()["content"].size(), 1u);
  answers("No need.");
  EXPECT_EQ(ask(tools).json()["stop_reason"], "end_turn");
}

TEST_F(Anthropic, StreamsCallsAsBlocksOfTheirOwn) {
  engine.use_template(kHermesTemplate);
  answers("I look.\n" + kCall + "\n" + kNow);
  std::string order, text, inputs[3];
  const auto events = events_of(ask({{"stream", true}, {"max_tokens", 300}, {"tools", {kWeather, kClock}}}));
  for (const Json& event : events) {
    if (event["type"] == "content_block_delta") {
      const Json& delta = event["delta"];
      if (delta["type"] == "text_delta") text += delta["text"];
      if (delta["type"] == "input_json_delta") inputs[size_t(event["index"])] += delta["partial_json"];
    } else {
      order += fmt::format("{} ", std::string(event["type"]));
    }
    if (event["type"] == "content_block_start" && event["index"] == 1) {
      EXPECT_EQ(event["content_block"]["type"], "tool_use");
      EXPECT_THAT(std::string(event["content_block"]["id"]), StartsWith("toolu_"));
      EXPECT_EQ(event["content_block"]["name"], "weather");
      EXPECT_EQ(event["content_block"]["input"], Json::object());
    }
  }
  EXPECT_EQ(order,
            "message_start content_block_start content_block_stop content_block_start content_block_stop "
            "content_block_start content_block_stop message_delta message_stop ");
  EXPECT_EQ(text, "I look.");
  EXPECT_EQ(inputs[1], "{\"city\": \"Rome\"}");
  EXPECT_EQ(inputs[2], "{}");
  EXPECT_EQ(events[events.size() - 2]["delta"]["stop_reason"], "tool_use");
}

TEST_F(Anthropic, HoldsCallsToTheirSchemasAndTheChoice) {
  engine.use_template(kHermesTemplate);
  const auto choose = [&](const Json& choice) {
    const RawReply reply = ask({{"tools", {kWeather, kClock}}, {"tool_choice", choice}});
    EXPECT_EQ(reply.status, 200) << reply.body;
  };
  choose({{"type", "auto"}});
  EXPECT_TRUE(takes("words"));
  EXPECT_TRUE(takes(kCall + "\n" + kNow));
  EXPECT_FALSE(takes("<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": 5}}\n</tool_call>"));
  choose({{"type", "any"}});
  EXPECT_FALSE(takes("words"));
  EXPECT_TRUE(takes(kCall + "\n" + kNow));
  choose({{"type", "any"}, {"disable_parallel_tool_use", true}});
  EXPECT_TRUE(takes(kNow));
  EXPECT_FALSE(takes(kCall + "\n" + kNow));
  choose({{"type", "tool"}, {"name", "now"}});
  EXPECT_TRUE(takes(kNow));
  EXPECT_FALSE(takes(kCall));
  choose({{"type", "none"}});
  EXPECT_EQ(engine.last_request().grammar, nullptr);
  EXPECT_THAT(prompt_text(), testing::Not(HasSubstr("Tells the weather.")));
}

TEST_F(Anthropic, LeavesOutACallThatWasCutShort) {
  engine.use_template(kHermesTemplate);
  answers("I look.\n" + kCall);
  Json more = {{"tools", {kWeather}}, {"max_tokens", 65}};
  const Json body = ask(more).json();
  EXPECT_EQ(body["stop_reason"], "max_tokens");
  EXPECT_EQ(body["content"], Json::parse(R"([{"type": "text", "text": "I look."}])"));
  more["stream"] = true;
  const auto events = events_of(ask(more));
  EXPECT_EQ(events[events.size() - 2]["delta"]["stop_reason"], "max_tokens");
  EXPECT_EQ(events[events.size() - 3]["type"], "content_block_stop");
}

// What a user asks, a model calls, the tools answer, and the user says to it.
Json conversation() {
  return Json::parse(R"([{"role": "user", "content": "Rome?"},
      {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "x"},
          {"type": "text", "text": "I look."},
          {"type": "tool_use", "id": "a", "name": "weather", "input": {"city": "Rome"}},
          {"type": "tool_use", "id": "b", "name": "now", "input": {}, "cache_control": {"type": "ephemeral"}}]},
      {"role": "user", "content": [
          {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "Sun."}, {"type": "text", "text": "Wind."}]},
          {"type": "tool_result", "tool_use_id": "b", "content": "no clock", "is_error": true},
          {"type": "text", "text": "Well?"}]}])");
}

TEST_F(Anthropic, ReadsCallsAndTheirResults) {
  const RawReply reply = ask({{"messages", conversation()}, {"tools", {kWeather, kClock}}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(prompt_text(),
              HasSubstr("<|im_start|>assistant\nI look.[weather {\"city\": \"Rome\"}][now {}]<|im_end|>\n"
                        "<|im_start|>tool\nSun.\nWind.<|im_end|>\n<|im_start|>tool\nError: no clock<|im_end|>\n"
                        "<|im_start|>user\nWell?<|im_end|>\n<|im_start|>assistant\n"));
  engine.use_template(kThinkingTemplate);
  ask({{"messages", conversation()}});
  EXPECT_THAT(prompt_text(), HasSubstr("<think>hm</think>I look."));
  engine.use_template(kChatTemplate);
  Json last_is_a_call = conversation();
  last_is_a_call.erase(2);
  EXPECT_THAT(ask({{"messages", last_is_a_call}}).body, HasSubstr("messages[1] ends in calls of tools"));
  Json empty = conversation();
  empty[2]["content"] = Json::parse(R"([{"type": "tool_result", "tool_use_id": "a", "is_error": true}, {"type": "tool_result", "tool_use_id": "b"}])");
  EXPECT_EQ(ask({{"messages", empty}}).status, 200);
  EXPECT_THAT(prompt_text(), HasSubstr("tool\nError<|im_end|>\n<|im_start|>tool\n<|im_end|>\n<|im_start|>assistant"));
}

TEST_F(Anthropic, ReadsDocumentsBetweenTags) {
  const Json blocks = Json::parse(R"([
      {"type": "document", "title": "Notes", "context": "of Monday", "citations": {"enabled": false},
       "source": {"type": "text", "media_type": "text/plain", "data": "It rains."}},
      {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "One"}, {"type": "text", "text": "two"}]}},
      {"type": "document", "title": null, "source": {"type": "content", "content": "three"}},
      {"type": "text", "text": "Well?"}])");
  const Json messages = {{{"role", "user"}, {"content", blocks}}};
  ASSERT_EQ(ask({{"messages", messages}}).status, 200);
  EXPECT_THAT(prompt_text(),
              HasSubstr("<|im_start|>user\n<document>\n<source>Notes</source>\n<context>of Monday</context>\n"
                        "<document_content>\nIt rains.\n</document_content>\n</document>\n"
                        "<document>\n<document_content>\nOne\ntwo\n</document_content>\n</document>\n"
                        "<document>\n<document_content>\nthree\n</document_content>\n</document>\nWell?<|im_end|>"));
  Json in_a_result = conversation();
  in_a_result[2]["content"][0]["content"] = Json::array({blocks[0]});
  ASSERT_EQ(ask({{"messages", in_a_result}}).status, 200);
  EXPECT_THAT(prompt_text(), HasSubstr("<|im_start|>tool\n<document>\n<source>Notes</source>"));
}

TEST_F(Anthropic, GivesResultsAsTheUsersWordsToTemplatesThatKnowNoTools) {
  engine.use_template(kPlainTemplate);
  answers("{\"name\": \"now\", \"arguments\": {}}");
  const Json body = ask({{"messages", conversation()}, {"tools", {kWeather, kClock}}}).json();
  EXPECT_EQ(body["content"][0]["name"], "now");
  EXPECT_THAT(prompt_text(), HasSubstr("<|im_start|>user\nResult of the function: Sun.\nWind.\nResult of the function: "
                                       "Error: no clock\nWell?<|im_end|>\n<|im_start|>assistant"));
}

TEST_F(Anthropic, AnswersWhatACodingAgentSends) {
  engine.info().context_length = 100'000;
  engine.use_template(kHermesTemplate);
  Json tools = Json::array();
  for (int i = 0; i < 60; ++i) {
    tools.push_back(kWeather);
    tools.back()["name"] = fmt::format("mcp__server__a_long_name_as_protocols_between_tools_make_them__{}", i);
  }
  tools.back()["cache_control"] = {{"type", "ephemeral"}};
  Json messages = conversation();
  messages[1]["content"][2]["name"] = tools[0]["name"];
  const RawReply reply =
      ask({{"system", Json::parse(R"([{"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}},
                                     {"type": "text", "text": "Here are rules.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}])")},
           {"messages", messages},
           {"tools", tools},
           {"tool_choice", {{"type", "auto"}}},
           {"thinking", {{"type", "adaptive"}}},
           {"output_config", {{"effort", "high"}}},
           {"context_management", Json::parse(R"({"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]})")},
           {"metadata", {{"user_id", "x"}}}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.header("X-Troika-Ignored-Fields"), "");
  EXPECT_EQ(reply.header("X-Troika-Not-Enforced"), "");
}

TEST_F(Anthropic, TellsOfSchemasThatCannotBeKept) {
  engine.use_template(kHermesTemplate);
  Json tool = kWeather;
  tool["input_schema"]["minProperties"] = 1;
  EXPECT_THAT(ask({{"tools", {tool}}}).header("X-Troika-Not-Enforced"), HasSubstr("tools[0].input_schema: at /minProperties"));
  tool["strict"] = true;
  const RawReply reply = ask({{"tools", {tool}}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(std::string(reply.error()["message"]), HasSubstr("tools[0].input_schema: at /minProperties"));
}

TEST_F(Anthropic, HoldsTheAnswerToASchema) {
  const Json format = Json::parse(R"({"type": "json_schema", "schema": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}})");
  EXPECT_EQ(ask({{"output_config", {{"format", format}}}}).status, 200);
  EXPECT_TRUE(takes("{\"a\": 1}"));
  EXPECT_FALSE(takes("words"));
}

TEST_F(Anthropic, CountsTokensWithoutComputingThem) {
  Json body = body_of({{"system", "Be brief."}});
  body.erase("max_tokens");
  const RawReply reply = post("/v1/messages/count_tokens", body.dump());
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_TRUE(engine.requests().empty());
  ask({{"system", "Be brief."}});
  EXPECT_EQ(reply.json(), Json::parse(fmt::format(R"({{"input_tokens": {}}})", engine.last_request().prompt.size())));
  const Json with_tools = {{"tools", {kWeather}}, {"messages", conversation()}};
  body.update(with_tools);
  const Json counted = post("/v1/messages/count_tokens", body.dump()).json();
  ask({{"system", "Be brief."}, {"tools", {kWeather}}, {"messages", conversation()}});
  EXPECT_EQ(counted["input_tokens"], engine.last_request().prompt.size());
}

TEST_F(Anthropic, RefusesWhatItCannotTakeByItsPlace) {
  const auto content = [](const char* block) {
    return Json{{"messages", {{{"role", "user"}, {"content", Json::array({Json::parse(block)})}}}}};
  };
  const std::pair<Json, const char*> cases[] = {
      {{{"messages", Json::array()}}, "messages"},
      {{{"messages", {{{"role", "system"}, {"content", "x"}}}}}, "messages[0].role"},
      {{{"messages", {{{"role", "assistant"}, {"content", "x"}}}}}, "messages"},
      {{{"messages", {{{"role", "user"}, {"content", Json::array()}}}}}, "messages[0].content"},
      {{{"messages", {{{"role", "user"}, {"content", 5}}}}}, "messages[0].content"},
      {content(R"({"text": "x"})"), "messages[0].content[0].type"},
      {content(R"({"type": "text"})"), "messages[0].content[0].text"},
      {content(R"({"type": "tool_result"})"), "messages[0].content[0].tool_use_id is required"},
      {content(R"({"type": "tool_result", "tool_use_id": "x"})"), "messages[0].content[0].tool_use_id is 'x', but no call"},
      {content(R"({"type": "tool_use", "id": "x", "name": "f", "input": {}})"), "messages[0].content[0]: tool_use"},
      {content(R"({"type": "search_result"})"), "messages[0].content[0]: search_result"},
      {content(R"({"type": "document"})"), "messages[0].content[0].source is required"},
      {content(R"({"type": "document", "source": {"type": "text"}})"), "messages[0].content[0].source.data is required"},
      {content(R"({"type": "document", "source": {"type": "text", "media_type": "text/html", "data": "x"}})"), "source.media_type"},
      {content(R"({"type": "document", "source": {"type": "content", "content": 5}})"), "source.content must be a string"},
      {content(R"({"type": "document", "source": {"type": "content", "content": [{"type": "audio"}]}})"), "source.content[0].type"},
      {content(R"({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}})"),
       "messages[0].content[0].source.type: PDF is not read here; send the text of the document"},
      {content(R"({"type": "document", "source": {"type": "url", "url": "https://x.org/a.pdf"}})"), "PDF is not read here"},
      {content(R"({"type": "document", "source": {"type": "file", "file_id": "f"}})"), "there are no files here"},
      {content(R"({"type": "document", "citations": {"enabled": true}, "source": {"type": "text", "data": "x"}})"),
       "messages[0].content[0].citations.enabled"},
      {content(R"({"type": "image", "source": {"type": "base64"}})"), "cannot see pictures"},
      {{{"max_tokens", 0}}, "max_tokens"},
      {{{"max_tokens", nullptr}}, "max_tokens is required"},
      {{{"thinking", {{"type", "enabled"}}}}, "thinking.budget_tokens"},
      {{{"thinking", {{"type", "sometimes"}}}}, "thinking.type"},
      {{{"stop_sequences", {""}}}, "stop_sequences"},
      {{{"stop_sequences", "x"}}, "stop_sequences"},
      {{{"tools", {{{"name", "f"}}}}}, "tools[0].input_schema is required"},
      {{{"tools", {{{"name", "f"}, {"input_schema", 5}}}}}, "tools[0].input_schema must be"},
      {{{"tools", {{{"name", "a b"}, {"input_schema", Json::object()}}}}}, "tools[0].name must"},
      {{{"tools", {{{"type", "web_search_20250305"}, {"name", "web_search"}}}}}, "tools[0].type is 'web_search_20250305'"},
      {{{"tools", {kWeather, kWeather}}}, "Two tools are named 'weather'"},
      {{{"tools", {kWeather}}, {"tool_choice", "any"}}, "tool_choice must be a JSON object"},
      {{{"tools", {kWeather}}, {"tool_choice", {{"type", "required"}}}}, "tool_choice.type must be one of"},
      {{{"tools", {kWeather}}, {"tool_choice", {{"type", "tool"}}}}, "tool_choice.name is required"},
      {{{"tools", {kWeather}}, {"tool_choice", {{"type", "tool"}, {"name", "now"}}}}, "tool_choice.name is 'now'"},
      {{{"tools", {kWeather}}, {"tool_choice", {{"type", "auto"}, {"disable_parallel_tool_use", 1}}}},
       "tool_choice.disable_parallel_tool_use"},
      {{{"tool_choice", {{"type", "any"}}}}, "tool_choice is any, but there are no tools"},
      {{{"output_config", {{"format", {{"type", "regex"}}}}}}, "output_config.format.type"},
      {{{"output_config", {{"format", {{"type", "json_schema"}}}}}}, "output_config.format.schema is required"},
      {{{"output_config", {{"format", {{"type", "json_schema"}, {"schema", {{"not", Json::object()}}}}}}}}, "/not"},
      {{{"output_config", {{"effort", "huge"}}}}, "output_config.effort"},
      {{{"context_management", {{"edits", {{{"type", "clear_tool_uses_20250919"}}}}}}}, "context_management is not supported"},
      {{{"system", {{{"type", "image"}}}}}, "system[0].type"},
  };
  for (const auto& [more, words] : cases) {
    const RawReply reply = ask(more);
    EXPECT_EQ(reply.status, 400) << more.dump();
    EXPECT_EQ(reply.json()["type"], "error");
    EXPECT_EQ(reply.error()["type"], "invalid_request_error");
    EXPECT_THAT(std::string(reply.error()["message"]), HasSubstr(words)) << more.dump();
    EXPECT_EQ(reply.json()["request_id"], reply.header("request-id"));
  }
  EXPECT_EQ(ask({{"model", "other"}}).error()["type"], "not_found_error");
  EXPECT_TRUE(engine.requests().empty());
}

// The client's tool runner asks for a thread first, and goes on without one when it is told so in these words.
TEST_F(Anthropic, RefusesThreadsInTheWordsThatTheClientKnows) {
  const Json details = ask({{"thread", {{"type", "create"}}}}).error()["details"];
  EXPECT_EQ(details, Json::parse(R"({"error_code": "thread_unsupported_request", "unsupported": ["thread"]})"));
}

TEST_F(Anthropic, ReportsAnEngineThatFails) {
  engine.failure = "the device is lost";
  EXPECT_EQ(ask().status, 500);
  EXPECT_EQ(ask().error()["type"], "api_error");
  const auto events = events_of(ask({{"stream", true}}));
  EXPECT_EQ(events.back()["type"], "error");
  EXPECT_THAT(std::string(events.back()["error"]["message"]), HasSubstr("the device is lost"));
}

TEST_F(Anthropic, KeepsASilentStreamAliveWithItsOwnPing) {
  options.ping_interval = std::chrono::milliseconds(20);
  engine.pace = std::chrono::milliseconds(100);
  answers("ab");
  EXPECT_THAT(ask({{"stream", true}}).body, HasSubstr("event: ping\ndata: {\"type\":\"ping\"}\n\n"));
}

}  // namespace
}  // namespace troika::server
