// OpenAI's API on a scripted engine: the shapes of answers and streams, and every way to ask for what cannot
// be.
#include <gmock/gmock.h>

#include "server/raw_client.h"

namespace troika::server {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class OpenAi : public ServerTest {
 protected:
  // What the deltas of one choice add up to.
  static std::string content(const std::vector<Json>& chunks, int index = 0) {
    std::string text;
    for (const Json& chunk : chunks)
      for (const Json& choice : chunk["choices"])
        if (choice["index"] == index && choice["delta"].contains("content"))
          text += choice["delta"]["content"];
    return text;
  }
  static std::string message(const RawReply& reply) {
    return reply.json()["choices"][0]["message"]["content"];
  }
  std::string prompt_text() { return engine.text().tokenizer->decode(engine.last_request().prompt, false); }
  void answers(std::string text) {
    engine.script = [text](const engine::Request&) { return byte_ids(text); };
  }
};

TEST_F(OpenAi, RefusesWhenTooManyWaitAndSaysWhenToComeBack) {
  options.queue = 10;
  engine.counted.waiting = 9;
  engine.counted.running = 2;
  engine.counted.request_seconds.add(4);
  const RawReply last = chat();
  EXPECT_EQ(last.status, 200);
  EXPECT_EQ(last.header("X-Troika-Queue"), "9");
  engine.counted.waiting = 10;
  const RawReply refused = chat();
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.header("Retry-After"), "20");
  EXPECT_EQ(refused.error()["code"], "overloaded");
  EXPECT_THAT(std::string(refused.error()["message"]), HasSubstr("10 requests wait for 'fake/model:1' already"));
  engine.counted.waiting = 0;
  EXPECT_EQ(chat().header("X-Troika-Queue"), "");
}

