// Pictures in chats: from the part of a message to the engine's request, and everything that may be wrong with them.
#include <gmock/gmock.h>

#include <cstdlib>

#include "server/base64.h"
#include "server/raw_client.h"
#include "server/tiny_server.h"

namespace troika::server {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

// 2 x 1 pixels, red and blue.
constexpr const char* kPng =
    "iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAADUlEQVR42mP4zwAE/wEHAAH/PX2MSQAAAABJRU5ErkJggg==";
// 74 bytes that claim 30000 x 30000 pixels.
constexpr const char* kBomb =
    "iVBORw0KGgoAAAANSUhEUgAAdTAAAHUwCAIAAADpRW/tAAAAEUlEQVR42mNgGAWjYBQMdwAAA+gAAc5JTFgAAAAASUVORK5CYII=";

std::string data_url(const std::string& base64) { return "data:image/png;base64," + base64; }

Json image(const Json& url) { return {{"type", "image_url"}, {"image_url", {{"url", url}}}}; }
Json text(const std::string& text) { return {{"type", "text"}, {"text", text}}; }
Json user(Json content) { return {{"messages", {{{"role", "user"}, {"content", std::move(content)}}}}}; }

class Images : public ServerTest {
 protected:
  Images() { engine.give_eyes(); }
  RawReply show(const Json& url) { return chat(user(Json::array({image(url)}))); }
  std::string prompt_text() { return engine.text().tokenizer->decode(engine.last_request().prompt, false); }
};

TEST(Base64, DecodesWhatIsExactlyRight) {
  const auto decode = [](std::string_view text) -> std::optional<std::string> {
    const auto bytes = decode_base64(text);
    if (!bytes) return std::nullopt;
    return std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size());
  };
  EXPECT_EQ(decode(""), "");
  EXPECT_EQ(decode("Zg=="), "f");
  EXPECT_EQ(decode("Zm8="), "fo");
  EXPECT_EQ(decode("Zm9v"), "foo");
  EXPECT_EQ(decode("Zm9vYmFy"), "foobar");
  EXPECT_EQ(decode("+/+/"), "\xfb\xff\xbf");
  EXPECT_EQ(decode(std::string(4000, 'A')), std::string(3000, '\0'));
  for (const char* wrong : {"Z", "Zg", "Zg=", "Zm9", "Zg===", "====", "=", "Z===", "Zh==", "Zm9=", "Zg==Zg==", "-_-_",
                            "Zm9v\n", "Zm9v Zm9", "Zm\n9v", "Z=9v", "Zm9v====", "\xc3\xa9=="})
    EXPECT_EQ(decode(wrong), std::nullopt) << wrong;
}

TEST_F(Images, BecomePartsOfThePrompt) {
  Json other = image(data_url(kPng));
  other["image_url"]["detail"] = "high";
  const RawReply reply = chat(user({text("Look: "), image(data_url(kPng)), text(" and "), other, text("?")}));
  ASSERT_EQ(reply.status, 200) << reply.body;
  const engine::Request request = engine.last_request();
  ASSERT_EQ(request.images.size(), 2u);
  for (const engine::PlacedImage& placed : request.images) {
    EXPECT_EQ(placed.count, placed.rows * placed.columns);
    EXPECT_EQ(placed.picture->width, 2);
    EXPECT_THAT(placed.picture->rgb, ElementsAre(255, 0, 0, 0, 0, 255));
    for (int i = 0; i < placed.count; ++i) EXPECT_EQ(request.prompt[size_t(placed.first + i)], kImagePad);
  }
  EXPECT_GT(request.images[0].count, 1);
  EXPECT_EQ(request.images[0].hash, request.images[1].hash);
  const size_t pads = size_t(request.images[0].count + request.images[1].count);
  EXPECT_EQ(size_t(std::ranges::count(request.prompt, kImagePad)), pads);
  std::string shown = prompt_text();
  for (size_t at; (at = shown.find("<|image_pad|>")) != shown.npos;) shown.erase(at, 13);
  EXPECT_EQ(shown,
            "<|im_start|>user\nLook: <|vision_start|><|vision_end|> and <|vision_start|><|vision_end|>?<|im_end|>\n"
            "<|im_start|>assistant\n");
  EXPECT_EQ(reply.json()["usage"]["prompt_tokens"], request.prompt.size());
}

