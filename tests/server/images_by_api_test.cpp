// The same picture through every API that can show one.
#include <gmock/gmock.h>

#include "server/raw_client.h"

namespace troika::server {
namespace {

using testing::HasSubstr;

// 2 x 1 pixels, red and blue.
constexpr const char* kPng =
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAADUlEQVR42mP4zwAE/wEHAAH/PX2MSQAAAABJRU5ErkJggg==";

Json user(Json content) { return Json::array({{{"role", "user"}, {"content", std::move(content)}}}); }
Json anthropic_image(const char* data) {
  return {{"type", "image"}, {"source", {{"type", "base64"}, {"media_type", "image/png"}, {"data", data}}}};
}

class ImagesByApi : public ServerTest {
 protected:
  ImagesByApi() { engine.give_eyes(); }
  void expect_the_picture(const RawReply& reply) {
    ASSERT_EQ(reply.status, 200) << reply.body;
    const engine::Request request = engine.last_request();
    ASSERT_EQ(request.images.size(), 1u);
    EXPECT_THAT(request.images[0].picture->rgb, testing::ElementsAre(255, 0, 0, 0, 0, 255));
    EXPECT_THAT(engine.text().tokenizer->decode(request.prompt, false), HasSubstr("<|vision_end|>What?<|im_end|>"));
  }
};

TEST_F(ImagesByApi, AnthropicsBlocks) {
  const Json text = {{"type", "text"}, {"text", "What?"}};
  Json body = {{"max_tokens", 5}, {"messages", user({anthropic_image(kPng), text})}};
  expect_the_picture(post("/v1/messages", body.dump()));
  const size_t tokens = engine.last_request().prompt.size();
  body.erase("max_tokens");
  EXPECT_EQ(post("/v1/messages/count_tokens", body.dump()).json()["input_tokens"], tokens);
  body["max_tokens"] = 5;
  body["messages"] = user({anthropic_image("!"), text});
  const RawReply refused = post("/v1/messages", body.dump());
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(std::string(refused.error()["message"]), HasSubstr("messages[0].content[0].source.data"));
  EXPECT_EQ(refused.json()["request_id"], refused.header("request-id"));
  body["messages"] = user({{{"type", "image"}, {"source", {{"type", "url"}, {"url", "https://x.org/a.png"}}}}, text});
  EXPECT_THAT(post("/v1/messages", body.dump()).body, HasSubstr("--allow-image-urls"));
}

TEST_F(ImagesByApi, AnAnswerThatHasBegunBesideThemComesAfterTheReasoning) {
  engine.give_eyes(
      "{% for m in messages %}{% for p in m.content %}{% if p.type == 'image' %}<|vision_start|><|image_pad|>"
      "<|vision_end|>{% else %}{{ p.text }}{% endif %}{% endfor %}{% endfor %}<think>");
  Json messages = user({anthropic_image(kPng), {{"type", "text"}, {"text", "What?"}}});
  messages.push_back({{"role", "assistant"}, {"content", "A"}});
  const RawReply reply = post("/v1/messages", Json{{"max_tokens", 5}, {"messages", messages}}.dump());
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_THAT(engine.text().tokenizer->decode(engine.last_request().prompt, false),
              HasSubstr("What?<think>\n</think>\n\nA"));
  EXPECT_EQ(reply.json()["content"][0]["type"], "text");
}

TEST_F(ImagesByApi, AnthropicsResultsOfTools) {
  Json messages = Json::parse(R"([{"role": "user", "content": "What?"},
      {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "look", "input": {}},
                                        {"type": "tool_use", "id": "b", "name": "look", "input": {}}]},
      {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "Here:"}]},
                                   {"type": "tool_result", "tool_use_id": "b", "content": "Dark."},
                                   {"type": "text", "text": "What?"}]}])");
  messages[2]["content"][0]["content"].push_back(anthropic_image(kPng));
  expect_the_picture(post("/v1/messages", Json{{"max_tokens", 5}, {"messages", messages}}.dump()));
  EXPECT_THAT(engine.text().tokenizer->decode(engine.last_request().prompt, false),
              HasSubstr("user\nResult of the function: Here:\n[a picture, shown below]\n"
                        "Result of the function: Dark.\n<|vision_start|>"));
}