TEST_F(OpenAi, AnswersAChat) {
  const RawReply reply = chat({{"model", "fake/model:1"}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  const Json body = reply.json();
  EXPECT_THAT(std::string(body["id"]), StartsWith("chatcmpl-"));
  EXPECT_EQ(body["object"], "chat.completion");
  EXPECT_EQ(body["model"], "fake/model:1");
  EXPECT_GT(int64_t(body["created"]), 1'700'000'000);
  EXPECT_EQ(body["choices"],
            Json::parse(R"([{"index": 0, "message": {"role": "assistant", "content": "Hello, world",
      "refusal": null}, "logprobs": null, "finish_reason": "stop"}])"));
  const int prompt = int(engine.last_request().prompt.size());
  EXPECT_EQ(body["usage"]["prompt_tokens"], prompt);
  EXPECT_EQ(body["usage"]["completion_tokens"], 12);
  EXPECT_EQ(body["usage"]["total_tokens"], prompt + 12);
  EXPECT_EQ(body["timings"]["predicted_n"], 12);
  EXPECT_EQ(prompt_text(), "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(engine.last_request().prompt[0], kChatBegin);
}

TEST_F(OpenAi, StreamsAChat) {
  const RawReply reply = chat({{"stream", true}});
  EXPECT_EQ(reply.header("Content-Type"), "text/event-stream; charset=utf-8");
  EXPECT_EQ(reply.header("Cache-Control"), "no-cache");
  EXPECT_EQ(reply.header("Transfer-Encoding"), "chunked");
  const auto chunks = reply.chunks();
  EXPECT_EQ(chunks.front()["choices"][0]["delta"], Json({{"role", "assistant"}, {"content", ""}}));
  EXPECT_EQ(chunks.front()["choices"][0]["finish_reason"], nullptr);
  EXPECT_EQ(chunks.back()["choices"][0]["delta"], Json::object());
  EXPECT_EQ(chunks.back()["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(content(chunks), "Hello, world");
  for (const Json& chunk : chunks) {
    EXPECT_EQ(chunk["id"], chunks[0]["id"]);
    EXPECT_EQ(chunk["created"], chunks[0]["created"]);
    EXPECT_EQ(chunk["object"], "chat.completion.chunk");
    EXPECT_FALSE(chunk.contains("usage"));
  }
}

TEST_F(OpenAi, StreamsUsageLastWhenAsked) {
  const auto chunks =
      chat({{"stream", true}, {"n", 2}, {"stream_options", {{"include_usage", true}}}}).chunks();
  EXPECT_EQ(chunks.back()["choices"], Json::array());
  EXPECT_EQ(chunks.back()["usage"]["completion_tokens"], 24);
  EXPECT_EQ(chunks.back()["usage"]["prompt_tokens"], engine.last_request().prompt.size());
  for (size_t i = 0; i + 1 < chunks.size(); ++i) EXPECT_EQ(chunks[i].at("usage"), nullptr);
}

TEST_F(OpenAi, StreamsTwoChoicesInterleavedEachWithRoleAndFinish) {
  engine.pace = 1ms;
  engine.script = [](const engine::Request& request) {
    return byte_ids(*request.sampling.seed == 5 ? "one" : "two!");
  };
  const auto chunks = chat({{"stream", true}, {"n", 2}, {"seed", 5}}).chunks();
  ASSERT_EQ(engine.requests().size(), 2u);
  EXPECT_FALSE(engine.requests()[0].further);
  EXPECT_TRUE(engine.requests()[1].further);  // they wait as one
  EXPECT_EQ(content(chunks, 0), "one");
  EXPECT_EQ(content(chunks, 1), "two!");
  int roles[2] = {}, finishes[2] = {}, switches = 0, last = 0;
  for (const Json& chunk : chunks) {
    const Json& choice = chunk["choices"][0];
    const int index = choice["index"];
    roles[index] += choice["delta"].contains("role");
    finishes[index] += choice["finish_reason"] == "stop";
    switches += index != last;
    last = index;
  }
  EXPECT_THAT(roles, ElementsAre(1, 1));
  EXPECT_THAT(finishes, ElementsAre(1, 1));
  EXPECT_GT(switches, 3);
}

TEST_F(OpenAi, CutsAtAStopStringThatComesInPieces) {
  answers("one ENDE two");
  for (const bool stream : {false, true}) {
    const RawReply reply = chat({{"stop", {"xyz", "END"}}, {"stream", stream}});
    EXPECT_EQ(stream ? content(reply.chunks()) : message(reply), "one ");
  }
  const Json body = chat({{"stop", "END"}}).json();
  EXPECT_EQ(body["usage"]["completion_tokens"], 7);
  EXPECT_EQ(body["choices"][0]["finish_reason"], "stop");
  EXPECT_TRUE(engine.idle_within(5s));
  EXPECT_EQ(message(chat({{"stop", "ENDX"}})), "one ENDE two");
  answers("caf\xc3\xa9 au lait");
  EXPECT_EQ(message(chat({{"stop", "\xc3\xa9 a"}})), "caf");
}

TEST_F(OpenAi, NeverSendsHalfACharacter) {
  const std::string text = "a\xf0\x9f\x98\x80\xe2\x82\xac\xc3\xa9z";
  answers(text);
  const RawReply reply = chat({{"stream", true}});
  EXPECT_EQ(content(reply.chunks()), text);
  EXPECT_THAT(reply.body, testing::Not(HasSubstr("\xef\xbf\xbd")));
  EXPECT_EQ(content(chat({{"stream", true}, {"max_tokens", 3}}).chunks()), "a\xef\xbf\xbd");
}

TEST_F(OpenAi, ReportsLength) {
  for (const char* field : {"max_tokens", "max_completion_tokens"}) {
    const Json body = chat({{field, 1}}).json();
    EXPECT_EQ(body["choices"][0]["message"]["content"], "H");
    EXPECT_EQ(body["choices"][0]["finish_reason"], "length");
    EXPECT_EQ(body["usage"]["completion_tokens"], 1);
  }
  EXPECT_EQ(chat({{"max_tokens", 1}, {"max_completion_tokens", 2}}).json()["usage"]["completion_tokens"], 2);
  EXPECT_EQ(chat({{"max_tokens", 3.0}}).json()["usage"]["completion_tokens"], 3);
}

TEST_F(OpenAi, GivesALogprobForEveryToken) {
  const std::string text = "\xe2\x82\xac!";
  answers(text);
  const Json whole = chat({{"logprobs", true}, {"top_logprobs", 2}}).json();
  const Json& entries = whole["choices"][0]["logprobs"]["content"];
  ASSERT_EQ(entries.size(), 4u);
  EXPECT_EQ(entries[0]["bytes"], Json::array({0xe2}));
  EXPECT_FLOAT_EQ(entries[0]["logprob"], -2.26f);
  EXPECT_EQ(entries[3]["token"], "!");
  EXPECT_EQ(entries[3]["top_logprobs"].size(), 2u);
  EXPECT_EQ(entries[3]["top_logprobs"][1]["token"], "\"");
  EXPECT_EQ(chat({{"logprobs", true}}).json()["choices"][0]["logprobs"]["content"][0]["top_logprobs"],
            Json::array());

  for (const Json& more : {Json::object(), Json{{"stop", "!"}}, Json{{"max_tokens", 2}}}) {
    Json fields = {{"logprobs", true}, {"stream", true}, {"stream_options", {{"include_usage", true}}}};
    fields.update(more);
    const auto chunks = chat(fields).chunks();
    size_t count = 0;
    for (const Json& chunk : chunks)
      for (const Json& choice : chunk["choices"])
        if (choice["logprobs"].is_object()) count += choice["logprobs"]["content"].size();
    EXPECT_EQ(count, size_t(chunks.back()["usage"]["completion_tokens"])) << more.dump();
  }
}

TEST_F(OpenAi, PassesSamplingOnAndTakesTheModelsForTheRest) {
  engine.info().sampling = {.temperature = 0.7f, .top_k = 20, .top_p = 0.8f, .repetition_penalty = 1.05f};
  chat();
  engine::SamplingOptions got = engine.last_request().sampling;
  EXPECT_FLOAT_EQ(got.temperature, 0.7f);
  EXPECT_EQ(got.top_k, 20);
  EXPECT_FLOAT_EQ(got.repetition_penalty, 1.05f);
  EXPECT_FALSE(got.seed.has_value());
  EXPECT_TRUE(engine.last_request().stop_at_end_tokens);

  chat({{"temperature", 0},
        {"top_p", 0.5},
        {"top_k", 7},
        {"min_p", 0.1},
        {"typical_p", 0.9},
        {"seed", -3},
        {"presence_penalty", 1},
        {"frequency_penalty", -1.5},
        {"repeat_penalty", 1.2},
        {"ignore_eos", true},
        {"logit_bias", {{"65", -100}, {"66", 5.5}}},
        {"n", 2}});
  got = engine.last_request().sampling;
  EXPECT_EQ(got.temperature, 0);
  EXPECT_FLOAT_EQ(got.top_p, 0.5f);
  EXPECT_EQ(got.top_k, 7);
  EXPECT_FLOAT_EQ(got.min_p, 0.1f);
  EXPECT_FLOAT_EQ(got.typical_p, 0.9f);
  EXPECT_FLOAT_EQ(got.presence_penalty, 1);
  EXPECT_FLOAT_EQ(got.frequency_penalty, -1.5f);
  EXPECT_FLOAT_EQ(got.repetition_penalty, 1.2f);
  EXPECT_EQ(got.seed, uint64_t(-2));  // of the second choice
  EXPECT_THAT(got.logit_bias, ElementsAre(std::pair(65, -100.f), std::pair(66, 5.5f)));
  EXPECT_FALSE(engine.last_request().stop_at_end_tokens);

  chat({{"temperature", nullptr}, {"seed", nullptr}, {"stop", nullptr}, {"n", nullptr}, {"unknown", {1, 2}}});
  EXPECT_FLOAT_EQ(engine.last_request().sampling.temperature, 0.7f);
}

TEST_F(OpenAi, RendersEveryRoleAndForm) {
  const RawReply reply = post("/v1/chat/completions", R"({"messages": [
      {"role": "developer", "content": [{"type": "text", "text": "Be"}, {"type": "text", "text": "brief"}]},
      {"role": "user", "content": "x", "name": "Ann"},
      {"role": "assistant", "content": null, "tool_calls": [{"id": "c1", "type": "function",
          "function": {"name": "f", "arguments": "{\"b\": 1, \"a\": [true]}"}}]},
      {"role": "tool", "tool_call_id": "c1", "content": "42"},
      {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}]})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(prompt_text(),
            "<|im_start|>system\nBe\nbrief<|im_end|>\n<|im_start|>user\nx<|im_end|>\n"
            "<|im_start|>assistant\n[f {\"b\": 1, \"a\": [true]}]<|im_end|>\n<|im_start|>tool\n42<|im_end|>\n"
            "<|im_start|>assistant\nno<|im_end|>\n<|im_start|>assistant\n");
}

TEST_F(OpenAi, PassesTheTemplatesRefusalOn) {
  const RawReply reply = post("/v1/chat/completions", R"({"messages": [
      {"role": "user", "content": "x"}, {"role": "system", "content": "y"}]})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(std::string(reply.error()["message"]), HasSubstr("The system message must come first."));
  EXPECT_EQ(reply.error()["param"], "messages");
}

