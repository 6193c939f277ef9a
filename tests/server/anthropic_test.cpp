// Anthropic's Messages API on a scripted engine.
#include <gmock/gmock.h>

#include "server/raw_client.h"

namespace troika::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

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

TEST_F(Anthropic, CountsTokensWithoutComputingThem) {
  Json body = body_of({{"system", "Be brief."}});
  body.erase("max_tokens");
  const RawReply reply = post("/v1/messages/count_tokens", body.dump());
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_TRUE(engine.requests().empty());
  ask({{"system", "Be brief."}});
  EXPECT_EQ(reply.json(), Json::parse(fmt::format(R"({{"input_tokens": {}}})", engine.last_request().prompt.size())));
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
      {content(R"({"type": "tool_result", "tool_use_id": "x"})"), "messages[0].content[0]: tool_result"},
      {content(R"({"type": "document"})"), "messages[0].content[0]: document"},
      {content(R"({"type": "image", "source": {"type": "base64"}})"), "cannot see pictures"},
      {{{"max_tokens", 0}}, "max_tokens"},
      {{{"max_tokens", nullptr}}, "max_tokens is required"},
      {{{"thinking", {{"type", "enabled"}}}}, "thinking.budget_tokens"},
      {{{"thinking", {{"type", "sometimes"}}}}, "thinking.type"},
      {{{"stop_sequences", {""}}}, "stop_sequences"},
      {{{"stop_sequences", "x"}}, "stop_sequences"},
      {{{"tools", {{{"name", "f"}}}}}, "tools is not supported yet"},
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
