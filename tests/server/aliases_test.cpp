// Names that stand for several models: who answers, and what is said of it.
#include <gmock/gmock.h>

#include "base/error.h"
#include "server/api_keys.h"
#include "server/several_models.h"

namespace troika::server {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class Aliases : public SeveralModels {
 protected:
  Aliases() { options.aliases = {{.name = "chat", .models = {"b", "a"}}}; }

  // The model that answers.
  std::string who(const RawReply& reply) {
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.header("X-Troika-Model");
  }
};

TEST_F(Aliases, StandForTheFirstModelAndTheAnswerSaysWhatWasAskedFor) {
  const RawReply reply = complete("chat");
  EXPECT_EQ(who(reply), "b");
  EXPECT_EQ(reply.json()["model"], "chat");
  EXPECT_THAT(reply.body, HasSubstr("I am b"));
  EXPECT_EQ(who(complete("chat:latest")), "b");
  EXPECT_THAT(source.loaded(), ElementsAre("b"));
  EXPECT_EQ(who(complete("c")), "c");
}

TEST_F(Aliases, OfAllApisAnswerInTheirNames) {
  const Json hi = Json::array({{{"role", "user"}, {"content", "Hi"}}});
  EXPECT_EQ(post("/v1/chat/completions", {{"model", "chat"}, {"messages", hi}}).json()["model"], "chat");
  EXPECT_EQ(post("/v1/responses", {{"model", "chat"}, {"input", "Hi"}}).json()["model"], "chat");
  const RawReply message = post("/v1/messages", {{"model", "chat"}, {"messages", hi}, {"max_tokens", 9}});
  EXPECT_EQ(message.json()["model"], "chat");
  EXPECT_EQ(who(message), "b");
  EXPECT_EQ(post("/api/chat", {{"model", "chat"}, {"messages", hi}, {"stream", false}}).json()["model"], "chat");
}

TEST_F(Aliases, GoOnWithTheNextModelWhereOneCannotBeLoaded) {
  source.broken = "b";
  EXPECT_EQ(who(complete("chat")), "a");
  EXPECT_THAT(source.loaded(), ElementsAre("b", "a"));
  EXPECT_EQ(who(complete("chat")), "a");
  EXPECT_THAT(source.loaded(), ElementsAre("b", "a"));  // it is not tried again at once
  EXPECT_EQ(complete("b").status, 503);                 // but for who insists
}

TEST_F(Aliases, GoOnWithTheNextModelWhereOneDoesNotFit) {
  options.loading = {.memory_bytes = 250, .cache_bytes = 0};
  source.offered[1].bytes = 200;
  source.offered[2].pinned = true;
  EXPECT_EQ(who(complete("c")), "c");
  EXPECT_EQ(who(complete("chat")), "a");
  EXPECT_THAT(complete("b").body, HasSubstr("models that stay"));
}

TEST_F(Aliases, GoOnWithTheNextModelWhereOneIsGone) {
  port();
  source.remove("b");
  EXPECT_EQ(get("/v1/models").json()["data"].size(), 3u);  // looks what there is
  EXPECT_EQ(who(complete("chat")), "a");
}

TEST_F(Aliases, GoOnWithTheNextModelWhereTheQueueIsFull) {
  options.queue = 5;
  source.prepare = [](const std::string& id, FakeEngine& engine) { engine.counted.waiting = id == "b" ? 5 : 0; };
  EXPECT_EQ(who(complete("chat")), "a");
  EXPECT_EQ(complete("b").status, 503);
}

TEST_F(Aliases, GoOnWithTheNextModelWhereTheEngineFails) {
  source.prepare = [](const std::string& id, FakeEngine& engine) { engine.counted.failed_steps = id == "b" ? 3 : 0; };
  EXPECT_EQ(who(complete("chat")), "a");
  EXPECT_EQ(who(complete("b")), "b");  // there is nobody else
}

TEST_F(Aliases, SayOfEachModelWhyItCannotAnswer) {
  source.prepare = [](const std::string&, FakeEngine& engine) { engine.counted.waiting = 500; };
  source.broken = "b";
  const RawReply reply = complete("chat");
  EXPECT_EQ(reply.status, 503);
  EXPECT_THAT(reply.body, HasSubstr("None of the models that 'chat' stands for can answer now. The model 'b' cannot be "
                                    "loaded: b.gguf is cut short 500 requests wait for 'a' already; try again later."));
  EXPECT_EQ(reply.json()["error"]["code"], "overloaded");
  EXPECT_FALSE(reply.header("Retry-After").empty());
}

TEST_F(Aliases, AreListedWithWhatTheyStandFor) {
  const Json listed = get("/v1/models").json()["data"];
  ASSERT_EQ(listed.size(), 4u);
  EXPECT_EQ(listed[3]["id"], "chat");
  EXPECT_EQ(listed[3]["stands_for"], Json::array({"b", "a"}));
  EXPECT_EQ(listed[3]["status"], "unloaded");
  EXPECT_FALSE(listed[0].contains("stands_for"));
  const Json tags = get("/api/tags").json()["models"];
  EXPECT_EQ(tags[3]["name"], "chat:latest");
  EXPECT_EQ(tags[3]["stands_for"], Json::array({"b", "a"}));
  complete("a");
  EXPECT_EQ(get("/v1/models/chat").json()["status"], "loaded");
  EXPECT_EQ(post("/api/show", {{"model", "chat"}}).status, 200);
  EXPECT_THAT(complete("z").body, HasSubstr("Served: a, b, c, chat."));
}

TEST_F(Aliases, AreNotUnloaded) {
  const RawReply reply = post("/api/troika/unload", {{"model", "chat"}});
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("'chat' stands for b, a; name the one that is to be unloaded."));
}