// One bad request: the field and its value, laid over a good request, and what the error must name.
struct Bad {
  const char* fields;
  const char* param;
};

TEST_F(OpenAi, RefusesBadValuesOfEveryFieldAndNamesIt) {
  const Bad cases[] = {
      {R"({"messages": null})", "messages"},
      {R"({"messages": "hi"})", "messages"},
      {R"({"messages": {}})", "messages"},
      {R"({"messages": []})", "messages"},
      {R"({"messages": [1]})", "messages[0]"},
      {R"({"messages": [{"content": "x"}]})", "messages[0].role"},
      {R"({"messages": [{"role": 1, "content": "x"}]})", "messages[0].role"},
      {R"({"messages": [{"role": "king", "content": "x"}]})", "messages[0].role"},
      {R"({"messages": [{"role": "user"}]})", "messages[0].content"},
      {R"({"messages": [{"role": "user", "content": null}]})", "messages[0].content"},
      {R"({"messages": [{"role": "user", "content": 5}]})", "messages[0].content"},
      {R"({"messages": [{"role": "user", "content": []}]})", "messages[0].content"},
      {R"({"messages": [{"role": "user", "content": ["x"]}]})", "messages[0].content[0]"},
      {R"({"messages": [{"role": "user", "content": [{"text": "x"}]}]})", "messages[0].content[0].type"},
      {R"({"messages": [{"role": "user", "content": [{"type": "text"}]}]})", "messages[0].content[0].text"},
      {R"({"messages": [{"role": "user", "content": [{"type": "video", "text": "x"}]}]})",
       "messages[0].content[0].type"},
      {R"({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]})",
       "messages[0].content[0]"},
      {R"({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]})", "messages[0].content[0]"},
      {R"({"messages": [{"role": "user", "content": "x"}, {"role": "assistant"}]})", "messages[1].content"},
      {R"({"messages": [{"role": "user", "content": "x", "name": 1}]})", "messages[0].name"},
      {R"({"messages": [{"role": "assistant", "tool_calls": {}}]})", "messages[0].tool_calls"},
      {R"({"messages": [{"role": "assistant", "tool_calls": [{}]}]})", "messages[0].tool_calls[0].function"},
      {R"({"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": 5}}]}]})",
       "messages[0].tool_calls[0].function.arguments"},
      {R"({"model": 5})", "model"},
      {R"({"stream": "yes"})", "stream"},
      {R"({"stream": 1})", "stream"},
      {R"({"stream_options": {"include_usage": true}})", "stream_options"},
      {R"({"stream": true, "stream_options": []})", "stream_options"},
      {R"({"stream": true, "stream_options": {"include_usage": 1}})", "stream_options.include_usage"},
      {R"({"max_tokens": 0})", "max_tokens"},
      {R"({"max_tokens": -1})", "max_tokens"},
      {R"({"max_tokens": 1.5})", "max_tokens"},
      {R"({"max_tokens": "5"})", "max_tokens"},
      {R"({"max_tokens": true})", "max_tokens"},
      {R"({"max_tokens": 1e30})", "max_tokens"},
      {R"({"max_tokens": 99999999999})", "max_tokens"},
      {R"({"max_completion_tokens": 0})", "max_completion_tokens"},
      {R"({"temperature": -0.1})", "temperature"},
      {R"({"temperature": 2.1})", "temperature"},
      {R"({"temperature": "1"})", "temperature"},
      {R"({"temperature": true})", "temperature"},
      {R"({"temperature": []})", "temperature"},
      {R"({"top_p": 1.1})", "top_p"},
      {R"({"top_p": -1})", "top_p"},
      {R"({"top_k": -2})", "top_k"},
      {R"({"top_k": 1.5})", "top_k"},
      {R"({"min_p": 2})", "min_p"},
      {R"({"typical_p": -1})", "typical_p"},
      {R"({"repeat_penalty": 0})", "repeat_penalty"},
      {R"({"repetition_penalty": "x"})", "repetition_penalty"},
      {R"({"presence_penalty": 2.5})", "presence_penalty"},
      {R"({"frequency_penalty": -2.5})", "frequency_penalty"},
      {R"({"n": 0})", "n"},
      {R"({"n": 129})", "n"},
      {R"({"n": "2"})", "n"},
      {R"({"stop": 5})", "stop"},
      {R"({"stop": ""})", "stop"},
      {R"({"stop": ["a", ""]})", "stop"},
      {R"({"stop": ["a", 5]})", "stop[1]"},
      {R"({"stop": ["1", "2", "3", "4", "5"]})", "stop"},
      {R"({"seed": 1.5})", "seed"},
      {R"({"seed": "x"})", "seed"},
      {R"({"seed": 18446744073709551615})", "seed"},
      {R"({"logit_bias": []})", "logit_bias"},
      {R"({"logit_bias": {"x": 1}})", "logit_bias.x"},
      {R"({"logit_bias": {"-1": 1}})", "logit_bias.-1"},
      {R"({"logit_bias": {"258": 1}})", "logit_bias.258"},
      {R"({"logit_bias": {"5": 101}})", "logit_bias.5"},
      {R"({"logit_bias": {"5": "x"}})", "logit_bias.5"},
      {R"({"logprobs": 1})", "logprobs"},
      {R"({"top_logprobs": 2})", "top_logprobs"},
      {R"({"logprobs": true, "top_logprobs": 21})", "top_logprobs"},
      {R"({"logprobs": true, "top_logprobs": -1})", "top_logprobs"},
      {R"({"user": 5})", "user"},
      {R"({"ignore_eos": 1})", "ignore_eos"},
      {R"({"parallel_tool_calls": 1})", "parallel_tool_calls"},
      {R"({"reasoning_effort": "huge"})", "reasoning_effort"},
      {R"({"chat_template_kwargs": 5})", "chat_template_kwargs"},
      {R"({"enable_thinking": "no"})", "enable_thinking"},
      {R"({"reasoning_format": "xml"})", "reasoning_format"},
      {R"({"thinking_budget": -2})", "thinking_budget"},
      {R"({"thinking_budget": "5"})", "thinking_budget"},
      {R"({"max_thinking_tokens": 1.5})", "max_thinking_tokens"},
      {R"({"slice": 5})", "slice"},
      {R"({"tools": {}})", "tools"},
      {R"({"tools": [{"type": "function"}]})", "tools[0].function"},
      {R"({"tools": [{"function": {"name": "f"}}]})", "tools[0].type"},
      {R"({"tools": [{"type": "function", "function": {"name": "a b"}}]})", "tools[0].function.name"},
      {R"({"tools": [{"type": "function", "function": {"name": "f", "parameters": "x"}}]})", "tools[0].function.parameters"},
      {R"({"tools": [{"type": "function", "function": {"name": "f"}}, {"type": "function", "function": {"name": "f"}}]})",
       "tools[1].function.name"},
      {R"({"tools": [{"type": "function", "function": {"name": "f", "strict": true, "parameters": {"not": {}}}}]})",
       "tools[0].function.parameters"},
      {R"({"tool_choice": "required"})", "tool_choice"},
      {R"({"tool_choice": "sometimes"})", "tool_choice"},
      {R"({"tool_choice": {"type": "function", "function": {"name": "f"}}})", "tool_choice.function.name"},
      {R"({"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "any"}}})", "tool_choice.allowed_tools.mode"},
      {R"({"functions": [{"name": "f"}]})", "functions"},
      {R"({"response_format": "json"})", "response_format"},
      {R"({"response_format": {}})", "response_format.type"},
      {R"({"response_format": {"type": "xml"}})", "response_format.type"},
      {R"({"response_format": {"type": "json_schema"}})", "response_format.json_schema"},
      {R"({"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}})", "response_format.json_schema.name"},
      {R"({"response_format": {"type": "json_schema", "json_schema": {"name": "x y", "schema": {}}}})",
       "response_format.json_schema.name"},
      {R"({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}})", "response_format.json_schema.schema"},
      {R"({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": 5}}})",
       "response_format.json_schema.schema"},
      {R"({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"not": {}}}}})",
       "response_format.json_schema.schema"},
      {R"({"response_format": {"type": "json_object"}, "guided_regex": "a"})", "guided_regex"},
      {R"({"response_format": {"type": "json_object"}, "ignore_eos": true})", "ignore_eos"},
      {R"({"guided_regex": "("})", "guided_regex"},
      {R"({"guided_choice": []})", "guided_choice"},
      {R"({"guided_choice": [1]})", "guided_choice"},
      {R"({"structured_outputs": {"xml": "a"}})", "structured_outputs.xml"},
      {R"({"json_schema": 5})", "json_schema"},
      {R"({"modalities": ["text", "audio"]})", "modalities"},
      {R"({"audio": {"voice": "x", "format": "mp3"}})", "audio"},
      {R"({"grammar": "root ::= x"})", "grammar"},
      {R"({"mirostat": 2})", "mirostat"},
  };
  RawClient client(port());
  for (const Bad& bad : cases) {
    const RawReply reply = client.post("/v1/chat/completions", chat_body(Json::parse(bad.fields)).dump());
    EXPECT_EQ(reply.status, 400) << bad.fields << reply.body;
    EXPECT_EQ(reply.error()["type"], "invalid_request_error") << bad.fields;
    EXPECT_EQ(reply.error()["param"], bad.param) << bad.fields;
    EXPECT_GT(std::string(reply.error()["message"]).size(), 10u) << bad.fields;
  }
  EXPECT_TRUE(engine.requests().empty());
}