TEST_F(Images, OfEarlierTurnsAreShownAgain) {
  const Json with = {{"role", "user"}, {"content", {image(data_url(kPng)), text("What?")}}};
  const RawReply reply = chat({{"messages", {with, {{"role", "assistant"}, {"content", "Red."}}, with}}});
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(engine.last_request().images.size(), 2u);
}

TEST_F(Images, AreKnownByTheirContentWhateverTheUrlSays) {
  for (const char* head :
       {"data:image/jpeg;base64,", "data:image/webp;charset=utf-8;base64,", "DATA:IMAGE/PNG;base64,"})
    EXPECT_EQ(show(std::string(head) + kPng).status, 200) << head;
}

TEST_F(Images, AreForgottenWithTheirRequest) {
  options.images.memory_bytes = 11;  // one picture has 6 bytes: two at once are too many
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(show(data_url(kPng)).status, 200);
    ASSERT_TRUE(engine.idle_within(5s));
    engine.forget_requests();
  }
  const RawReply full = chat(user({image(data_url(kPng)), image(data_url(kPng))}));
  EXPECT_EQ(full.status, 503);
  EXPECT_EQ(full.error()["code"], "overloaded");
  EXPECT_EQ(show(data_url(kPng)).status, 200);
}

TEST_F(Images, AModelWithoutEyesSaysSo) {
  FakeEngine blind;
  blind.info().why_blind = "there is no mmproj file beside /a/secret/place";
  Server server({.port = 0}, {{.id = "blind", .engine = &blind}});
  std::thread thread([&] { server.run(); });
  const RawReply reply =
      RawClient(server.port()).post("/v1/chat/completions", chat_body(user({text("x"), image(data_url(kPng))})).dump());
  server.stop();
  thread.join();
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.error()["param"], "messages[0].content[1]");
  EXPECT_EQ(reply.error()["message"],
            "messages[0].content[1]: the model 'blind' cannot see pictures.");
}

TEST_F(Images, AreToldAmongTheCapabilities) {
  EXPECT_EQ(get("/v1/models").json()["data"][0]["capabilities"]["vision"], true);
}

TEST_F(Images, BadOnesAreRefusedEachWithItsReason) {
  struct Case {
    Json part;
    const char *param, *says;
  };
  const std::string url = "messages[0].content[0].image_url.url";
  const Case cases[] = {
      {Json{{"type", "image_url"}}, "messages[0].content[0].image_url", "required"},
      {Json{{"type", "image_url"}, {"image_url", data_url(kPng)}}, "messages[0].content[0].image_url", "object"},
      {Json{{"type", "image_url"}, {"image_url", {{"url", {1}}}}}, url.c_str(), "string"},
      {image(5), url.c_str(), "string"},
      {image(nullptr), url.c_str(), "required"},
      {image(Json::object()), url.c_str(), "string"},
      {Json{{"type", "image_url"}, {"image_url", {{"url", data_url(kPng)}, {"detail", "best"}}}},
       "messages[0].content[0].image_url.detail", "one of"},
      {Json{{"type", "image_url"}, {"image_url", image(data_url(kPng))}}, url.c_str(), "required"},
      {image(""), url.c_str(), "data: URL"},
      {image("data:"), url.c_str(), "base64"},
      {image("data:,"), url.c_str(), "base64"},
      {image("data:image/png,abc"), url.c_str(), "base64"},
      {image("data:image/png;base64"), url.c_str(), "base64"},
      {image("data:image/png;base64,"), url.c_str(), "empty"},
      {image("data:text/plain;base64,Zm9v"), url.c_str(), "image type"},
      {image("data:" + std::string(5000, 'x') + ";base64,Zm9v"), url.c_str(), "base64"},
      {image(data_url("Zm9v\nZm9v")), url.c_str(), "no line breaks"},
      {image(data_url(std::string(kPng) + "=")), url.c_str(), "not valid base64"},
      {image(data_url(std::string(kPng).substr(0, 50))), url.c_str(), "not valid base64"},
      {image(data_url(std::string(kPng).substr(0, 48))), url.c_str(), "PNG"},
      {image(data_url("R0lGODlhAQABAAAAACw=")), url.c_str(), "GIF"},
      {image(data_url("Zm9v")), url.c_str(), "no known kind"},
      {image(data_url(kBomb)), url.c_str(), "900000000 pixels"},
      {image("file:///etc/passwd"), url.c_str(), "never read"},
      {image("FILE:/etc/passwd"), url.c_str(), "never read"},
      {image("/etc/passwd"), url.c_str(), "data: URL"},
      {image("ftp://example.org/x.png"), url.c_str(), "data: URL"},
      {image("http://example.org/x.png"), url.c_str(), "--allow-image-urls"},
      {image("HTTPS://example.org/x.png"), url.c_str(), "--allow-image-urls"},
      {Json{{"type", "text"}, {"text", {image(data_url(kPng))}}}, "messages[0].content[0].text", "string"},
      {Json::array({image(data_url(kPng))}), "messages[0].content[0]", "object"},
  };
  for (const Case& bad : cases) {
    const RawReply reply = chat(user(Json::array({bad.part})));
    EXPECT_EQ(reply.status, 400) << bad.part.dump().substr(0, 200);
    EXPECT_EQ(reply.error()["param"], bad.param) << bad.part.dump().substr(0, 200);
    EXPECT_THAT(std::string(reply.error()["message"]), HasSubstr(bad.says));
    EXPECT_LT(std::string(reply.error()["message"]).size(), 300u);
  }
  EXPECT_TRUE(engine.requests().empty());
  EXPECT_EQ(show(data_url(kPng)).status, 200);
}

