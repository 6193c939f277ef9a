// OpenAI's Responses API on a scripted engine, and the memory behind it.
#include <gmock/gmock.h>

#include "server/raw_client.h"
#include "server/response_store.h"

namespace troika::server {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class Responses : public ServerTest {
 protected:
  void answers(std::string text) {
    engine.script = [text](const engine::Request&) { return byte_ids(text); };
  }
  std::string prompt_text() { return engine.text().tokenizer->decode(engine.last_request().prompt, false); }
  RawReply ask(const Json& more = Json::object()) {
    Json body = {{"input", "Hi"}};
    body.update(more);
    return post("/v1/responses", body.dump());
  }
  RawReply remove(const std::string& id) {
    RawClient client(port());
    client.send("DELETE /v1/responses/" + id + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
    return client.read_reply();
  }
  static std::vector<Json> events_of(const RawReply& reply) {
    std::vector<Json> events;
    std::istringstream lines(reply.body);
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with("data: ")) events.push_back(Json::parse(line.substr(6)));
    return events;
  }
};

TEST_F(Responses, AnswerATextWithAMessage) {
  const Json body = ask({{"instructions", "Be brief."}, {"metadata", {{"a", "b"}}}, {"temperature", 0.5}}).json();
  EXPECT_THAT(std::string(body["id"]), StartsWith("resp_"));
  EXPECT_EQ(body["object"], "response");
  EXPECT_EQ(body["status"], "completed");
  ASSERT_EQ(body["output"].size(), 1u);
  EXPECT_THAT(std::string(body["output"][0]["id"]), StartsWith("msg_"));
  EXPECT_EQ(body["output"][0]["content"],
            Json::parse(R"([{"type": "output_text", "text": "Hello, world", "annotations": [], "logprobs": []}])"));
  EXPECT_EQ(body["usage"]["input_tokens"], engine.last_request().prompt.size());
  EXPECT_EQ(body["usage"]["output_tokens"], 12);
  EXPECT_EQ(body["instructions"], "Be brief.");
  EXPECT_EQ(body["metadata"], Json::parse(R"({"a": "b"})"));
  EXPECT_EQ(body["temperature"], 0.5);
  EXPECT_EQ(prompt_text(),
            "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
}

TEST_F(Responses, StreamTheirEventsInOrderAndNumbered) {
  engine.use_template(kThinkingTemplate);
  answers("<think>\nHm.\n</think>\n\nYes.");
  const auto events = events_of(ask({{"stream", true}}));
  std::string order, reasoning, text, last;
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i]["sequence_number"], i);
    const std::string type = std::string(events[i]["type"]).substr(9);
    if (type == "reasoning_text.delta") reasoning += events[i]["delta"];
    if (type == "output_text.delta") text += events[i]["delta"];
    if (type != last) order += type + ' ';
    last = type;
  }
  EXPECT_EQ(order,
            "created in_progress output_item.added content_part.added reasoning_text.delta reasoning_text.done "
            "content_part.done output_item.done output_item.added content_part.added output_text.delta "
            "output_text.done content_part.done output_item.done completed ");
  EXPECT_EQ(reasoning, "Hm.");
  EXPECT_EQ(text, "Yes.");
  EXPECT_EQ(events[0]["response"]["output"], Json::array());
  const Json whole = events.back()["response"];
  EXPECT_EQ(whole["output"][0]["content"][0]["text"], "Hm.");
  EXPECT_EQ(whole["output"][1]["content"][0]["text"], "Yes.");
  EXPECT_EQ(whole["usage"]["output_tokens_details"]["reasoning_tokens"], std::string("<think>\nHm.\n</think>").size());
  for (const Json& event : events)
    if (event["type"] == "response.output_item.done") {
      EXPECT_EQ(event["item"], whole["output"][size_t(event["output_index"])]);
    }
}

TEST_F(Responses, AreIncompleteWhenTheTokensRunOut) {
  const Json body = ask({{"max_output_tokens", 3}}).json();
  EXPECT_EQ(body["status"], "incomplete");
  EXPECT_EQ(body["incomplete_details"]["reason"], "max_output_tokens");
  EXPECT_EQ(events_of(ask({{"max_output_tokens", 3}, {"stream", true}})).back()["type"], "response.incomplete");
}