TEST_F(OpenAi, AcceptsNeutralValuesOfWhatItCannotDo) {
  for (const char* fields :
       {R"({"tools": []})", R"({"tools": null, "tool_choice": "auto"})",
        R"({"tools": [{"type": "function", "function": {"name": "f"}}], "tool_choice": "none"})",
        R"({"response_format": {"type": "text"}, "modalities": ["text"]})",
        R"({"functions": [], "function_call": "none", "mirostat": 0, "grammar": ""})",
        R"({"logprobs": false, "top_logprobs": 0, "prediction": {"type": "content", "content": "x"}})",
        R"({"store": true, "metadata": {"a": "b"}, "service_tier": "auto", "user": "me"})"}) {
    EXPECT_EQ(chat(Json::parse(fields)).status, 200) << fields;
  }
}

TEST_F(OpenAi, RefusesBodiesThatAreNotJson) {
  const std::string deep(100'000, '[');
  const std::string nested = R"({"messages": )" + deep + std::string(100'000, ']') + "}";
  std::string wide = R"({"messages": 1, "x": {)";
  for (int i = 0; i < 30'000; ++i) wide += fmt::format("\"{}\":0,", i);
  wide += R"("y":0}})";
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("messages"), std::string("[]"), std::string("5"),
        std::string("null"), std::string("{\"messages\": [,]}"), std::string("{} {}"),
        std::string("{\"temperature\": 1e999}"), deep, nested, wide,
        std::string("{\"messages\": \"\xff\xfe\"}"), std::string("{\"\xc3\x28\": 1}"),
        std::string("\xff\xff"), std::string("{\"messages\": \"\\ud800\"}"),
        std::string("{\"messages\": \0}", 15)}) {
    const RawReply reply = post("/v1/chat/completions", body);
    EXPECT_EQ(reply.status, 400) << body.substr(0, 60);
    EXPECT_EQ(reply.error()["type"], "invalid_request_error") << body.substr(0, 60);
  }
  EXPECT_THAT(std::string(post("/v1/chat/completions", std::string("{\"x\": \"\xff\"}")).error()["message"]),
              HasSubstr("UTF-8"));
  EXPECT_EQ(get("/health").status, 200);
}

// Nothing is timed: work that is quadratic in the number of objects would outlast the test's time limit.
TEST_F(OpenAi, ReadsABodyOfVeryManyObjects) {
  std::string objects = R"({"x": [)";
  for (int i = 0; i < 1'900'000; ++i) objects += "{},";
  objects += "{}]}";
  const RawReply reply = post("/v1/chat/completions", objects);
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.error()["param"], "messages");
}