TEST_F(Images, OnlyUsersShowThem) {
  for (const char* role : {"system", "assistant", "tool"}) {
    const RawReply reply = chat({{"messages",
                                  {{{"role", role}, {"content", {image(data_url(kPng))}}},
                                   {{"role", "user"}, {"content", "Hi"}}}}});
    EXPECT_EQ(reply.status, 400) << role;
    EXPECT_THAT(std::string(reply.error()["message"]), HasSubstr("user's messages")) << role;
  }
}

TEST_F(Images, AreLimitedInNumber) {
  Json parts = Json::array();
  for (int i = 0; i < 1000; ++i) parts.push_back(image(data_url(kPng)));
  const RawReply reply = chat(user(parts));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.error()["param"], "messages[0].content[16]");
  EXPECT_THAT(std::string(reply.error()["message"]), HasSubstr("16 pictures"));
}

TEST_F(Images, AreLimitedInBytesAndInPixels) {
  options.images.file_bytes = 3000;
  options.images.pixels = 2;
  options.images.request_pixels = 5;
  const RawReply large = show(data_url(std::string(8000, 'A')));
  EXPECT_EQ(large.status, 413);
  EXPECT_EQ(large.error()["code"], "image_too_large");
  EXPECT_EQ(show(data_url(kPng)).status, 200);
  EXPECT_EQ(chat(user({image(data_url(kPng)), image(data_url(kPng))})).status, 200);
  const RawReply third = chat(user({image(data_url(kPng)), image(data_url(kPng)), image(data_url(kPng))}));
  EXPECT_EQ(third.status, 400);
  EXPECT_EQ(third.error()["param"], "messages[0].content[2].image_url.url");
}

// What the body's limit lets through and the picture's does not is told from the length alone: it is no base64.
TEST_F(Images, HugeBase64IsRefusedBeforeItIsDecoded) {
  options.images.file_bytes = 1'000'000;
  const RawReply reply = show(data_url(std::string(4'000'000, '!')));
  EXPECT_EQ(reply.status, 413);
  EXPECT_EQ(get("/health").status, 200);
}

TEST_F(Images, UserTextCannotPassForAPicture) {
  const RawReply reply = chat(user({image(data_url(kPng)), text("<|image_pad|>")}));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.error()["param"], "messages");
}

TEST_F(Images, ThatDoNotFitTheContextAreCounted) {
  engine.info().context_length = 20;
  const RawReply reply = show(data_url(kPng));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.error()["code"], "context_length_exceeded");
}

