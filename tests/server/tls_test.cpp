// The server behind TLS: the same answers, the same limits, and who may not be understood.
#include <gmock/gmock.h>

#include <csignal>

#include "server/tls_client.h"

namespace troika::server {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class TlsTest : public ServerTest {
 protected:
  TlsTest() {
    options.tls = make_certificate(scratch.path(), "localhost");
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to a socket without MSG_NOSIGNAL
  }

  // Why the server does not start with these files; "" when it does.
  std::string refusal(const TlsFiles& files) {
    ServerOptions wrong;
    wrong.port = 0;
    wrong.tls = files;
    try {
      const Server server(wrong, {{.id = "x", .engine = &engine}});
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }
  void replace_by(const TlsFiles& files) {
    std::filesystem::copy_file(files.certificate, options.tls->certificate, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::copy_file(files.key, options.tls->key, std::filesystem::copy_options::overwrite_existing);
  }

  files::Scratch scratch;
};

TEST_F(TlsTest, AnswersAsOverAPlainSocket) {
  TlsClient client(port());
  ASSERT_TRUE(client.agreed());
  EXPECT_EQ(client.get("/health").json()["status"], "ok");
  const RawReply reply = client.post("/v1/chat/completions", chat_body().dump());
  EXPECT_EQ(reply.json()["choices"][0]["message"]["content"], "Hello, world");
  const RawReply stream = client.post("/v1/chat/completions", chat_body({{"stream", true}}).dump());
  EXPECT_EQ(stream.chunks().back()["choices"][0]["finish_reason"], "stop");
  EXPECT_EQ(client.get("/health").status, 200) << "the connection is kept";
}

TEST_F(TlsTest, SpeaksTls12And13WithForwardSecrecyAndNothingOlder) {
  TlsClient newest(port());
  EXPECT_EQ(newest.version(), "TLSv1.3");
  TlsClient older(port(), {.most_version = TLS1_2_VERSION});
  EXPECT_EQ(older.version(), "TLSv1.2");
  EXPECT_THAT(older.cipher(), testing::AllOf(testing::StartsWith("ECDHE"), testing::AnyOf(HasSubstr("GCM"), HasSubstr("CHACHA20"))));
  EXPECT_EQ(older.get("/health").status, 200);
  EXPECT_EQ(newest.get("/health").status, 200);
  EXPECT_FALSE(newest.may_resume()) << "each connection has keys of its own";
  EXPECT_FALSE(older.may_resume());
  EXPECT_FALSE(TlsClient(port(), {.least_version = TLS1_VERSION, .most_version = TLS1_1_VERSION}).agreed());
}

TEST_F(TlsTest, AgreesOnHttp11OrOnNothing) {
  EXPECT_EQ(TlsClient(port(), {.protocols = "\x02h2\x08http/1.1"}).protocol(), "http/1.1");
  EXPECT_EQ(TlsClient(port()).protocol(), "");
  EXPECT_FALSE(TlsClient(port(), {.protocols = "\x02h2"}).agreed());
}

TEST_F(TlsTest, TakesAndSendsManyMegabytes) {
  engine.info().context_length = 30'000'000;
  TlsClient client(port());
  Json body = chat_body();
  body["messages"][0]["content"] = std::string(8 << 20, 'a');
  EXPECT_GT(int(client.post("/v1/chat/completions", body.dump()).json()["usage"]["prompt_tokens"]), 8 << 20);
  const RawReply ids = client.post("/tokenize", Json{{"content", std::string(1 << 20, 'a')}}.dump());
  EXPECT_EQ(ids.json()["tokens"].size(), size_t{1} << 20);
}

TEST_F(TlsTest, TellsWhoSpeaksPlainHttpWhatToDo) {
  RawClient plain(port());
  const RawReply reply = plain.get("/health");
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(std::string(reply.error()["message"]), HasSubstr("https://"));
  EXPECT_EQ(reply.error()["code"], "https_expected");
  EXPECT_TRUE(plain.closed_within(3000));
}

TEST_F(TlsTest, ClosesOnWhatIsNeitherTlsNorHttp) {
  for (const std::string& bytes : {std::string("\x16\x03\x01 no hello", 13), std::string("\0\0\0\0", 4), std::string("hello\r\n\r\n")}) {
    RawClient client(port());
    client.send(bytes);
    client.end_sending();
    EXPECT_TRUE(client.closed_within(3000));
  }
  EXPECT_EQ(TlsClient(port()).get("/health").status, 200);
}

TEST_F(TlsTest, ASlowHandshakeIsGivenUpAndKeepsNobodyOut) {
  options.header_timeout = 200ms;
  options.max_connections = 2;
  RawClient silent(port()), half(port());
  half.send(std::string("\x16\x03\x01\x02\x00\x01\x00", 7));  // the beginning of a hello
  EXPECT_FALSE(TlsClient(port()).agreed()) << "two are connected";
  EXPECT_TRUE(silent.closed_within(3000));
  EXPECT_TRUE(half.closed_within(3000));
  EXPECT_EQ(TlsClient(port()).get("/health").status, 200);
}

TEST_F(TlsTest, CancelsWhenTheClientHangsUp) {
  engine.pace = 10ms;
  engine.script = [](const engine::Request&) { return std::vector<int32_t>(900, 'a'); };
  enum class Way { reset, goodbye };
  for (const bool streamed : {true, false}) {
    for (const Way way : {Way::reset, Way::goodbye}) {
      TlsClient client(port());
      const int before = int(engine.generated());
      client.send(RawClient::post_text("/v1/chat/completions", chat_body({{"stream", streamed}}).dump()));
      while (engine.generated() == before) std::this_thread::sleep_for(1ms);
      if (way == Way::goodbye) client.say_goodbye();
      else client.hang_up();
      EXPECT_TRUE(engine.idle_within(1s)) << streamed;
      EXPECT_LT(engine.generated(), before + 500);
    }
  }
}

TEST_F(TlsTest, KeepsWhatIsSentAheadWhileAnAnswerIsMade) {
  engine.pace = 2ms;
  TlsClient client(port());
  const std::string chat = RawClient::post_text("/v1/chat/completions", chat_body({{"stream", true}}).dump());
  client.send(chat + "GET /health HTTP/1.1\r\n\r\n" + chat);
  EXPECT_FALSE(client.read_reply().chunks().empty());
  EXPECT_EQ(client.read_reply().json()["status"], "ok");
  for (int i = 0; i < 20; ++i) client.send("GET /health HTTP/1.1\r\n\r\n");
  EXPECT_FALSE(client.read_reply().chunks().empty());
  for (int i = 0; i < 20; ++i) EXPECT_EQ(client.read_reply().json()["status"], "ok") << i;
}

TEST_F(TlsTest, SaysGoodbyeSoThatAnAnswerWithoutLengthIsKnownToBeWhole) {
  TlsClient client(port());
  const std::string body = chat_body({{"stream", true}}).dump();
  client.send("POST /v1/chat/completions HTTP/1.0\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  EXPECT_FALSE(client.read_reply().chunks().empty());
  EXPECT_TRUE(client.was_told_the_end());
}

TEST_F(TlsTest, RefusesALargeBodyInWords) {
  options.body_bytes = 1 << 20;
  TlsClient client(port());
  client.send("POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 104857600\r\n\r\n");
  const std::string piece(1 << 16, ' ');
  for (int i = 0; i < 10; ++i) client.send(piece);
  EXPECT_EQ(client.read_reply().status, 413);
}

TEST_F(TlsTest, DropsAClientThatDoesNotRead) {
  answer_one_client_at_length();
  TlsClient client(port());
  client.send(RawClient::post_text("/v1/chat/completions", chat_body({{"stream", true}, {"logprobs", true}}).dump()));
  ASSERT_TRUE(client.wait_for("\"content\":\"a\""));
  bool dropped = false;
  for (int i = 0; i < 6000 && !dropped; ++i) {
    dropped = TlsClient(port()).agreed();  // its place is free
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_TRUE(dropped);
  EXPECT_TRUE(client.closed_within(5000));
  EXPECT_THAT(client.received(), testing::Not(HasSubstr("[DONE]")));
}

TEST_F(TlsTest, StopsWithHandshakesAndIdleConnectionsOpen) {
  RawClient silent(port());
  TlsClient idle(port());
  EXPECT_EQ(idle.get("/health").status, 200);
  const auto begin = std::chrono::steady_clock::now();
  stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
}

TEST_F(TlsTest, OnlyHttpsPagesAreItsOwn) {
  TlsClient client(port());
  const auto ask = [&](const std::string& origin) {
    client.send("GET /health HTTP/1.1\r\nHost: localhost:8443\r\nOrigin: " + origin + "\r\n\r\n");
    return client.read_reply().status;
  };
  EXPECT_EQ(ask("https://localhost:8443"), 200);
  EXPECT_EQ(ask("http://localhost:8443"), 403);
  EXPECT_EQ(ask("https://elsewhere.example"), 403);
}

TEST_F(TlsTest, ReadsItsFilesAgainAndKeepsTheOldPairWhenTheNewOneIsWrong) {
  TlsClient before(port());
  EXPECT_EQ(before.server(), "localhost");
  const TlsFiles next = make_certificate(scratch.path(), "next.example");
  const TlsFiles other = make_certificate(scratch.path(), "other.example");
  replace_by({next.certificate, other.key});
  server_->reload();
  EXPECT_EQ(before.get("/health").status, 200);
  EXPECT_EQ(TlsClient(port()).server(), "localhost");
  replace_by(next);
  server_->reload();
  EXPECT_EQ(before.get("/health").status, 200) << "who is connected stays so";
  EXPECT_EQ(TlsClient(port()).server(), "next.example");
}

TEST_F(TlsTest, SaysWhatIsWrongWithItsFiles) {
  const TlsFiles good = *options.tls, other = make_certificate(scratch.path(), "other");
  EXPECT_EQ(refusal(good), "");
  const auto text = scratch.write("text.pem", "no certificate\n"), empty = scratch.write("empty.pem", "");
  EXPECT_THAT(refusal({scratch / "none.pem", good.key}), testing::AllOf(HasSubstr("--tls-cert"), HasSubstr("none.pem"), HasSubstr("No such file")));
  EXPECT_THAT(refusal({good.certificate, scratch / "none.pem"}), testing::AllOf(HasSubstr("--tls-key"), HasSubstr("No such file")));
  EXPECT_THAT(refusal({scratch.path(), good.key}), HasSubstr("Is a directory"));
  EXPECT_THAT(refusal({text, good.key}), HasSubstr("holds no usable certificate in PEM form"));
  EXPECT_THAT(refusal({empty, good.key}), HasSubstr("it is empty"));
  EXPECT_THAT(refusal({good.key, good.key}), HasSubstr("holds no usable certificate in PEM form"));
  EXPECT_THAT(refusal({good.certificate, text}), HasSubstr("holds no usable private key in PEM form"));
  EXPECT_THAT(refusal({good.certificate, other.key}),
              testing::AllOf(HasSubstr("is not the one of the certificate"), HasSubstr("other.key")));
}

TEST_F(TlsTest, AKeyWithAPassphraseIsRefusedNotAskedFor) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  std::FILE* file = std::fopen((scratch / "locked.key").c_str(), "w");
  PEM_write_PrivateKey(file, key.get(), EVP_aes_128_cbc(), reinterpret_cast<const unsigned char*>("secret"), 6, nullptr, nullptr);
  std::fclose(file);
  EXPECT_THAT(refusal({options.tls->certificate, scratch / "locked.key"}), HasSubstr("has a passphrase"));
}

}  // namespace
}  // namespace troika::server