TEST_F(OpenAi, TakesTheLastOfDuplicateMembers) {
  EXPECT_EQ(post("/v1/chat/completions",
                 std::string(
                     R"({"max_tokens": 5, "messages": [{"role": "user", "content": "x"}], "max_tokens": 2})"))
                .json()["usage"]["completion_tokens"],
            2);
}

TEST_F(OpenAi, RefusesWhatDoesNotFitTheContextWithExactCounts) {
  chat();
  const int frame = int(engine.last_request().prompt.size()) - 2;  // without the content
  const auto with = [&](int prompt_tokens, Json more) {
    more["messages"] = {{{"role", "user"}, {"content", std::string(size_t(prompt_tokens - frame), 'x')}}};
    return chat(more);
  };
  engine.script = [](const engine::Request&) { return std::vector<int32_t>(5000, 'a'); };

  Json body = with(999, Json::object()).json();
  EXPECT_EQ(body["usage"]["completion_tokens"], 1);
  EXPECT_EQ(body["choices"][0]["finish_reason"], "length");
  body = with(900, {{"max_tokens", 100}}).json();
  EXPECT_EQ(body["usage"]["total_tokens"], 1000);

  for (const bool stream : {false, true}) {
    for (const int tokens : {1000, 1001, 5000}) {
      const RawReply reply = with(tokens, {{"stream", stream}});
      EXPECT_EQ(reply.status, 400);
      EXPECT_EQ(reply.error()["code"], "context_length_exceeded");
      EXPECT_EQ(reply.error()["param"], "messages");
      const std::string message = reply.error()["message"];
      EXPECT_THAT(message, HasSubstr("1000 tokens"));
      EXPECT_THAT(message, HasSubstr(std::to_string(tokens)));
    }
    const std::string message = with(900, {{"max_tokens", 101}, {"stream", stream}}).error()["message"];
    EXPECT_THAT(message, HasSubstr("1000 tokens"));
    EXPECT_THAT(message, HasSubstr("1001: 900 of the prompt and 101 for the answer"));
  }
}

