// The server as a speaker of HTTP: limits, time, broken clients, and clients that hang up.
#include <gmock/gmock.h>

#include "server/raw_client.h"

namespace troika::server {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class Http : public ServerTest {};

TEST_F(Http, SaysThatItIsWellAndCountsWhatRuns) {
  const RawReply reply = get("/health");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.json(), Json({{"status", "ok"}, {"running", 0}, {"waiting", 0}}));
  EXPECT_EQ(reply.header("Content-Type"), "application/json");
  EXPECT_THAT(reply.header("x-request-id"), testing::StartsWith("req_"));
  EXPECT_EQ(get("/v1/health").status, 200);
  EXPECT_EQ(get("/health?verbose=1").status, 200);
  EXPECT_EQ(get("http://somewhere:1/health").status, 200);
}

TEST_F(Http, WelcomesAtTheRoot) {
  const RawReply reply = get("/");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr("fake/model:1"));
}

TEST_F(Http, AnswersUnknownPathsWith404AndWrongMethodsWith405) {
  const RawReply unknown = get("/v1/nothing");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.error()["type"], "not_found_error");
  EXPECT_THAT(std::string(unknown.error()["message"]), HasSubstr("/v1/nothing"));

  const RawReply wrong = get("/v1/chat/completions");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.header("Allow"), "POST");
  EXPECT_EQ(wrong.error()["code"], "method_not_allowed");
  EXPECT_EQ(post("/v1/models", "{}").header("Allow"), "GET, HEAD");
  EXPECT_EQ(get("/%ff%00").status, 404);
}