TEST_F(ImagesByApi, AnthropicsDocuments) {
  const Json shown = {{"type", "document"},
                      {"source", {{"type", "content"}, {"content", {{{"type", "text"}, {"text", "See:"}}, anthropic_image(kPng)}}}}};
  const Json text = {{"type", "text"}, {"text", "What?"}};
  ASSERT_EQ(post("/v1/messages", Json{{"max_tokens", 5}, {"messages", user({shown, text})}}.dump()).status, 200);
  ASSERT_EQ(engine.last_request().images.size(), 1u);
  EXPECT_THAT(engine.text().tokenizer->decode(engine.last_request().prompt, false),
              testing::AllOf(HasSubstr("<document>\n<document_content>\nSee:\n<|vision_start|><|image_pad|>"),
                             HasSubstr("<|vision_end|>\n</document_content>\n</document>What?<|im_end|>")));
}

TEST_F(ImagesByApi, OllamasImages) {
  Json body = {{"model", "fake"}, {"messages", user("What?")}, {"stream", false}, {"fresh", 1}};
  body["messages"][0]["images"] = {kPng};
  const RawReply reply = post("/api/chat", body.dump());
  expect_the_picture(reply);
  EXPECT_EQ(reply.header("X-Troika-Ignored-Fields"), "fresh");
  expect_the_picture(post("/api/generate", Json{{"model", "fake"}, {"prompt", "What?"}, {"images", {kPng}}}.dump()));
  body["messages"][0]["images"] = {"!"};
  EXPECT_THAT(std::string(post("/api/chat", body.dump()).json()["error"]), HasSubstr("messages[0].images[0]"));
}

TEST_F(ImagesByApi, ResponsesParts) {
  const Json image = {{"type", "input_image"}, {"image_url", std::string("data:image/png;base64,") + kPng}};
  const RawReply reply =
      post("/v1/responses", Json{{"input", user({image, {{"type", "input_text"}, {"text", "What?"}}})}}.dump());
  expect_the_picture(reply);
  // The picture is part of the conversation that is gone on with.
  post("/v1/responses", Json{{"input", "And?"}, {"previous_response_id", reply.json()["id"]}}.dump());
  EXPECT_EQ(engine.last_request().images.size(), 1u);
}

TEST_F(ImagesByApi, ResponsesResultsOfTools) {
  engine.give_eyes((std::string(kVisionTemplate) + "{# knows tool_calls #}").c_str());
  const Json image = {{"type", "input_image"}, {"image_url", std::string("data:image/png;base64,") + kPng}};
  Json input = Json::parse(R"([{"role": "user", "content": "What?"},
      {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"},
      {"type": "function_call", "call_id": "b", "name": "look", "arguments": "{}"},
      {"type": "function_call_output", "call_id": "a", "output": [{"type": "input_text", "text": "Here:"}]},
      {"type": "function_call_output", "call_id": "b", "output": "Dark."},
      {"role": "user", "content": "What?"}])");
  input[3]["output"].push_back(image);
  expect_the_picture(post("/v1/responses", Json{{"input", input}}.dump()));
  EXPECT_THAT(engine.text().tokenizer->decode(engine.last_request().prompt, false),
              HasSubstr("tool\nHere:\n[a picture, shown below]<|im_end|>\n<|im_start|>tool\nDark.<|im_end|>\n"
                        "<|im_start|>user\n<|vision_start|>"));
  input.erase(5);
  const RawReply reply = post("/v1/responses", Json{{"input", input}}.dump());
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(engine.last_request().images.size(), 1u);
}

}  // namespace
}  // namespace troika::server
