// Vectors of texts, on an engine whose states are known: [token id, place, 0, 1].
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include "server/base64.h"
#include "server/raw_client.h"

namespace troika::server {
namespace {

using testing::HasSubstr;

class Embeddings : public ServerTest {
 protected:
  RawReply ask(const Json& more) { return post("/v1/embeddings", more.dump()); }

  static std::vector<float> unit(std::vector<float> v) {
    float squares = 0;
    for (const float x : v) squares += x * x;
    for (float& x : v) x /= std::sqrt(squares);
    return v;
  }
  static void expect_near(const Json& got, const std::vector<float>& want) {
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(float(got[i]), want[i], 1e-6);
  }
};

TEST_F(Embeddings, AreTheMeanStateOfUnitLength) {
  const Json body = ask({{"input", "ac"}}).json();
  EXPECT_EQ(body["object"], "list");
  EXPECT_EQ(body["model"], "fake/model:1");
  EXPECT_EQ(body["usage"], Json::parse(R"({"prompt_tokens": 2, "total_tokens": 2})"));
  EXPECT_EQ(body["data"][0]["object"], "embedding");
  expect_near(body["data"][0]["embedding"], unit({98, 0.5, 0, 1}));
}

TEST_F(Embeddings, TakeTheLastStateWhereTheFileSaysSo) {
  engine.info().pooling = engine::Pooling::last;
  expect_near(ask({{"input", "ac"}}).json()["data"][0]["embedding"], unit({99, 1, 0, 1}));
  EXPECT_TRUE(engine.last_request().last_state_only);
  engine.info().pooling = engine::Pooling::other;
  EXPECT_EQ(ask({{"input", "ac"}}).error()["param"], "model");
}

TEST_F(Embeddings, ComeForSeveralTextsInTheirOrder) {
  const Json data = ask({{"input", {"a", "b", "c"}}}).json()["data"];
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(data[i]["index"], i);
    expect_near(data[i]["embedding"], unit({float('a' + i), 0, 0, 1}));
  }
  EXPECT_EQ(ask({{"input", {97, 99}}}).json()["data"], ask({{"input", "ac"}}).json()["data"]);
  EXPECT_EQ(ask({{"input", Json::parse("[[97], [98]]")}}).json()["data"].size(), 2u);
}

TEST_F(Embeddings, AreCutToDimensionsAndMadeUnitLengthAgain) {
  expect_near(ask({{"input", "ac"}, {"dimensions", 2}}).json()["data"][0]["embedding"], unit({98, 0.5}));
}

TEST_F(Embeddings, ComeInBase64) {
  const std::string text = ask({{"input", "ac"}, {"encoding_format", "base64"}}).json()["data"][0]["embedding"];
  const auto bytes = decode_base64(text);
  ASSERT_TRUE(bytes && bytes->size() == 16);
  float values[4];
  std::memcpy(values, bytes->data(), 16);
  EXPECT_NEAR(values[0], unit({98, 0.5, 0, 1})[0], 1e-6);
}

TEST_F(Embeddings, RefuseByName) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"input": ""})", "input"},          {R"({"input": []})", "input"},
      {R"({"input": ["a", ""]})", "input[1]"}, {R"({"input": ["a", 5]})", "input[1]"},
      {R"({"input": [258]})", "input[0]"},     {R"({"input": "a", "encoding_format": "hex"})", "encoding_format"},
      {R"({"input": "a", "dimensions": 5})", "dimensions"},
  };
  for (const auto& [body, param] : cases) {
    const RawReply reply = ask(Json::parse(body));
    EXPECT_EQ(reply.status, 400) << body;
    EXPECT_EQ(reply.error()["param"], param) << body;
  }
  const RawReply large = ask({{"input", std::string(1001, 'a')}});
  EXPECT_EQ(large.error()["code"], "context_length_exceeded");
  EXPECT_EQ(ask({{"input", std::string(1000, 'a')}}).status, 200);
  EXPECT_EQ(ask({{"input", std::vector<std::string>(2049, "a")}}).error()["param"], "input");
}

// Large vectors of many texts, whose body takes its time to make.
class LargeEmbeddings : public Embeddings {
 protected:
  static constexpr size_t kTexts = 1000;

  // Asks for them and returns when the engine has done its part.
  void ask_for_much(RawClient& client) {
    client.send(RawClient::post_text("/v1/embeddings",
                                     Json{{"input", std::vector<std::string>(kTexts, "ab")}}.dump()));
    while (engine.requests().size() < kTexts) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    ASSERT_TRUE(engine.idle_within(std::chrono::seconds(60)));
  }
};

TEST_F(LargeEmbeddings, LetOthersBeAnsweredWhileTheyAreWrittenDown) {
  engine.info().width = 2048;
  RawClient client(port()), other(port());
  ASSERT_NO_FATAL_FAILURE(ask_for_much(client));
  int answered = 0;
  for (; !client.wait_for("HTTP/1.1", 0); ++answered) ASSERT_EQ(other.get("/health").status, 200);
  EXPECT_GE(answered, 10);
  EXPECT_EQ(client.read_reply().json()["data"][kTexts - 1]["embedding"].size(), 2048u);
}

TEST_F(LargeEmbeddings, AreGivenUpByAClientThatHangsUpWhileTheyAreWrittenDown) {
  engine.info().width = 2048;
  RawClient client(port());
  ASSERT_NO_FATAL_FAILURE(ask_for_much(client));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get("/health").status, 200);
  EXPECT_FALSE(client.wait_for("HTTP/1.1", 0));
  client.hang_up();
  EXPECT_EQ(get("/health").status, 200);
  stop();
}

TEST_F(Embeddings, SpeakOllamaToo) {
  const Json body = post("/api/embed", R"({"model": "fake", "input": ["ac", "b"]})").json();
  EXPECT_EQ(body["prompt_eval_count"], 3);
  ASSERT_EQ(body["embeddings"].size(), 2u);
  expect_near(body["embeddings"][0], unit({98, 0.5, 0, 1}));
  expect_near(post("/api/embeddings", R"({"model": "fake", "prompt": "ac"})").json()["embedding"], unit({98, 0.5, 0, 1}));
  Json large = {{"model", "fake"}, {"input", std::string(1500, 'a')}};
  EXPECT_THAT(post("/api/embed", large.dump()).body, HasSubstr("1500 tokens"));
  large["truncate"] = true;
  EXPECT_EQ(post("/api/embed", large.dump()).json()["prompt_eval_count"], 1000);
}

TEST(Base64, EncodesWhatItDecodes) {
  for (const std::string text : {"", "QQ==", "QUI=", "QUJD", "QUJDRA==", "+/+/"}) {
    const auto bytes = decode_base64(text);
    ASSERT_TRUE(bytes);
    EXPECT_EQ(encode_base64(*bytes), text);
  }
}

}  // namespace
}  // namespace troika::server