TEST_F(OpenAi, NamesTheModelsItHasWhenAskedForAnother) {
  EXPECT_EQ(chat({{"model", "fake"}}).json()["model"], "fake/model:1");
  const RawReply reply = chat({{"model", "gpt-4"}});
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.error()["code"], "model_not_found");
  EXPECT_EQ(reply.error()["param"], "model");
  EXPECT_THAT(std::string(reply.error()["message"]), HasSubstr("fake/model:1"));
  EXPECT_EQ(complete({{"model", "gpt-4"}}).status, 404);
}

TEST_F(OpenAi, ListsAndShowsModels) {
  const Json list = get("/v1/models").json();
  EXPECT_EQ(list["object"], "list");
  EXPECT_EQ(list["data"][0]["id"], "fake/model:1");
  EXPECT_EQ(list["data"][0]["created"], 1700000000);
  EXPECT_EQ(list["data"][0]["meta"]["n_ctx"], 1000);
  EXPECT_EQ(list["data"][0]["capabilities"], Json({{"vision", false}, {"reasoning", false}, {"context", 1000}}));
  EXPECT_EQ(get("/models").json(), list);
  EXPECT_EQ(get("/v1/models/").json(), list);
  for (const char* path :
       {"/v1/models/fake/model:1", "/v1/models/fake%2Fmodel%3A1", "/models/fake%2fmodel:1"})
    EXPECT_EQ(get(path).json(), list["data"][0]) << path;
  EXPECT_EQ(get("/v1/models/other").status, 404);
}

