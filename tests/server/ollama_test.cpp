// Ollama's API on a scripted engine.
#include <gmock/gmock.h>

#include "server/raw_client.h"

namespace troika::server {
namespace {

using testing::HasSubstr;

class Ollama : public ServerTest {
 protected:
  void answers(std::string text) {
    engine.script = [text](const engine::Request&) { return byte_ids(text); };
  }
  std::string prompt_text() { return engine.text().tokenizer->decode(engine.last_request().prompt, false); }

  RawReply ask(const Json& more = Json::object()) {
    Json body = {{"model", "fake"}, {"messages", {{{"role", "user"}, {"content", "Hi"}}}}};
    body.update(more);
    return post("/api/chat", body.dump());
  }
  RawReply generate(const Json& more = Json::object()) {
    Json body = {{"model", "fake"}, {"prompt", "Hi"}, {"stream", false}};
    body.update(more);
    return post("/api/generate", body.dump());
  }
  static std::vector<Json> lines_of(const RawReply& reply) {
    std::vector<Json> lines;
    std::istringstream text(reply.body);
    for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
    return lines;
  }
};

TEST_F(Ollama, StreamsAChatByDefaultOneObjectALine) {
  const RawReply reply = ask();
  EXPECT_EQ(reply.header("Content-Type"), "application/x-ndjson");
  const auto lines = lines_of(reply);
  std::string text;
  for (const Json& line : lines) {
    EXPECT_EQ(line["model"], "fake/model:1");
    EXPECT_EQ(line["message"]["role"], "assistant");
    EXPECT_EQ(line["done"], &line == &lines.back());
    EXPECT_THAT(std::string(line["created_at"]), testing::MatchesRegex("20..-..-..T..:..:..\\..........Z"));
    text += line["message"]["content"];
  }
  EXPECT_EQ(text, "Hello, world");
  const Json& last = lines.back();
  EXPECT_EQ(last["done_reason"], "stop");
  EXPECT_EQ(last["eval_count"], 12);
  EXPECT_EQ(last["prompt_eval_count"], engine.last_request().prompt.size());
  EXPECT_EQ(last["eval_duration"], 250'000'000);
}

TEST_F(Ollama, AnswersWholeWhenAskedTo) {
  const Json body = ask({{"stream", false}}).json();
  EXPECT_EQ(body["message"], Json::parse(R"({"role": "assistant", "content": "Hello, world"})"));
  EXPECT_EQ(body["done"], true);
  EXPECT_EQ(body["done_reason"], "stop");
  EXPECT_EQ(generate().json()["response"], "Hello, world");
  EXPECT_EQ(prompt_text(), "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(generate({{"system", "Be brief."}}).status, 200);
  EXPECT_THAT(prompt_text(), testing::StartsWith("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi"));
}

TEST_F(Ollama, MapsOptions) {
  const RawReply reply = ask({{"stream", false},
                              {"options",
                               {{"temperature", 0.5},
                                {"top_k", 7},
                                {"seed", 3},
                                {"num_predict", 4},
                                {"num_ctx", 500},
                                {"stop", {"zz"}},
                                {"repeat_penalty", 1.1},
                                {"repeat_last_n", -1},
                                {"num_gpu", 99},
                                {"warp", 9}}}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.header("X-Troika-Ignored-Fields"), "options.warp");
  EXPECT_EQ(reply.json()["done_reason"], "length");
  const engine::SamplingOptions got = engine.last_request().sampling;
  EXPECT_FLOAT_EQ(got.temperature, 0.5f);
  EXPECT_EQ(got.top_k, 7);
  EXPECT_EQ(got.seed, 3u);
  EXPECT_FLOAT_EQ(got.repetition_penalty, 1.1f);
  ask({{"stream", false}, {"options", {{"seed", -1}, {"num_predict", -1}, {"repeat_penalty", 2}, {"repeat_last_n", 0}}}});
  EXPECT_FALSE(engine.last_request().sampling.seed.has_value());
  EXPECT_FLOAT_EQ(engine.last_request().sampling.repetition_penalty, 1);
}

TEST_F(Ollama, TellsThinkingApartAndLeavesItOutWhenAskedTo) {
  engine.use_template(kThinkingTemplate);
  answers("<think>\nHm.\n</think>\n\nYes.");
  const Json message = ask({{"stream", false}}).json()["message"];
  EXPECT_EQ(message["thinking"], "Hm.");
  EXPECT_EQ(message["content"], "Yes.");
  EXPECT_EQ(generate({{"think", true}}).json()["thinking"], "Hm.");
  ask({{"stream", false}, {"think", false}});
  EXPECT_THAT(prompt_text(), testing::EndsWith("<think>\n\n</think>\n\n"));
  engine.use_template(kChatTemplate);
  EXPECT_THAT(ask({{"think", true}}).body, HasSubstr("does not support thinking"));
  EXPECT_EQ(ask({{"think", false}}).status, 200);
}

TEST_F(Ollama, GivesLogprobs) {
  answers("!");
  const Json body = ask({{"stream", false}, {"logprobs", true}, {"top_logprobs", 2}}).json();
  ASSERT_EQ(body["logprobs"].size(), 1u);
  EXPECT_EQ(body["logprobs"][0]["token"], "!");
  EXPECT_EQ(body["logprobs"][0]["top_logprobs"].size(), 2u);
  size_t streamed = 0;
  for (const Json& line : lines_of(ask({{"logprobs", true}})))
    if (line.contains("logprobs")) streamed += line["logprobs"].size();
  EXPECT_EQ(streamed, 1u);
}

TEST_F(Ollama, SaysThatTheModelIsLoadedWhenThereIsNothingToAnswer) {
  const Json body = ask({{"messages", Json::array()}, {"keep_alive", "5m"}}).json();
  EXPECT_EQ(body["done"], true);
  EXPECT_EQ(body["done_reason"], "load");
  EXPECT_EQ(generate({{"prompt", ""}}).json()["done_reason"], "load");
  const RawReply unload = generate({{"prompt", ""}, {"keep_alive", 0}});
  EXPECT_EQ(unload.status, 400);
  EXPECT_THAT(unload.body, HasSubstr("stays loaded"));
  EXPECT_TRUE(engine.requests().empty());
}

TEST_F(Ollama, ReadsEveryDuration) {
  for (const char* good : {"5m", "1h30m", "-1s", "0", "1.5h", "300ms", "-1m"})
    EXPECT_EQ(ask({{"stream", false}, {"keep_alive", good}}).status, 200) << good;
  for (const Json& good : {Json(300), Json(-1), Json(1.5)})
    EXPECT_EQ(ask({{"stream", false}, {"keep_alive", good}}).status, 200) << good;
  for (const char* bad : {"", "5", "m", "5 m", "5y", "..s", "-", "5mm"})
    EXPECT_THAT(ask({{"keep_alive", bad}}).body, HasSubstr("keep_alive must be")) << bad;
}

TEST_F(Ollama, TakesARawPromptAsItIs) {
  EXPECT_EQ(generate({{"raw", true}, {"prompt", "Once"}}).status, 200);
  EXPECT_EQ(prompt_text(), "Once");
  EXPECT_THAT(generate({{"suffix", "end"}}).body, HasSubstr("fill-in-the-middle"));
}

TEST_F(Ollama, RefusesWhatItCannotTakeByItsPlace) {
  const auto message = [](const char* text) { return Json{{"messages", Json::array({Json::parse(text)})}}; };
  const std::pair<Json, const char*> cases[] = {
      {{{"model", nullptr}}, "model is required"},
      {{{"messages", 5}}, "messages must be an array"},
      {message(R"({"content": "x"})"), "messages[0].role is required"},
      {message(R"({"role": "king", "content": "x"})"), "messages[0].role"},
      {message(R"({"role": "tool", "content": "x"})"), "messages[0].role: calling tools"},
      {message(R"({"role": "assistant", "tool_calls": [{}]})"), "messages[0].tool_calls"},
      {message(R"({"role": "user", "images": ["x"]})"), "cannot see pictures"},
      {message(R"({"role": "assistant", "images": ["x"]})"), "messages[0].images"},
      {{{"tools", {{{"type", "function"}}}}}, "tools is not supported yet"},
      {{{"format", "json"}}, "format is not supported yet"},
      {{{"format", {{"type", "object"}}}}, "format is not supported yet"},
      {{{"options", {{"num_ctx", 1001}}}}, "options.num_ctx is 1001, but the context here has 1000 tokens"},
      {{{"options", {{"temperature", "x"}}}}, "options.temperature"},
      {{{"options", {{"mirostat", 2}}}}, "options.mirostat is not supported yet"},
      {{{"options", {{"repeat_last_n", 64}, {"repeat_penalty", 1.5}}}}, "options.repeat_last_n"},
      {{{"top_logprobs", 3}}, "top_logprobs needs logprobs"},
  };
  for (const auto& [more, words] : cases) {
    const RawReply reply = ask(more);
    EXPECT_EQ(reply.status, 400) << more.dump();
    ASSERT_TRUE(reply.json()["error"].is_string()) << reply.body;
    EXPECT_THAT(std::string(reply.json()["error"]), HasSubstr(words)) << more.dump();
  }
  EXPECT_EQ(ask({{"model", "other"}}).status, 404);
  EXPECT_TRUE(engine.requests().empty());
}

TEST_F(Ollama, ListsAndShowsModels) {
  engine.info().parameters = 7'600'000'000;
  engine.info().quantisation = "q4_k";
  engine.info().format = "gguf";
  const Json tags = get("/api/tags").json()["models"];
  ASSERT_EQ(tags.size(), 1u);
  EXPECT_EQ(tags[0]["name"], "fake/model:1");
  EXPECT_EQ(tags[0]["modified_at"], "2023-11-14T22:13:20.000000000Z");
  EXPECT_EQ(std::string(tags[0]["digest"]).size(), 64u);
  EXPECT_EQ(tags[0]["details"]["parameter_size"], "7.6B");
  EXPECT_EQ(tags[0]["details"]["quantization_level"], "Q4_K");
  EXPECT_EQ(get("/api/ps").json()["models"][0]["context_length"], 1000);
  const Json shown = post("/api/show", R"({"model": "fake:latest"})").json();
  EXPECT_EQ(shown["model_info"]["general.architecture"], "qwen2");
  EXPECT_EQ(shown["model_info"]["qwen2.context_length"], 2000);
  EXPECT_EQ(shown["template"], kChatTemplate);
  EXPECT_EQ(shown["capabilities"], Json({"completion", "embedding"}));
  EXPECT_EQ(post("/api/show", R"({"name": "fake"})").status, 200);
  EXPECT_EQ(post("/api/show", "{}").status, 400);
  EXPECT_EQ(post("/api/show", R"({"model": "other"})").status, 404);
  EXPECT_TRUE(get("/api/version").json()["version"].is_string());
}

TEST_F(Ollama, SaysThatItHasNoStore) {
  for (const char* path : {"/api/create", "/api/push"}) {
    const RawReply reply = post(path, R"({"model": "x"})");
    EXPECT_EQ(reply.status, 400);
    EXPECT_THAT(std::string(reply.json()["error"]), HasSubstr("is not supported"));
  }
  for (const char* path : {"/api/pull", "/api/copy"}) {
    const RawReply reply = post(path, R"({"model": "x", "source": "x", "destination": "y"})");
    EXPECT_EQ(reply.status, 501);
    EXPECT_THAT(std::string(reply.json()["error"]), HasSubstr("This server's models are"));
  }
}

TEST_F(Ollama, EndsABrokenStreamWithALineThatSaysSo) {
  engine.failure = "the device is lost";
  EXPECT_THAT(std::string(lines_of(ask()).back()["error"]), HasSubstr("the device is lost"));
  EXPECT_EQ(ask({{"stream", false}}).status, 500);
}

TEST_F(Ollama, SendsNothingIntoASilentStreamThatIsNoJson) {
  options.ping_interval = std::chrono::milliseconds(20);
  engine.pace = std::chrono::milliseconds(100);
  answers("ab");
  EXPECT_EQ(lines_of(ask()).back()["done"], true);
}

}  // namespace
}  // namespace troika::server