TEST_F(Responses, GoOnWithAnEarlierOne) {
  const Json first = ask({{"instructions", "Be brief."}}).json();
  answers("Fine.");
  const Json second = ask({{"input", "And you?"}, {"previous_response_id", first["id"]}, {"stream", false}}).json();
  EXPECT_EQ(second["previous_response_id"], first["id"]);
  // Instructions are not carried over.
  EXPECT_EQ(prompt_text(),
            "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello, world<|im_end|>\n"
            "<|im_start|>user\nAnd you?<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(remove(first["id"]).json()["deleted"], true);
  const auto events = events_of(ask({{"input", "Bye"}, {"previous_response_id", second["id"]}, {"stream", true}}));
  EXPECT_THAT(prompt_text(), HasSubstr("Hello, world<|im_end|>\n<|im_start|>user\nAnd you?"));
  const std::string third = events.back()["response"]["id"];
  EXPECT_EQ(get("/v1/responses/" + third).json(), events.back()["response"]);
  const Json items = get("/v1/responses/" + third + "/input_items").json();
  ASSERT_EQ(items["data"].size(), 5u);
  EXPECT_EQ(items["data"][0]["content"][0]["text"], "Bye");
  EXPECT_EQ(items["first_id"], items["data"][0]["id"]);
}

TEST_F(Responses, AreForgottenWhenNotStoredOrDeleted) {
  const std::string unstored = ask({{"store", false}}).json()["id"], id = ask().json()["id"];
  EXPECT_EQ(get("/v1/responses/" + unstored).status, 404);
  EXPECT_EQ(get("/v1/responses/" + id).json()["id"], id);
  EXPECT_EQ(remove(id).json(), Json({{"id", id}, {"object", "response"}, {"deleted", true}}));
  EXPECT_EQ(remove(id).status, 404);
  const RawReply reply = ask({{"previous_response_id", id}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.error()["code"], "previous_response_not_found");
  EXPECT_EQ(reply.error()["param"], "previous_response_id");
}

TEST_F(Responses, MayBeReferredToByTheirItems) {
  const Json first = ask().json();
  const std::string answer = first["output"][0]["id"];
  const std::string asked = get("/v1/responses/" + std::string(first["id"]) + "/input_items").json()["data"][0]["id"];
  const auto refer = [](const std::string& id) { return Json{{"type", "item_reference"}, {"id", id}}; };
  const Json more = {{"role", "user"}, {"content", "And?"}};
  const Json second = ask({{"input", {refer(asked), {{"id", answer}}, more}}}).json();
  const std::string expected = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello, world<|im_end|>\n"
                               "<|im_start|>user\nAnd?<|im_end|>\n<|im_start|>assistant\n";
  EXPECT_EQ(prompt_text(), expected);
  remove(first["id"]);  // what was referred to belongs to the second, too
  EXPECT_EQ(ask({{"input", {refer(answer), refer(asked)}}}).status, 200);
  const Json all = get("/v1/responses/" + std::string(second["id"]) + "/input_items").json();
  EXPECT_EQ(all["data"][1]["content"][0]["text"], "Hello, world");

  const RawReply twice = ask({{"input", {refer(answer), refer(answer)}}});
  EXPECT_EQ(twice.status, 400);
  EXPECT_EQ(twice.error()["param"], "input[1].id");
  const RawReply unknown = ask({{"input", {more, refer("msg_1")}}});
  EXPECT_EQ(unknown.status, 400);
  EXPECT_EQ(unknown.error()["code"], "item_not_found");
  EXPECT_THAT(std::string(unknown.error()["message"]), HasSubstr("There is no item 'msg_1' in memory"));
}

TEST_F(Responses, OfMoreThanAFewMegabytesAreAnsweredAndNotKept) {
  const Json large = {{"role", "user"}, {"content", "Hi"}, {"note", std::string(5 << 20, 'x')}};
  const Json first = ask({{"input", Json::array({large})}}).json();
  EXPECT_EQ(get("/v1/responses/" + std::string(first["id"])).json(), first);
  const Json second = ask({{"input", Json::array({large})}, {"previous_response_id", first["id"]}}).json();
  EXPECT_EQ(second["status"], "completed");
  EXPECT_EQ(get("/v1/responses/" + std::string(second["id"])).status, 404);
  EXPECT_EQ(ask({{"previous_response_id", first["id"]}}).status, 200);
  EXPECT_EQ(ask({{"metadata", {{"x", std::string(1 << 17, 'x')}}}}).error()["param"], "metadata");
}

TEST_F(Responses, ReadItemsOfEveryKind) {
  engine.use_template(kThinkingTemplate);
  const RawReply reply = ask({{"input", Json::parse(R"([
      {"role": "developer", "content": "Be brief."},
      {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]},
      {"type": "reasoning", "id": "rs_1", "summary": [], "content": [{"type": "reasoning_text", "text": "hm"}]},
      {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant",
       "content": [{"type": "output_text", "text": "Hello", "annotations": []}]},
      {"role": "user", "content": "And?"}])")}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(prompt_text(), HasSubstr("system\nBe brief.<|im_end|>"));
  EXPECT_THAT(prompt_text(), HasSubstr("assistant\n<think>hm</think>Hello<|im_end|>"));
}

TEST_F(Responses, ReasoningBelongsToTheTurnItStandsBefore) {
  engine.use_template(kThinkingTemplate);
  const Json reasoning =
      Json::parse(R"({"type": "reasoning", "content": [{"type": "reasoning_text", "text": "hm"}]})");
  ask({{"input", Json::array({{{"role", "user"}, {"content", "Hi"}},
                              reasoning,
                              {{"role", "user"}, {"content", "Well?"}},
                              {{"role", "assistant"}, {"content", "Hello"}},
                              {{"role", "user"}, {"content", "And?"}}})}});
  EXPECT_THAT(prompt_text(), HasSubstr("assistant\nHello<|im_end|>"));
  EXPECT_THAT(prompt_text(), testing::Not(HasSubstr("hm")));
}

TEST_F(Responses, ReasoningIsCompleteOnceTheTextHasBegun) {
  engine.use_template(kThinkingTemplate);
  answers("<think>\nHm.\n</think>\n\nYes.");
  const auto statuses = [&](int tokens) {
    const Json body = {{"max_output_tokens", tokens}};
    Json streaming = body;
    streaming["stream"] = true;
    std::string all;
    for (const Json& whole : {ask(body).json(), events_of(ask(streaming)).back()["response"]})
      for (const Json& item : whole["output"])
        all += fmt::format("{} {}, ", item["type"].get<std::string>(), item["status"].get<std::string>());
    return all;
  };
  const std::string in_text = "reasoning completed, message incomplete, ",
                    in_reasoning = "reasoning incomplete, ";
  EXPECT_EQ(statuses(int(std::string("<think>\nHm.\n</think>\n\nYe").size())), in_text + in_text);
  EXPECT_EQ(statuses(int(std::string("<think>\nHm").size())), in_reasoning + in_reasoning);
}

TEST_F(Responses, GiveLogprobsOfTokensWithoutTextToo) {
  for (const char* words : {"Yes.", ""}) {
    engine.script = [words](const engine::Request&) {
      auto ids = byte_ids(words);
      ids.push_back(kChatBegin);
      return ids;
    };
    Json more = {{"include", {"message.output_text.logprobs"}}};
    const Json whole = ask(more).json()["output"][0]["content"][0];
    EXPECT_EQ(whole["logprobs"].back()["token"], "<|im_start|>");
    more["stream"] = true;
    const auto events = events_of(ask(more));
    EXPECT_EQ(events.back()["response"]["output"][0]["content"][0], whole);
    size_t streamed = 0;
    for (const Json& event : events)
      if (event["type"] == "response.output_text.delta") streamed += event["logprobs"].size();
    EXPECT_EQ(streamed, whole["logprobs"].size());
  }
}

TEST_F(Responses, GiveLogprobsOfTheTextWhenIncluded) {
  engine.use_template(kThinkingTemplate);
  answers("<think>\nHm.\n</think>\n\nYes.");
  const Json more = {{"include", {"message.output_text.logprobs"}}, {"top_logprobs", 2}};
  const Json whole = ask(more).json()["output"][1]["content"][0];
  ASSERT_GE(whole["logprobs"].size(), 4u);
  EXPECT_EQ(whole["logprobs"].back()["token"], ".");
  EXPECT_EQ(whole["logprobs"].back()["top_logprobs"].size(), 2u);
  Json streaming = more;
  streaming["stream"] = true;
  EXPECT_EQ(events_of(ask(streaming)).back()["response"]["output"][1]["content"][0], whole);
}

const Json kTools = Json::parse(R"([
    {"type": "function", "name": "weather", "description": "Tells the weather.", "strict": true, "parameters":
        {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
    {"type": "function", "name": "now"}])");

TEST_F(Responses, CallToolsInItemsOfTheirOwn) {
  engine.use_template(kHermesTemplate);
  answers("Let me look.\n" + kCall + "\n" + kNow);
  const Json body = ask({{"tools", kTools}, {"parallel_tool_calls", true}}).json();
  EXPECT_THAT(prompt_text(), HasSubstr(R"({"type": "function", "function": {"name": "weather", "description": "Tells)"));
  EXPECT_EQ(body["status"], "completed");
  EXPECT_EQ(body["tools"], kTools);
  EXPECT_EQ(body["tool_choice"], "auto");
  const Json& output = body["output"];
  ASSERT_EQ(output.size(), 3u);
  EXPECT_EQ(output[0]["content"][0]["text"], "Let me look.");
  EXPECT_EQ(output[1]["type"], "function_call");
  EXPECT_THAT(std::string(output[1]["id"]), StartsWith("fc_"));
  EXPECT_THAT(std::string(output[1]["call_id"]), StartsWith("call_"));
  EXPECT_EQ(output[1]["name"], "weather");
  EXPECT_EQ(output[1]["arguments"], "{\"city\": \"Rome\"}");
  EXPECT_EQ(output[1]["status"], "completed");
  EXPECT_EQ(output[2]["name"], "now");
  EXPECT_NE(output[1]["call_id"], output[2]["call_id"]);
  EXPECT_NE(output[1]["id"], output[2]["id"]);
  answers(kNow);
  EXPECT_EQ(ask({{"tools", kTools}}).json()["output"].size(), 1u);
}

TEST_F(Responses, StreamCallsWithEventsOfTheirOwn) {
  engine.use_template(kHermesTemplate);
  answers("I look.\n" + kCall + "\n" + kNow);
  const auto events = events_of(ask({{"tools", kTools}, {"stream", true}}));
  std::string order, last, arguments[3];
  for (const Json& event : events) {
    const std::string type = std::string(event["type"]).substr(9);
    if (type != last) order += type + ' ';
    last = type;
    if (type == "function_call_arguments.delta") arguments[size_t(event["output_index"])] += event["delta"];
    if (type == "function_call_arguments.done") {
      EXPECT_EQ(event["arguments"], arguments[size_t(event["output_index"])]);
    }
    if (type == "output_item.added" && event["output_index"] == 1) {
      EXPECT_EQ(event["item"]["arguments"], "");
      EXPECT_EQ(event["item"]["status"], "in_progress");
    }
  }
  const std::string call =
      "output_item.added function_call_arguments.delta function_call_arguments.done output_item.done ";
  EXPECT_EQ(order,
            "created in_progress output_item.added content_part.added output_text.delta output_text.done "
            "content_part.done output_item.done " + call + call + "completed ");
  EXPECT_EQ(arguments[1], "{\"city\": \"Rome\"}");
  EXPECT_EQ(arguments[2], "{}");
  const Json whole = events.back()["response"];
  ASSERT_EQ(whole["output"].size(), 3u);
  for (const Json& event : events) {
    if (event["type"] == "response.output_item.done") {
      EXPECT_EQ(event["item"], whole["output"][size_t(event["output_index"])]);
    }
    if (event.contains("item_id")) {
      EXPECT_EQ(event["item_id"], whole["output"][size_t(event["output_index"])]["id"]);
    }
  }
}

TEST_F(Responses, HoldCallsToTheirSchemasAndTheChoice) {
  engine.use_template(kHermesTemplate);
  const auto choose = [&](const Json& choice, bool parallel) {
    const RawReply reply = ask({{"tools", kTools}, {"tool_choice", choice}, {"parallel_tool_calls", parallel}});
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.json()["tool_choice"], choice);
    EXPECT_EQ(reply.json()["parallel_tool_calls"], parallel);
  };
  choose("required", true);
  EXPECT_TRUE(takes(kCall + "\n" + kNow));
  EXPECT_FALSE(takes("words"));
  choose("required", false);
  EXPECT_FALSE(takes(kCall + "\n" + kNow));
  choose({{"type", "function"}, {"name", "now"}}, true);
  EXPECT_TRUE(takes(kNow));
  EXPECT_FALSE(takes(kCall));
  choose(Json::parse(R"({"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "weather"}]})"), true);
  EXPECT_TRUE(takes(kCall));
  EXPECT_FALSE(takes(kNow));
  choose("none", true);
  EXPECT_EQ(engine.last_request().grammar, nullptr);
}

TEST_F(Responses, GoOnWithCallsAndTheirOutputs) {
  answers("{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}");
  const Json first = ask({{"input", "Rome?"}, {"tools", kTools}}).json();
  ASSERT_EQ(first["output"][0]["type"], "function_call");
  answers("Sun.");
  const Json output = {{"type", "function_call_output"}, {"call_id", first["output"][0]["call_id"]}, {"output", "25 C"}};
  const RawReply second =
      ask({{"input", Json::array({output})}, {"previous_response_id", first["id"]}, {"tools", kTools}});
  ASSERT_EQ(second.status, 200) << second.body;
  EXPECT_THAT(prompt_text(), HasSubstr("<|im_start|>assistant\n[weather {\"city\": \"Rome\"}]<|im_end|>\n"
                                       "<|im_start|>tool\n25 C<|im_end|>\n<|im_start|>assistant\n"));
  ask({{"input", "And?"}, {"previous_response_id", second.json()["id"]}});
  EXPECT_THAT(prompt_text(), HasSubstr("tool\n25 C<|im_end|>\n<|im_start|>assistant\nSun.<|im_end|>\n<|im_start|>user\nAnd?"));
}

TEST_F(Responses, JoinCallsToTheTurnBeforeThem) {
  const Json input = Json::parse(R"([{"role": "user", "content": "Rome?"},
      {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I look."}]},
      {"type": "function_call", "id": "fc_1", "call_id": "a", "name": "weather", "arguments": "{\"city\": \"Rome\"}", "status": "completed"},
      {"type": "function_call", "call_id": "b", "name": "now", "arguments": "{\"broken"},
      {"type": "function_call_output", "call_id": "a", "output": [{"type": "input_text", "text": "Sun."}]},
      {"type": "function_call_output", "call_id": "b", "output": "none"}])");
  const RawReply reply = ask({{"input", input}, {"tools", kTools}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(prompt_text(), HasSubstr("<|im_start|>assistant\nI look.[weather {\"city\": \"Rome\"}][now \"{\\\"broken\"]"
                                       "<|im_end|>\n<|im_start|>tool\nSun.<|im_end|>\n<|im_start|>tool\nnone<|im_end|>"));
}

TEST_F(Responses, ThatEndWithinACallAreIncomplete) {
  engine.use_template(kHermesTemplate);
  answers(kCall);
  Json more = {{"tools", kTools}, {"max_output_tokens", 60}};
  const Json whole = ask(more).json();
  more["stream"] = true;
  for (const Json& body : {whole, events_of(ask(more)).back()["response"]}) {
    EXPECT_EQ(body["status"], "incomplete");
    ASSERT_EQ(body["output"].size(), 1u);
    EXPECT_EQ(body["output"][0]["status"], "incomplete");
    EXPECT_EQ(body["output"][0]["name"], "weather");
    EXPECT_EQ(body["output"][0]["arguments"], whole["output"][0]["arguments"]);
  }
}

TEST_F(Responses, GiveLogprobsOfTheWordsBesideCalls) {
  engine.use_template(kHermesTemplate);
  answers("I look.\n" + kCall);
  Json more = {{"tools", kTools}, {"include", {"message.output_text.logprobs"}}};
  const Json whole = ask(more).json()["output"][0]["content"][0];
  EXPECT_EQ(whole["logprobs"].size(), std::string("I look.").size());
  EXPECT_EQ(whole["logprobs"].back()["token"], ".");
  more["stream"] = true;
  EXPECT_EQ(events_of(ask(more)).back()["response"]["output"][0]["content"][0], whole);
}

TEST_F(Responses, AreHeldToAFormat) {
  const auto with = [&](const char* format) {
    const Json text = {{"format", Json::parse(format)}};
    const RawReply reply = ask({{"text", text}});
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(reply.json()["text"], text);
  };
  with(R"({"type": "json_object"})");
  EXPECT_TRUE(takes("{\"any\": 1}"));
  EXPECT_FALSE(takes("words"));
  with(R"({"type": "json_schema", "name": "n", "strict": true, "schema":
           {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}})");
  EXPECT_TRUE(takes("{\"a\": 1}"));
  EXPECT_FALSE(takes("{\"any\": 1}"));
  with(R"({"type": "text"})");
  EXPECT_EQ(engine.last_request().grammar, nullptr);
}

TEST_F(Responses, RefuseWhatTheyCannotTakeByName) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"input": null})", "input"},
      {R"({"input": []})", "input"},
      {R"({"input": [5]})", "input[0]"},
      {R"({"input": [{"content": "x"}]})", "input[0].role"},
      {R"({"input": [{"role": "user"}]})", "input[0].content"},
      {R"({"input": [{"role": "user", "content": [{"type": "input_file"}]}]})", "input[0].content[0]"},
      {R"({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "x"}]}]})",
       "input[0].content[0]"},
      {R"({"input": [{"type": "function_call_output", "call_id": "x"}]})", "input[0].output"},
      {R"({"input": [{"type": "function_call_output", "call_id": "x", "output": "y"}]})", "input[0].call_id"},
      {R"({"input": [{"type": "function_call_output", "call_id": "x", "output": 5}]})", "input[0].output"},
      {R"({"input": [{"type": "function_call", "name": "f", "arguments": "{}"}]})", "input[0].call_id"},
      {R"({"input": [{"type": "function_call", "call_id": "x", "arguments": "{}"}]})", "input[0].name"},
      {R"({"input": [{"type": "function_call", "call_id": "x", "name": "f", "arguments": 5}]})", "input[0].arguments"},
      {R"({"input": [{"type": "item_reference"}]})", "input[0].id"},
      {R"({"input": [{"type": "item_reference", "id": "x"}]})", "input[0].id"},
      {R"({"input": [{"id": "x"}]})", "input[0].id"},
      {R"({"tools": [{"type": "function", "function": {"name": "f"}}]})", "tools[0].name"},
      {R"({"tools": [{"type": "web_search"}]})", "tools[0].type"},
      {R"({"tools": [{"type": "function", "name": "f", "parameters": 5}]})", "tools[0].parameters"},
      {R"({"tools": [{"type": "function", "name": "f"}, {"type": "function", "name": "f"}]})", "tools[1].name"},
      {R"({"tool_choice": "required"})", "tool_choice"},
      {R"({"tool_choice": "any"})", "tool_choice"},
      {R"({"tool_choice": {"type": "function", "name": "f"}})", "tool_choice.name"},
      {R"({"tool_choice": {"type": "allowed_tools", "tools": []}})", "tool_choice.mode"},
      {R"({"tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}})",
       "tool_choice.tools[0].name"},
      {R"({"parallel_tool_calls": 1})", "parallel_tool_calls"},
      {R"({"text": {"format": {"type": "json_schema"}}})", "text.format.name"},
      {R"({"text": {"format": {"type": "json_schema", "name": "n"}}})", "text.format.schema"},
      {R"({"text": {"format": {"type": "json_schema", "name": "n", "schema": {"not": {}}}}})", "text.format.schema"},
      {R"({"text": {"format": {"type": "x"}}})", "text.format.type"},
      {R"({"truncation": "auto"})", "truncation"},
      {R"({"background": true})", "background"},
      {R"({"include": ["file_search_call.results"]})", "include"},
      {R"({"reasoning": {"effort": "huge"}})", "reasoning.effort"},
      {R"({"reasoning": {"summary": "detailed"}})", "reasoning.summary"},
      {R"({"top_logprobs": 2})", "top_logprobs"},
      {R"({"max_output_tokens": 0})", "max_output_tokens"},
      {R"({"max_output_tokens": 2000})", "input"},
  };
  for (const auto& [more, param] : cases) {
    const RawReply reply = ask(Json::parse(more));
    EXPECT_EQ(reply.status, 400) << more;
    EXPECT_EQ(reply.error()["param"], param) << more;
  }
  EXPECT_TRUE(engine.requests().empty());
}

