// llama.cpp's tools around tokens and prompts, and what the server says of itself.
#include <gmock/gmock.h>

#include "server/raw_client.h"

namespace troika::server {
namespace {

using testing::HasSubstr;

class Native : public ServerTest {};

TEST_F(Native, TokenizesAndBack) {
  EXPECT_EQ(post("/tokenize", R"({"content": "Hi<|im_end|>"})").json()["tokens"], Json({72, 105, 257}));
  EXPECT_EQ(post("/tokenize", R"({"content": "<|", "parse_special": false})").json()["tokens"], Json({60, 124}));
  EXPECT_EQ(post("/v1/tokenize", R"({"content": ""})").json()["tokens"], Json::array());
  EXPECT_EQ(post("/tokenize", R"({"content": "é", "with_pieces": true})").json()["tokens"],
            Json::parse(R"([{"id": 195, "piece": [195]}, {"id": 169, "piece": [169]}])"));
  EXPECT_EQ(post("/detokenize", R"({"tokens": [72, 105, 257]})").json()["content"], "Hi<|im_end|>");
  EXPECT_EQ(post("/detokenize", R"({"tokens": [-1]})").error()["param"], "tokens[0]");
  EXPECT_EQ(post("/detokenize", R"({"tokens": [258]})").error()["param"], "tokens[0]");
}

TEST_F(Native, ShowsThePromptOfAChatWithoutAnsweringIt) {
  const RawReply reply = post("/apply-template", chat_body().dump());
  EXPECT_EQ(reply.json()["prompt"], "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_TRUE(engine.requests().empty());
  const RawReply refused = post("/apply-template", R"({"messages": [
      {"role": "user", "content": "x"}, {"role": "system", "content": "y"}]})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.error()["param"], "messages");
}

TEST_F(Native, SaysWhatItIsAndThatItIsReady) {
  engine.info().path = "/a/secret/place";
  const RawReply props = get("/props");
  EXPECT_EQ(props.json()["default_generation_settings"]["n_ctx"], 1000);
  EXPECT_EQ(props.json()["chat_template"], kChatTemplate);
  EXPECT_EQ(props.json()["eos_token"], "<|im_end|>");
  EXPECT_THAT(props.body, testing::Not(HasSubstr("secret")));
  EXPECT_EQ(get("/ready").json(),
            Json::parse(R"({"status": "ready", "models": [{"id": "fake/model:1", "status": "ready"}]})"));
}

TEST_F(Native, AnswersOptionsWithoutABody) {
  RawClient client(port());
  client.send("OPTIONS /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const RawReply reply = client.read_reply(false);
  EXPECT_EQ(reply.status, 204);
  EXPECT_EQ(reply.header("Allow"), "GET, HEAD");
  EXPECT_EQ(reply.header("Content-Length"), "");
  EXPECT_EQ(client.get("/health").status, 200);
}

TEST_F(Native, FillsInBetweenTwoTexts) {
  EXPECT_EQ(complete({{"suffix", "end"}}).error()["param"], "suffix");
  engine.use_fill_in();
  EXPECT_EQ(complete({{"prompt", "ab"}, {"suffix", "cd"}}).status, 200);
  EXPECT_EQ(engine.text().tokenizer->decode(engine.last_request().prompt, false),
            "<|fim_prefix|>ab<|fim_suffix|>cd<|fim_middle|>");
  EXPECT_EQ(complete({{"suffix", "x"}, {"echo", true}}).error()["param"], "suffix");
  EXPECT_EQ(post("/api/generate", R"({"model": "fake", "prompt": "ab", "suffix": "cd", "stream": false})").status, 200);
  EXPECT_THAT(post("/api/show", R"({"model": "fake"})").body, HasSubstr("insert"));
}

}  // namespace
}  // namespace troika::server