TEST_F(OpenAi, PassesTheSliceOnAndNamesTheFieldWhenThereIsNone) {
  EXPECT_EQ(chat({{"slice", "e2b"}}).status, 200);
  EXPECT_EQ(engine.last_request().slice, "e2b");
  EXPECT_EQ(complete({{"slice", "e2b"}}).status, 200);
  EXPECT_EQ(engine.last_request().slice, "e2b");
  engine.refusal = "there is no slice 'e9b'; there are e2b, e4b";
  for (const RawReply& reply : {chat({{"slice", "e9b"}}), complete({{"slice", "e9b"}})}) {
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(reply.error()["param"], "slice");
    EXPECT_EQ(reply.error()["message"], engine.refusal);
  }
}

TEST_F(OpenAi, ReportsAnEngineThatFails) {
  engine.failure = "the device is lost";
  const RawReply whole = chat();
  EXPECT_EQ(whole.status, 500);
  EXPECT_EQ(whole.error()["type"], "server_error");
  EXPECT_THAT(std::string(whole.error()["message"]), HasSubstr("the device is lost"));
  const auto events = chat({{"stream", true}}).events();
  EXPECT_THAT(std::string(Json::parse(events.back())["error"]["message"]), HasSubstr("the device is lost"));
  engine.refusal = "token 999 is not in the vocabulary";
  EXPECT_EQ(chat().status, 400);
  EXPECT_EQ(chat().error()["message"], engine.refusal);
}

TEST_F(OpenAi, CompletesText) {
  const Json body = complete({{"stop", ","}}).json();
  EXPECT_THAT(std::string(body["id"]), StartsWith("cmpl-"));
  EXPECT_EQ(body["object"], "text_completion");
  EXPECT_EQ(body["choices"],
            Json::parse(R"([{"index": 0, "text": "Hello", "logprobs": null, "finish_reason": "stop"}])"));
  EXPECT_EQ(body["usage"]["prompt_tokens"], 3);
  EXPECT_EQ(body["usage"]["completion_tokens"], 6);

  engine.script = [](const engine::Request&) { return std::vector<int32_t>(100, 'a'); };
  EXPECT_EQ(complete({{"max_tokens", nullptr}}).json()["usage"]["completion_tokens"], 16);
}