TEST_F(Images, AreFetchedFromPublicAddressesOnly) {
  options.images.allow_urls = true;
  for (const std::string& host : {"127.0.0.1:" + std::to_string(port()), std::string("[::1]"), std::string("localhost"),
                                  std::string("169.254.169.254"), std::string("user:pw@1.1.1.1")}) {
    for (const bool stream : {false, true}) {
      Json body = user(Json::array({image("http://" + host + "/health")}));
      body["stream"] = stream;
      const RawReply reply = chat(body);
      EXPECT_EQ(reply.status, 400) << host;
      EXPECT_EQ(reply.error()["param"], "messages[0].content[0].image_url.url") << host;
      EXPECT_EQ(reply.error()["code"], "invalid_image_url") << host;
    }
  }
  EXPECT_THAT(std::string(show("file:///etc/passwd").error()["message"]), HasSubstr("never read"));
  EXPECT_TRUE(engine.requests().empty());
}

TEST_F(Images, AreFetchedFromListedHostsOnly) {
  options.images.allow_urls = true;
  options.images.hosts = {"Images.Example.org"};
  EXPECT_THAT(std::string(show("http://127.0.0.1/").error()["message"]), HasSubstr("--image-url-hosts"));
}

// From here on the test's rule allows this machine.
bool anywhere(const sockaddr&) { return true; }

TEST_F(Images, AreFetchedAndShown) {
  options.images.allow_urls = true;
  options.images.may_connect = anywhere;
  const auto bytes = decode_base64(kPng);
  const TinyServer host(http("200 OK", {reinterpret_cast<const char*>(bytes->data()), bytes->size()},
                             "Content-Type: text/html\r\n"));
  const TinyServer page(http("200 OK", "<html>no picture</html>"));
  for (const bool stream : {false, true}) {
    Json body = user({text("Look"), image(host.url()), image(data_url(kPng)), image(host.url())});
    body["stream"] = stream;
    ASSERT_EQ(chat(body).status, 200);
    const auto shown = engine.last_request().images;
    ASSERT_EQ(shown.size(), 3u);
    EXPECT_EQ(shown[0].hash, shown[1].hash);
    EXPECT_EQ(shown[0].hash, shown[2].hash);
  }
  const RawReply reply = chat(user({image(host.url()), image(page.url())}));
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(reply.error()["param"], "messages[0].content[1].image_url.url");
  EXPECT_THAT(std::string(reply.error()["message"]), HasSubstr("HTML"));
}

TEST_F(Images, AreNotWaitedForWhenTheClientHangsUp) {
  options.images.allow_urls = true;
  options.images.may_connect = anywhere;
  options.images.fetch_timeout = 1h;
  options.fetchers = 1;
  options.workers = 1;
  const TinyServer slow("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", /*hangs=*/true);
  for (int i = 0; i < 3; ++i) {  // the one thread that fetches is free again each time
    RawClient client(port());
    const int before = slow.connections();
    client.send(RawClient::post_text("/v1/chat/completions", chat_body(user(Json::array({image(slow.url())}))).dump()));
    while (slow.connections() == before) std::this_thread::sleep_for(1ms);
    EXPECT_EQ(chat().status, 200);  // others are answered meanwhile
    client.hang_up();
  }
  while (!slow.left()) std::this_thread::sleep_for(1ms);
  EXPECT_EQ(engine.requests().size(), 3u);  // only those without a picture
}

TEST_F(Images, AreNotWaitedForWhenTheServerEnds) {
  options.images.allow_urls = true;
  options.images.may_connect = anywhere;
  options.images.fetch_timeout = 1h;
  options.drain_timeout = 10ms;
  const TinyServer slow("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", /*hangs=*/true);
  RawClient client(port());
  client.send(RawClient::post_text("/v1/chat/completions", chat_body(user(Json::array({image(slow.url())}))).dump()));
  while (slow.connections() == 0) std::this_thread::sleep_for(1ms);
  stop();
  EXPECT_TRUE(client.closed_within(10000));
}

TEST_F(Images, PartsOfTextStayApartForTheTemplate) {
  EXPECT_EQ(chat(user({text("a"), text("b")})).status, 200);
  EXPECT_THAT(prompt_text(), HasSubstr("user\nab<|im_end|>"));  // this template joins without a break
  EXPECT_EQ(chat({{"messages",
                   {{{"role", "system"}, {"content", {text("a"), text("b")}}}, {{"role", "user"}, {"content", "x"}}}}})
                .status,
            200);
  EXPECT_THAT(prompt_text(), HasSubstr("system\na\nb<|im_end|>"));
}

}  // namespace
}  // namespace troika::server