TEST_F(Responses, FailInTheStreamWhenTheEngineFails) {
  engine.failure = "the device is lost";
  const Json last = events_of(ask({{"stream", true}})).back();
  EXPECT_EQ(last["type"], "response.failed");
  EXPECT_THAT(std::string(last["response"]["error"]["message"]), HasSubstr("the device is lost"));
  EXPECT_EQ(ask().status, 500);
}

TEST(ResponseStore, DropsTheOldestWhenThereAreTooManyOrTooLarge) {
  const auto stored = [](size_t bytes) {
    return StoredResponse{.response = std::string(bytes, 'x'), .input = "[]"};
  };
  ResponseStore few({.responses = 2, .bytes = 1000});
  for (const char* id : {"a", "b", "c"}) few.put(id, stored(10));
  EXPECT_EQ(few.find("a", ""), nullptr);
  EXPECT_NE(few.find("b", ""), nullptr);
  few.put("d", stored(900));
  EXPECT_NE(few.find("d", ""), nullptr);
  few.put("e", stored(200));
  EXPECT_EQ(few.find("d", ""), nullptr);
  EXPECT_NE(few.find("e", ""), nullptr);
  few.put("huge", stored(5000));
  EXPECT_EQ(few.find("huge", ""), nullptr);
  EXPECT_NE(few.find("e", ""), nullptr);
  EXPECT_TRUE(few.erase("e", ""));
  EXPECT_FALSE(few.erase("e", ""));
}