TEST_F(OpenAi, CompletesPromptsOfEveryForm) {
  engine.script = [](const engine::Request& request) { return request.prompt; };
  const auto texts = [&](const Json& prompt, int n = 1) {
    const RawReply reply = complete({{"prompt", prompt}, {"n", n}});
    EXPECT_EQ(reply.status, 200) << reply.body;
    const Json body = reply.json();
    std::vector<std::string> result;
    for (const Json& choice : body["choices"]) {
      EXPECT_EQ(choice["index"], result.size());
      result.push_back(choice["text"]);
    }
    return result;
  };
  EXPECT_THAT(texts("ab"), ElementsAre("ab"));
  EXPECT_THAT(texts({"ab", "cd"}, 2), ElementsAre("ab", "ab", "cd", "cd"));
  EXPECT_THAT(texts({97, 98.0}), ElementsAre("ab"));
  EXPECT_THAT(texts(Json::parse("[[97], [98, 99]]")), ElementsAre("a", "bc"));
  EXPECT_EQ(complete({{"prompt", {"ab", "cde"}}}).json()["usage"]["prompt_tokens"], 5);
  const Bad cases[] = {{R"({"prompt": null})", "prompt"},
                       {R"({"prompt": ""})", "prompt"},
                       {R"({"prompt": []})", "prompt"},
                       {R"({"prompt": [""]})", "prompt[0]"},
                       {R"({"prompt": {}})", "prompt"},
                       {R"({"prompt": [1, "a"]})", "prompt[1]"},
                       {R"({"prompt": ["a", 1]})", "prompt[1]"},
                       {R"({"prompt": [258]})", "prompt[0]"},
                       {R"({"prompt": [-1]})", "prompt[0]"},
                       {R"({"prompt": [1.5]})", "prompt[0]"},
                       {R"({"prompt": [[1, true]]})", "prompt[0][1]"},
                       {R"({"suffix": "x"})", "suffix"},
                       {R"({"best_of": 3})", "best_of"},
                       {R"({"logprobs": true})", "logprobs"},
                       {R"({"logprobs": 21})", "logprobs"},
                       {R"({"echo": 1})", "echo"},
                       {R"({"max_tokens": 0})", "max_tokens"},
                       {R"({"max_tokens": 998})", "prompt"},
                       {R"({"prompt": ["a", "b"], "n": 100})", "n"}};
  for (const Bad& bad : cases) {
    const RawReply reply = complete(Json::parse(bad.fields));
    EXPECT_EQ(reply.status, 400) << bad.fields;
    EXPECT_EQ(reply.error()["param"], bad.param) << bad.fields;
  }
}

TEST_F(OpenAi, StreamsCompletions) {
  const auto chunks = complete({{"stream", true}, {"stream_options", {{"include_usage", true}}}}).chunks();
  std::string text;
  for (const Json& chunk : chunks)
    for (const Json& choice : chunk["choices"]) text += choice["text"];
  EXPECT_EQ(text, "Hello, world");
  EXPECT_EQ(chunks[chunks.size() - 2]["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(chunks.back()["usage"]["completion_tokens"], 12);
}

TEST_F(OpenAi, EchoesAndScoresThePrompt) {
  EXPECT_EQ(complete({{"echo", true}}).json()["choices"][0]["text"], "SayHello, world");
  const Json body = complete({{"prompt", "abd"}, {"echo", true}, {"logprobs", 1}, {"max_tokens", 0}}).json();
  EXPECT_EQ(body["choices"][0]["text"], "abd");
  EXPECT_EQ(body["usage"]["completion_tokens"], 0);
  const Json& logprobs = body["choices"][0]["logprobs"];
  EXPECT_EQ(logprobs["tokens"], Json({"a", "b", "d"}));
  EXPECT_EQ(logprobs["text_offset"], Json({0, 1, 2}));
  EXPECT_EQ(logprobs["token_logprobs"][0], nullptr);
  EXPECT_NEAR(logprobs["token_logprobs"][1], 0, 1e-3);
  EXPECT_NEAR(logprobs["token_logprobs"][2], -20, 1e-3);
  EXPECT_EQ(logprobs["top_logprobs"][0], nullptr);
  EXPECT_TRUE(logprobs["top_logprobs"][2].contains("c"));

  for (const bool stream : {false, true}) {
    const RawReply reply = complete(
        {{"prompt", "ab"}, {"echo", true}, {"logprobs", 0}, {"max_tokens", 3}, {"n", 2}, {"stream", stream}});
    Json offsets[2] = {Json::array(), Json::array()};
    for (const Json& chunk : stream ? reply.chunks() : std::vector<Json>{reply.json()})
      for (const Json& choice : chunk["choices"])
        for (const Json& offset : choice["logprobs"]["text_offset"])
          offsets[int(choice["index"])].push_back(offset);
    EXPECT_EQ(offsets[0], Json({0, 1, 2, 3, 4}));
    EXPECT_EQ(offsets[1], Json({0, 1, 2, 3, 4}));
  }
}

TEST_F(OpenAi, WorksWithAndWithoutThePrefix) {
  EXPECT_EQ(post("/chat/completions", chat_body().dump()).status, 200);
  EXPECT_EQ(post("/completions", R"({"prompt": "x"})").status, 200);
}

}  // namespace
}  // namespace troika::server