TEST_F(Aliases, HideAModelOfTheirNameThatCameLater) {
  port();
  source.pull("chat", [](const PullProgress&) {}, {});
  EXPECT_EQ(get("/v1/models").json()["data"].size(), 4u);
  EXPECT_EQ(who(complete("chat")), "b");
}

TEST_F(Aliases, AreModelsOfTheirOwnToKeysThatMayNotUseAll) {
  options.read_keys = [] {
    return std::vector<ApiKey>{{.name = "ann", .digest = digest_of("ann's"), .models = {"chat"}},
                               {.name = "bob", .digest = digest_of("bob's"), .models = {"a", "b"}}};
  };
  const auto ask = [&](const std::string& key, const std::string& model) {
    RawClient client(port());
    const std::string body = Json{{"model", model}, {"prompt", "Say"}}.dump();
    client.send(fmt::format("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nx-api-key: {}\r\nContent-Length: "
                            "{}\r\n\r\n{}",
                            key, body.size(), body));
    return client.read_reply();
  };
  EXPECT_EQ(who(ask("ann's", "chat")), "b");
  EXPECT_EQ(ask("ann's", "b").status, 403);
  EXPECT_EQ(ask("bob's", "chat").status, 403);
  EXPECT_EQ(who(ask("bob's", "b")), "b");
}

TEST_F(Aliases, ThatMakeNoSenseAreRefusedAtTheStart) {
  const auto complaint = [&](std::vector<ModelAlias> aliases) -> std::string {
    ServerOptions wrong{.port = 0, .source = &source, .aliases = std::move(aliases)};
    try {
      Server server(wrong, {});
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(complaint({{"x", {"a", "b"}}, {"y", {"a"}}}), "");
  EXPECT_THAT(complaint({{"x", {"z"}}}), HasSubstr("the alias 'x' stands for 'z', and there is no such model"));
  EXPECT_THAT(complaint({{"a", {"b"}}}), HasSubstr("the alias 'a' has the name of a model"));
  EXPECT_THAT(complaint({{"x", {"a"}}, {"x", {"b"}}}), HasSubstr("the alias 'x' is given twice"));
  EXPECT_THAT(complaint({{"x", {"y"}}, {"y", {"x"}}}), HasSubstr("the alias 'x' stands for 'y', which is an alias itself"));
  EXPECT_THAT(complaint({{"x", {"x"}}}), HasSubstr("which is an alias itself"));
}

}  // namespace
}  // namespace troika::server