TEST(ResponseStore, DropsFirstWhatTheOwnerOfMostKeeps) {
  ResponseStore store({.responses = 100, .bytes = 1000, .each = 400});
  const auto put = [&](const char* id, const char* owner, size_t bytes) {
    store.put(id, {.owner = owner, .response = std::string(bytes, 'x'), .input = ""});
  };
  const auto kept = [&] {
    std::string all;
    for (const auto& [id, owner] :
         {std::pair("a", "ann"), {"b", "bob"}, {"c", "bob"}, {"d", "bob"}, {"e", "ann"}, {"f", "cat"}})
      if (store.find(id, owner)) all += id;
    return all;
  };
  put("a", "ann", 200);
  put("b", "bob", 300);
  put("c", "bob", 300);
  put("d", "bob", 300);  // bob's own oldest, although ann's is older
  EXPECT_EQ(kept(), "acd");
  put("e", "ann", 300);  // ann would hold 500, but bob holds 600
  EXPECT_EQ(kept(), "ade");
  put("f", "cat", 400);
  EXPECT_EQ(kept(), "def");
  put("g", "bob", 401);
  EXPECT_EQ(store.find("g", "bob"), nullptr);
  EXPECT_EQ(kept(), "def");
}

TEST(ResponseStore, SmallOnesOfOneOwnerDriveOutNobodyElses) {
  ResponseStore store({.responses = 10, .bytes = 1000});
  store.put("large", {.owner = "ann", .response = std::string(300, 'x'), .input = ""});
  for (int i = 0; i < 50; ++i)
    store.put(fmt::format("small{}", i), {.owner = "bob", .response = "{}", .input = "[]"});
  EXPECT_NE(store.find("large", "ann"), nullptr);
  EXPECT_NE(store.find("small43", "bob"), nullptr);
  EXPECT_EQ(store.find("small42", "bob"), nullptr);
}

TEST(ResponseStore, GivesNobodyAnothersResponses) {
  ResponseStore store;
  store.put("a", {.owner = "ann", .response = "{}", .input = "[]", .items = {"x"}});
  EXPECT_NE(store.find("a", "ann"), nullptr);
  EXPECT_EQ(store.find("a", "bob"), nullptr);
  EXPECT_EQ(store.find("a", ""), nullptr);
  EXPECT_THAT(store.find_items({"x", "y"}, "ann"), testing::ElementsAre(testing::Key("x")));
  EXPECT_TRUE(store.find_items({"x"}, "bob").empty());
  EXPECT_FALSE(store.erase("a", "bob"));
  EXPECT_TRUE(store.erase("a", "ann"));
}

}  // namespace
}  // namespace troika::server