TEST_F(Http, AnswersHeadWithoutABody) {
  RawClient client(port());
  client.send("HEAD /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const RawReply head = client.read_reply(false);
  EXPECT_EQ(head.status, 200);
  EXPECT_GT(std::stoi(head.header("Content-Length")), 10);
  EXPECT_EQ(client.read_reply().json()["status"], "ok");
}

TEST_F(Http, KeepsTheConnectionAndAnswersPipelinedRequestsInTurn) {
  RawClient client(port());
  const std::string chat = RawClient::post_text("/v1/chat/completions", chat_body().dump());
  const std::string stream =
      RawClient::post_text("/v1/chat/completions", chat_body({{"stream", true}}).dump());
  client.send(chat + stream + "GET /health HTTP/1.1\r\n\r\n" + chat);
  EXPECT_EQ(client.read_reply().json()["object"], "chat.completion");
  EXPECT_EQ(client.read_reply().chunks().front()["object"], "chat.completion.chunk");
  EXPECT_EQ(client.read_reply().json()["status"], "ok");
  EXPECT_EQ(client.read_reply().json()["object"], "chat.completion");
}

TEST_F(Http, ClosesWhenAskedTo) {
  RawClient client(port());
  client.send("GET /health HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.read_reply().header("Connection"), "close");
  EXPECT_TRUE(client.closed_within(3000));
}

TEST_F(Http, SpeaksHttp10) {
  RawClient client(port());
  client.send("GET /health HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.read_reply().json()["status"], "ok");
  EXPECT_TRUE(client.closed_within(3000));

  RawClient streaming(port());
  const std::string body = chat_body({{"stream", true}}).dump();
  streaming.send("POST /v1/chat/completions HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: " +
                 std::to_string(body.size()) + "\r\n\r\n" + body);
  const RawReply reply = streaming.read_reply();
  EXPECT_EQ(reply.header("Transfer-Encoding"), "");
  EXPECT_TRUE(reply.complete);
  EXPECT_GT(reply.chunks().size(), 3u);
}

TEST_F(Http, TakesAChunkedBody) {
  RawClient client(port());
  const std::string body = chat_body().dump();
  client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (const char byte : body) client.send("1\r\n" + std::string(1, byte) + "\r\n");
  client.send("0\r\n\r\n");
  EXPECT_EQ(client.read_reply().status, 200);
}

TEST_F(Http, SendsContinueOnlyWhenItWantsTheBody) {
  RawClient client(port());
  const std::string body = chat_body().dump();
  const auto head = [](size_t bytes) {
    return "POST /v1/chat/completions HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: " +
           std::to_string(bytes) + "\r\n\r\n";
  };
  client.send(head(body.size()));
  EXPECT_EQ(client.read_reply().status, 100);
  client.send(body);
  EXPECT_EQ(client.read_reply().status, 200);

  RawClient large(port());
  large.send(head(1'000'000'000));
  EXPECT_EQ(large.read_reply().status, 413);
  EXPECT_TRUE(large.closed_within(5000));
}

TEST_F(Http, RefusesABodyOf100MegabytesWithoutReadingOrKeepingIt) {
  port();
  const size_t before = resident_bytes();
  const std::string piece(1 << 20, ' ');
  RawClient announced(port());
  announced.send("POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 104857600\r\n\r\n");
  for (int i = 0; i < 100 && announced.send(piece); ++i) {
  }
  const RawReply reply = announced.read_reply();
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(reply.error()["code"], "request_too_large");
#ifndef __SANITIZE_ADDRESS__  // which keeps what is freed for a while
  EXPECT_LT(resident_bytes(), before + (20u << 20));
#endif

  options.body_bytes = 1 << 20;
  stop();
  server_.reset();
  RawClient chunked(port());
  chunked.send("POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 100 && chunked.send("100000\r\n" + piece + "\r\n"); ++i) {
  }
  EXPECT_EQ(chunked.read_reply().status, 413);
  EXPECT_EQ(get("/health").status, 200);
}

TEST_F(Http, BoundsTheMemoryOfAllBodiesTogether) {
  options.all_bodies_bytes = 3 << 20;
  const std::string half(2 << 20, ' ');
  const std::string head = "POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 4194304\r\n\r\n";
  {
    RawClient holds(port()), refused(port());
    ASSERT_TRUE(holds.send(head + half.substr(0, 1 << 20)));
    for (int i = 0; i < 30; ++i) get("/health");  // meanwhile it is read
    refused.send(head + half + half.substr(0, 1 << 20));
    const RawReply reply = refused.read_reply();
    EXPECT_EQ(reply.status, 503);
    EXPECT_EQ(reply.error()["code"], "overloaded");
  }
  for (int i = 0; i < 5; ++i) EXPECT_EQ(RawClient(port()).post("/v1/chat/completions", chat_body().dump()).status, 200);
  RawClient again(port());  // who has left holds nothing
  Json body = chat_body();
  body["messages"][0]["content"] = std::string(2 << 20, 'a');
  engine.info().context_length = 30'000'000;
  EXPECT_EQ(again.post("/v1/chat/completions", body.dump()).status, 200);
}

TEST_F(Http, TakesABodyOfManyMegabytes) {
  engine.info().context_length = 30'000'000;
  RawClient client(port());
  Json body = chat_body();
  body["messages"][0]["content"] = std::string(8 << 20, 'a');
  const RawReply reply = client.post("/v1/chat/completions", body.dump());
  EXPECT_EQ(reply.status, 200);
  EXPECT_GT(int(reply.json()["usage"]["prompt_tokens"]), 8 << 20);
}

TEST_F(Http, RefusesLargeHeaders) {
  RawClient client(port());
  client.send("GET /health HTTP/1.1\r\nX-Large: " + std::string(40'000, 'x') + "\r\n\r\n");
  EXPECT_EQ(client.read_reply().status, 431);
  RawClient many(port());
  std::string headers = "GET /health HTTP/1.1\r\n";
  for (int i = 0; i < 3000; ++i) headers += "X-" + std::to_string(i) + ": y\r\n";
  many.send(headers + "\r\n");
  EXPECT_EQ(many.read_reply().status, 431);
}

TEST_F(Http, AnswersWhatIsNotHttpWith400) {
  for (const std::string bytes :
       {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello tls\r\n\r\n", "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n", "G\x01T / HTTP/1.1\r\n\r\n",
        "POST /v1/completions HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        "POST /v1/completions HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n{}",
        "POST /v1/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4"
        "\r\n\r\n0\r\n\r\n",
        "POST /v1/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"}) {
    RawClient client(port());
    client.send(bytes);
    EXPECT_EQ(client.read_reply().status, 400) << bytes;
    EXPECT_TRUE(client.closed_within(5000)) << bytes;
  }
}

TEST_F(Http, NoticesBodiesThatAreShorterOrLongerThanAnnounced) {
  RawClient shorter(port());
  shorter.send("POST /v1/completions HTTP/1.1\r\nContent-Length: 100\r\n\r\n{\"prompt\":");
  shorter.end_sending();
  EXPECT_EQ(shorter.read_reply().status, 400);

  RawClient longer(port());
  longer.send(
      "POST /v1/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}surplus that is no request\r\n\r\n");
  EXPECT_EQ(longer.read_reply().error()["param"], "prompt");
  EXPECT_EQ(longer.read_reply().status, 400);
  EXPECT_TRUE(longer.closed_within(5000));
}

TEST_F(Http, DoesNotWaitForEverForSlowRequests) {
  options.header_timeout = 100ms;
  options.body_timeout = 100ms;
  options.idle_timeout = 100ms;
  RawClient silent(port()), header(port()), body(port());
  header.send("GET /hea");
  body.send("POST /v1/completions HTTP/1.1\r\nContent-Length: 100\r\n\r\n{");
  EXPECT_EQ(header.read_reply().status, 408);
  EXPECT_EQ(body.read_reply().status, 408);
  EXPECT_TRUE(silent.closed_within(5000));
  EXPECT_EQ(silent.received(), "");
}

TEST_F(Http, FreesTheSequencesOfAStreamWhoseClientHangsUp) {
  engine.pace = 2ms;
  engine.script = [](const engine::Request&) { return std::vector<int32_t>(900, 'a'); };
  RawClient client(port());
  client.send(RawClient::post_text("/v1/chat/completions", chat_body({{"stream", true}, {"n", 3}}).dump()));
  ASSERT_TRUE(client.wait_for("\"content\":\"a\""));
  EXPECT_EQ(get("/health").json()["running"], 3);
  client.hang_up();
  EXPECT_TRUE(engine.idle_within(5s));
  EXPECT_LT(engine.generated(), 3 * 500);
}

TEST_F(Http, FreesTheSequencesOfAWholeAnswerWhoseClientHangsUp) {
  engine.pace = 2ms;
  engine.script = [](const engine::Request&) { return std::vector<int32_t>(900, 'a'); };
  RawClient client(port());
  client.send(RawClient::post_text("/v1/chat/completions", chat_body().dump()));
  while (engine.generated() == 0) std::this_thread::sleep_for(1ms);
  client.hang_up();
  EXPECT_TRUE(engine.idle_within(5s));
  EXPECT_LT(engine.generated(), 500);
}

TEST_F(Http, DropsAClientThatDoesNotReadAndNeverStopsTheEngine) {
  answer_one_client_at_length();
  RawClient client(port());
  client.send(
      RawClient::post_text("/v1/chat/completions", chat_body({{"stream", true}, {"logprobs", true}}).dump()));
  ASSERT_TRUE(client.wait_for("\"content\":\"a\""));
  EXPECT_EQ(get("/health").status, 503);
  EXPECT_TRUE(engine.idle_within(60s));  // it ran to its end although nobody read
  EXPECT_EQ(engine.generated(), 100'000);
  bool dropped = false;
  for (int i = 0; i < 6000 && !dropped; ++i) {
    dropped = get("/health").status == 200;
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_TRUE(dropped);
  EXPECT_TRUE(client.closed_within(5000));
  EXPECT_THAT(client.received(), testing::Not(HasSubstr("[DONE]")));
}

TEST_F(Http, StreamsToManyAtOnceAndThreeThatHangUpDisturbNobody) {
  engine.pace = 300us;
  engine.script = [](const engine::Request& request) {
    std::vector<int32_t> answer;
    for (int i = 0; i < 300; ++i) answer.push_back('a' + (request.prompt[2 + size_t(i) % 3] * 7 + i) % 26);
    return answer;
  };
  const auto body = [&](int i) {
    return Json{{"prompt", "P:" + std::to_string(1000 + i * 7)}, {"max_tokens", 300}, {"stream", true}}
        .dump();
  };
  const auto text_of = [](const RawReply& reply) {
    std::string text;
    for (const Json& chunk : reply.chunks()) text += std::string(chunk["choices"][0]["text"]);
    return text;
  };
  std::vector<std::string> alone;
  for (int i = 0; i < 10; ++i) alone.push_back(text_of(post("/v1/completions", body(i))));

  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(std::make_unique<RawClient>(port()));
    clients.back()->send(RawClient::post_text("/v1/completions", body(i)));
  }
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(clients[size_t(i)]->wait_for("data: "));
  for (int i = 0; i < 3; ++i) clients[size_t(i)]->hang_up();
  for (size_t i = 3; i < 10; ++i) EXPECT_EQ(text_of(clients[i]->read_reply()), alone[i]) << i;
  EXPECT_TRUE(engine.idle_within(5s));
  EXPECT_EQ(get("/health").json()["running"], 0);
}

TEST_F(Http, KeepsASilentStreamAliveWithComments) {
  options.ping_interval = 20ms;
  engine.pace = 300ms;
  const RawReply reply = chat({{"stream", true}, {"max_tokens", 2}});
  EXPECT_THAT(reply.body, HasSubstr(": ping\n\n"));
  EXPECT_EQ(reply.chunks().size(), 4u);
}

TEST_F(Http, TurnsAwayTooManyConnections) {
  options.max_connections = 2;
  RawClient first(port()), second(port());
  EXPECT_EQ(first.get("/health").status, 200);
  EXPECT_EQ(second.get("/health").status, 200);
  RawClient third(port());
  EXPECT_EQ(third.read_reply().status, 503);
  first.hang_up();
  for (int i = 0; i < 100; ++i) {
    if (get("/health").status == 200) return;
    std::this_thread::sleep_for(10ms);
  }
  FAIL() << "the place of a closed connection was not given to the next";
}

TEST_F(Http, LetsRunningStreamsEndWhenItStops) {
  engine.pace = 5ms;
  RawClient client(port()), idle(port());
  EXPECT_EQ(idle.get("/health").status, 200);
  client.send(RawClient::post_text("/v1/chat/completions", chat_body({{"stream", true}}).dump()));
  ASSERT_TRUE(client.wait_for("\"content\":\"H\""));
  server_->stop();
  EXPECT_TRUE(idle.closed_within(1000));
  EXPECT_EQ(client.read_reply().chunks().back()["choices"][0]["finish_reason"], "stop");
  thread_.join();
  EXPECT_EQ(engine.stats().running, 0);
}

TEST_F(Http, EndsStreamsThatTakeTooLongWhenItStops) {
  options.drain_timeout = 100ms;
  engine.pace = 50ms;
  engine.script = [](const engine::Request&) { return std::vector<int32_t>(900, 'a'); };
  RawClient client(port());
  client.send(RawClient::post_text("/v1/chat/completions", chat_body({{"stream", true}}).dump()));
  ASSERT_TRUE(client.wait_for("\"content\":\"a\""));
  stop();
  EXPECT_TRUE(engine.idle_within(5s));
}

TEST_F(Http, NamesThePortThatIsTaken) {
  ServerOptions taken;
  taken.port = port();
  try {
    Server second(taken, {{.id = "x", .engine = &engine}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("127.0.0.1:" + std::to_string(port())));
    EXPECT_THAT(error.what(), HasSubstr("another program uses this port"));
  }
  EXPECT_THROW(Server({.host = "no such host"}, {{.id = "x", .engine = &engine}}), Error);
  EXPECT_THROW(Server({.host = ""}, {{.id = "x", .engine = &engine}}), Error);
}

}  // namespace
}  // namespace troika::server
