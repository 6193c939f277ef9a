// What clients see while the model that they asked for is being loaded.
#include <gmock/gmock.h>

#include "server/several_models.h"

namespace troika::server {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class LoadingStream : public SeveralModels {
 protected:
  LoadingStream() {
    source.pace = 400ms;
    options.first_progress = 50ms;
    options.progress_interval = 50ms;
  }
  static Json hi(const std::string& model) {
    return {{"model", model}, {"messages", {{{"role", "user"}, {"content", "Hi"}}}}, {"max_tokens", 50}, {"stream", true}};
  }
  // The body's events, each as it was sent.
  static std::vector<std::string> blocks(const RawReply& reply) {
    std::vector<std::string> result;
    for (size_t at = 0, end; (end = reply.body.find("\n\n", at)) != reply.body.npos; at = end + 2)
      result.push_back(reply.body.substr(at, end - at));
    return result;
  }
};

TEST_F(LoadingStream, SaysHowFarTheModelIsBeforeTheAnswer) {
  RawClient client(port());
  client.send(RawClient::post_text("/v1/chat/completions", hi("b").dump()));
  ASSERT_TRUE(client.wait_for("HTTP/1.1 200 OK", 300)) << "the head comes while the model is loaded";
  const RawReply reply = client.read_reply();
  ASSERT_TRUE(reply.complete);
  EXPECT_EQ(reply.header("Content-Type"), "text/event-stream; charset=utf-8");
  EXPECT_EQ(reply.header("X-Accel-Buffering"), "no");
  EXPECT_FALSE(reply.header("x-request-id").empty());
  EXPECT_TRUE(reply.body.starts_with(": loading b 0 %\n\n")) << reply.body;
  for (const char* part : {": loading b 25 %\n\n", ": loading b 50 %\n\n", ": loading b 75 %\n\n"})
    EXPECT_THAT(reply.body, HasSubstr(part));
  std::string text;
  for (const Json& chunk : reply.chunks()) text += chunk["choices"][0]["delta"].value("content", "");
  EXPECT_EQ(text, "I am b....................");
  EXPECT_EQ(client.get("/health").status, 200);  // on the same connection
}

TEST_F(LoadingStream, OfACompletionAndOfAResponseIsToldToo) {
  EXPECT_THAT(complete("a", {{"stream", true}}).body, HasSubstr(": loading a 50 %"));
  const RawReply reply = post("/v1/responses", {{"model", "b"}, {"input", "Hi"}, {"stream", true}});
  EXPECT_THAT(reply.body, HasSubstr(": loading b 50 %"));
  EXPECT_THAT(reply.body, HasSubstr("event: response.completed"));
}

TEST_F(LoadingStream, PingsAnthropicsClients) {
  const RawReply reply = post("/v1/messages", hi("b"));
  EXPECT_FALSE(reply.header("request-id").empty());
  const auto events = blocks(reply);
  ASSERT_GT(events.size(), 4u);
  EXPECT_EQ(events[0], "event: ping\ndata: {\"type\": \"ping\"}");
  EXPECT_EQ(events[1], events[0]);
  EXPECT_THAT(events.back(), HasSubstr("message_stop"));
}

TEST_F(LoadingStream, IsSilentInOllamasApiWhichHasNoComments) {
  const RawReply reply = post("/api/chat", hi("b"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_TRUE(reply.body.starts_with("{\"model\":\"b\"")) << reply.body;
  EXPECT_THAT(reply.body, Not(HasSubstr("loading")));
}

TEST_F(LoadingStream, NobodyElseIsTold) {
  Json whole = hi("b");
  whole["stream"] = false;
  const RawReply reply = post("/v1/chat/completions", whole);
  EXPECT_EQ(reply.header("X-Troika-Model"), "b");
  EXPECT_THAT(reply.body, Not(HasSubstr("loading")));
  EXPECT_EQ(post("/v1/embeddings", {{"model", "a"}, {"input", "Hi"}, {"stream", true}}).json()["object"], "list");
  EXPECT_TRUE(post("/apply-template", hi("c")).json().contains("prompt"));
}

TEST_F(LoadingStream, EndsWithTheApisErrorWhereTheLoadFails) {
  source.broken = "b";
  const RawReply chat = post("/v1/chat/completions", hi("b"));
  EXPECT_EQ(chat.status, 200);
  EXPECT_TRUE(chat.complete);
  const Json error = Json::parse(chat.events().back())["error"];
  EXPECT_THAT(error["message"].get<std::string>(), HasSubstr("b.gguf is cut short"));
  EXPECT_EQ(error["code"], "model_not_loaded");

  const std::string message = blocks(post("/v1/messages", hi("b"))).back();
  ASSERT_TRUE(message.starts_with("event: error\ndata: ")) << message;
  EXPECT_EQ(Json::parse(message.substr(19))["error"]["type"], "overloaded_error");

  const std::string event = blocks(post("/v1/responses", {{"model", "b"}, {"input", "Hi"}, {"stream", true}})).back();
  ASSERT_TRUE(event.starts_with("event: error\ndata: ")) << event;
  EXPECT_EQ(Json::parse(event.substr(19))["type"], "error");
  EXPECT_THAT(event, HasSubstr("b.gguf is cut short"));
  EXPECT_THAT(get("/metrics").body, HasSubstr(R"(route="/chat/completions",code="503"} 1)"));
}

TEST_F(LoadingStream, EndsWithTheApisErrorWhereTheRequestIsWrong) {
  Json wrong = hi("b");
  wrong["temperature"] = 99;
  EXPECT_EQ(Json::parse(post("/v1/chat/completions", wrong).events().back())["error"]["param"], "temperature");
}

TEST_F(LoadingStream, WhatFailsAtOnceHasItsStatus) {
  source.pace = 0ms;
  source.broken = "b";
  EXPECT_EQ(post("/v1/chat/completions", hi("b")).status, 503);
}

TEST_F(LoadingStream, OfAnAliasGoesOnWithTheNextModel) {
  options.aliases = {{"chat", {"b", "c"}}};
  source.broken = "b";
  const RawReply reply = post("/v1/chat/completions", hi("chat"));
  EXPECT_THAT(reply.body, HasSubstr(": loading b 50 %"));
  EXPECT_THAT(reply.body, HasSubstr(": loading c 50 %"));
  EXPECT_EQ(reply.chunks().back()["model"], "chat");
}

TEST_F(LoadingStream, IsReadInHttp10Too) {
  RawClient client(port());
  const std::string body = hi("b").dump();
  client.send(fmt::format("POST /v1/chat/completions HTTP/1.0\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}",
                          body.size(), body));
  const RawReply reply = client.read_reply();
  EXPECT_TRUE(reply.complete);
  EXPECT_TRUE(reply.body.starts_with(": loading b"));
  EXPECT_EQ(reply.chunks().back()["choices"][0]["finish_reason"], "stop");
}

TEST_F(LoadingStream, IsForgottenWhenItsClientLeaves) {
  FakeEngine* b = nullptr;
  source.prepare = [&](const std::string&, FakeEngine& engine) { b = &engine; };
  {
    RawClient client(port());
    client.send(RawClient::post_text("/v1/chat/completions", hi("b").dump()));
    ASSERT_TRUE(client.wait_for("loading b"));
  }
  EXPECT_EQ(complete("b").status, 200);
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->requests().size(), 1u);  // the second client's
}

TEST_F(LoadingStream, MayBeReadByTheSamePagesAsOthers) {
  options.origins.cors_origins = {"https://app.example"};
  RawClient client(port());
  const std::string body = hi("b").dump();
  client.send(fmt::format("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\n"
                          "Content-Length: {}\r\n\r\n{}",
                          body.size(), body));
  EXPECT_EQ(client.read_reply().header("Access-Control-Allow-Origin"), "https://app.example");
}

}  // namespace
}  // namespace troika::server
