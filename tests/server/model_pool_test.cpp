// Models that come and go: one load for all who ask, room made for others, and nothing taken away from who uses it.
#include "server/model_pool.h"

#include <gmock/gmock.h>

#include <future>
#include <random>

#include "base/error.h"
#include "server/api_error.h"
#include "server/fake_source.h"
#include "server/raw_client.h"

namespace troika::server {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

std::shared_ptr<const Lease> wait_for_lease(ModelPool& pool, const std::string& name,
                                            std::optional<ModelPool::Seconds> keep = {}) {
  std::shared_ptr<PendingLoad> before;
  for (;;) {
    auto acquired = pool.acquire(name, before, keep);
    if (acquired.lease) return acquired.lease;
    before = acquired.pending;
    std::promise<void> done;
    before->when_done([&] { done.set_value(); });
    done.get_future().wait();
  }
}

std::vector<std::string> ids_of(const std::vector<ModelView>& views) {
  std::vector<std::string> ids;
  for (const ModelView& view : views) ids.push_back(view.offer.id);
  return ids;
}

template <typename Condition>
bool soon(const Condition& condition) {
  for (int i = 0; i < 2000 && !condition(); ++i) std::this_thread::sleep_for(1ms);
  return condition();
}

TEST(ModelPool, LoadsOnceForAllWhoAskMeanwhile) {
  FakeSource source;
  source.pace = 50ms;
  ModelPool pool({}, &source, {});
  std::vector<std::thread> clients;
  for (int i = 0; i < 50; ++i) clients.emplace_back([&] { EXPECT_EQ(wait_for_lease(pool, "b")->model().id, "b"); });
  for (std::thread& client : clients) client.join();
  EXPECT_THAT(source.loaded(), ElementsAre("b"));
}

TEST(ModelPool, TakesTheFirstModelWhereNoneIsNamedAndOllamasTags) {
  FakeSource source;
  ModelPool pool({}, &source, {});
  wait_for_lease(pool, "a:latest");
  EXPECT_EQ(pool.acquire(std::nullopt, nullptr).lease->model().id, "a");
}

TEST(ModelPool, MakesRoomByUnloadingWhoWasUsedLongestAgo) {
  FakeSource source("abc");
  ModelPool pool({}, &source, {.memory_bytes = 200, .cache_bytes = 0});
  for (const char* name : {"a", "b", "a", "c"}) wait_for_lease(pool, name);
  EXPECT_THAT(ids_of(pool.loaded()), ElementsAre("a", "c"));
  EXPECT_THAT(source.loaded(), ElementsAre("a", "b", "c"));
}

TEST(ModelPool, WaitsForWhoUsesAModelThatHasToGoAndLetsNobodyElseIn) {
  FakeSource source("ab");
  ModelPool pool({}, &source, {.memory_bytes = 100, .cache_bytes = 0});
  auto user = wait_for_lease(pool, "a");
  auto other = std::async(std::launch::async, [&] { return wait_for_lease(pool, "b"); });
  ASSERT_TRUE(soon([&] { return pool.look("a").state == ModelState::draining; }));
  auto late = std::async(std::launch::async, [&] { return wait_for_lease(pool, "a"); });
  EXPECT_EQ(other.wait_for(30ms), std::future_status::timeout);
  EXPECT_EQ(user->model().engine->model().weight_bytes, 100u);
  user = nullptr;
  auto lease = other.get();
  EXPECT_EQ(lease->model().id, "b");
  EXPECT_EQ(late.wait_for(30ms), std::future_status::timeout);
  lease = nullptr;
  EXPECT_EQ(late.get()->model().id, "a");
  EXPECT_THAT(source.loaded(), ElementsAre("a", "b", "a"));
}

TEST(ModelPool, UnloadsWhatNobodyUsedForAWhile) {
  FakeSource source;
  ModelPool pool({}, &source, {.keep = 20ms});
  auto used = wait_for_lease(pool, "a");
  wait_for_lease(pool, "b");
  wait_for_lease(pool, "c", ModelPool::Seconds(-1));  // this one for ever
  EXPECT_TRUE(soon([&] { return ids_of(pool.loaded()) == std::vector<std::string>{"a", "c"}; }));
  EXPECT_FALSE(pool.look("a").expires);
  used = nullptr;
  EXPECT_TRUE(soon([&] { return ids_of(pool.loaded()) == std::vector<std::string>{"c"}; }));
  EXPECT_EQ(ids_of(pool.all()).size(), 3u);
}

TEST(ModelPool, SaysWhenAModelGoesAndUnloadsItAtOnceWhenNothingIsToBeKept) {
  FakeSource source;
  ModelPool pool({}, &source, {.keep = 3600s});
  wait_for_lease(pool, "a");
  std::optional<std::chrono::system_clock::time_point> expires;
  ASSERT_TRUE(soon([&] { return (expires = pool.look("a").expires).has_value(); }));
  EXPECT_NEAR(std::chrono::duration<double>(*expires - std::chrono::system_clock::now()).count(), 3600, 60);
  wait_for_lease(pool, "a", ModelPool::Seconds(0));
  EXPECT_TRUE(soon([&] { return pool.look("a").state == ModelState::unloaded; }));
}

TEST(ModelPool, TellsThoseWhoWaitedWhyALoadFailedAndTriesAgainForOthers) {
  FakeSource source;
  source.broken = "b";
  ModelPool pool({}, &source, {});
  try {
    wait_for_lease(pool, "b");
    FAIL();
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status, 503);
    EXPECT_THAT(error.what(), HasSubstr("b.gguf is cut short"));
  }
  source.broken = "";
  EXPECT_EQ(wait_for_lease(pool, "b")->model().id, "b");
}

TEST(ModelPool, RefusesWhatIsUnknownAndFindsWhatWasBroughtMeanwhile) {
  FakeSource source;
  ModelPool pool({}, &source, {});
  try {
    pool.acquire("z", nullptr);
    FAIL();
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status, 404);
    EXPECT_THAT(error.what(), HasSubstr("Served: a, b, c."));
  }
  source.pull("z", [](const PullProgress&) {}, {});
  EXPECT_EQ(wait_for_lease(pool, "z")->model().id, "z");
}

TEST(ModelPool, LeavesPinnedModelsAndSaysThatTheyTakeTheRoom) {
  FakeSource source("ab");
  source.offered[0].pinned = true;
  ModelPool pool({}, &source, {.memory_bytes = 150, .cache_bytes = 0, .keep = 1ms});
  wait_for_lease(pool, "a");
  try {
    wait_for_lease(pool, "b");
    FAIL();
  } catch (const ApiError& error) {
    EXPECT_THAT(error.what(), HasSubstr("models that stay"));
  }
  EXPECT_THAT(ids_of(pool.loaded()), ElementsAre("a"));
}

TEST(ModelPool, UnloadsOnRequestOnceNobodyUsesIt) {
  FakeSource source;
  ModelPool pool({}, &source, {});
  auto user = wait_for_lease(pool, "a");
  pool.unload("a");
  EXPECT_EQ(pool.look("a").state, ModelState::draining);
  user = nullptr;
  EXPECT_TRUE(soon([&] { return pool.look("a").state == ModelState::unloaded; }));
  pool.unload("a");  // it is, already
}

TEST(ModelPool, SurvivesManyWhoComeAndGo) {
  FakeSource source("abcde");
  source.pace = 1ms;
  ModelPool pool({}, &source, {.memory_bytes = 200, .cache_bytes = 0, .keep = 2ms});
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&, i] {
      std::mt19937 random(i);
      for (int turn = 0; turn < 40; ++turn) {
        const std::string name(1, char('a' + random() % 5));
        auto lease = wait_for_lease(pool, name);
        ASSERT_EQ(lease->model().id, name);
        ASSERT_EQ(lease->model().engine->model().weight_bytes, 100u);
        if (random() % 4 == 0) std::this_thread::sleep_for(std::chrono::microseconds(random() % 2000));
        if (random() % 16 == 0) pool.unload(name);
      }
    });
  }
  for (std::thread& client : clients) client.join();
}

TEST(ModelPool, EndsWhileSomebodyWaits) {
  FakeSource source("ab");
  source.pace = 20ms;
  auto pool = std::make_unique<ModelPool>(std::vector<ServedModel>{}, &source, LoadOptions{});
  std::vector<std::shared_ptr<PendingLoad>> pending;
  for (const char* name : {"a", "b"}) pending.push_back(pool->acquire(name, nullptr).pending);
  pool->stop();
  int done = 0;
  for (const auto& load : pending) load->when_done([&] { ++done; });
  EXPECT_EQ(done, 2);
  pending.clear();
}

// The same through the server.
class SeveralModels : public testing::Test {
 protected:
  ~SeveralModels() override {
    server_->stop();
    thread_.join();
  }
  uint16_t port() {
    if (!server_) {
      options.port = 0;
      options.source = &source;
      server_ = std::make_unique<Server>(options, std::vector<ServedModel>{});
      thread_ = std::thread([this] { server_->run(); });
    }
    return server_->port();
  }
  RawReply post(const std::string& path, const Json& body) { return RawClient(port()).post(path, body.dump()); }
  RawReply get(const std::string& path) { return RawClient(port()).get(path); }
  RawReply complete(const std::string& model, const Json& more = Json::object()) {
    Json body = {{"model", model}, {"prompt", "Say"}, {"max_tokens", 100}};
    body.update(more);
    return post("/v1/completions", body);
  }
  std::string state_of(const std::string& model) { return get("/v1/models/" + model).json().value("status", ""); }

  FakeSource source;
  ServerOptions options;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

TEST_F(SeveralModels, AreLoadedWhenTheyAreAskedForOnceForFifty) {
  source.pace = 100ms;
  EXPECT_EQ(state_of("b"), "unloaded");
  std::vector<std::thread> clients;
  std::atomic<int> right = 0;
  for (int i = 0; i < 50; ++i) {
    clients.emplace_back([&] {
      const RawReply reply = complete("b");
      right += reply.status == 200 && reply.json()["choices"][0]["text"] == "I am b....................";
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(right, 50);
  EXPECT_THAT(source.loaded(), ElementsAre("b"));
  EXPECT_EQ(state_of("b"), "loaded");
  EXPECT_EQ(get("/v1/models").json()["data"].size(), 3u);
  EXPECT_EQ(get("/ready").json()["models"].size(), 1u);
}

TEST_F(SeveralModels, AreSwappedWithoutEndingAnyStream) {
  options.loading = {.memory_bytes = 100, .cache_bytes = 0};
  source.token_pace = 2ms;
  port();
  std::vector<std::thread> clients;
  std::atomic<int> right = 0;
  for (int i = 0; i < 12; ++i) {
    clients.emplace_back([&, i] {
      const std::string model(1, char('a' + i % 3));
      const RawReply reply = complete(model, {{"stream", true}});
      std::string text;
      for (const Json& chunk : reply.chunks()) text += chunk["choices"][0]["text"].get<std::string>();
      right += reply.complete && text == "I am " + model + "....................";
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(right, 12);
  EXPECT_GE(source.loaded().size(), 3u);
}

TEST_F(SeveralModels, DoNotHoldUpThoseThatAreLoaded) {
  complete("a");
  source.pace = 300ms;
  std::vector<std::thread> waiting;
  for (int i = 0; i < 8; ++i) waiting.emplace_back([&] { EXPECT_EQ(complete("b").status, 200); });
  std::this_thread::sleep_for(20ms);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(complete("a").status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - began, 250ms);
  for (std::thread& client : waiting) client.join();
}

TEST_F(SeveralModels, AClientThatLeavesWhileItWaitsIsForgotten) {
  source.pace = 50ms;
  {
    RawClient client(port());
    client.send(RawClient::post_text("/v1/completions", R"({"model": "b", "prompt": "Say"})"));
    std::this_thread::sleep_for(10ms);
  }
  EXPECT_EQ(complete("b").status, 200);
  EXPECT_EQ(post("/api/troika/unload", {{"model", "b"}}).status, 200);
  EXPECT_TRUE(soon([&] { return state_of("b") == "unloaded"; }));
}

TEST_F(SeveralModels, SayWhyOneCannotBeLoaded) {
  source.broken = "c";
  const RawReply reply = complete("c");
  EXPECT_EQ(reply.status, 503);
  EXPECT_THAT(reply.body, HasSubstr("c.gguf is cut short"));
  EXPECT_EQ(complete("a").status, 200);
}

TEST_F(SeveralModels, AreLoadedAndUnloadedInOurWayAndInOllamas) {
  EXPECT_EQ(post("/api/troika/load", {{"model", "a"}}).json(), (Json{{"id", "a"}, {"status", "loaded"}}));
  EXPECT_EQ(post("/api/generate", {{"model", "b"}}).json()["done_reason"], "load");
  EXPECT_EQ(get("/api/ps").json()["models"].size(), 2u);
  EXPECT_EQ(get("/api/tags").json()["models"].size(), 3u);
  EXPECT_EQ(post("/api/chat", {{"model", "b"}, {"keep_alive", 0}}).json()["done_reason"], "unload");
  EXPECT_TRUE(soon([&] { return state_of("b") == "unloaded"; }));
  EXPECT_EQ(post("/api/generate", {{"model", "c"}, {"prompt", "Hi"}, {"stream", false}, {"keep_alive", 0}}).status, 200);
  EXPECT_TRUE(soon([&] { return state_of("c") == "unloaded"; }));
  EXPECT_EQ(post("/api/show", {{"model", "c"}}).status, 200);
  EXPECT_EQ(state_of("c"), "unloaded");  // to be shown is no reason to be loaded
  EXPECT_EQ(state_of("a"), "loaded");
}

TEST_F(SeveralModels, AreBroughtCopiedAndRemoved) {
  const RawReply pulled = post("/api/pull", {{"model", "new"}});
  EXPECT_EQ(pulled.header("Content-Type"), "application/x-ndjson");
  EXPECT_THAT(pulled.body, HasSubstr(R"(aaaa","total":4,"completed":3})" "\n"));
  EXPECT_TRUE(pulled.body.ends_with("{\"status\":\"success\"}\n")) << pulled.body;
  EXPECT_EQ(complete("new").status, 200);
  EXPECT_EQ(post("/api/pull", {{"model", "other"}, {"stream", false}}).json(), (Json{{"status", "success"}}));
  EXPECT_THAT(post("/api/pull", {{"model", "nowhere"}}).body, HasSubstr("\"error\":\"there is no model 'nowhere'"));
  EXPECT_EQ(post("/api/pull", {{"model", "nowhere"}, {"stream", false}}).status, 500);

  EXPECT_EQ(post("/api/copy", {{"source", "a"}, {"destination", "x"}}).status, 200);
  EXPECT_EQ(source.copied, "a x");
  RawClient client(port());
  const std::string body = R"({"model": "new"})";
  client.send(fmt::format("DELETE /api/delete HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}", body.size(), body));
  EXPECT_EQ(client.read_reply().status, 200);
  EXPECT_TRUE(soon([&] { return complete("new").status == 404; }));
}

TEST_F(SeveralModels, APullEndsWithItsRequest) {
  {
    RawClient client(port());
    client.send(RawClient::post_text("/api/pull", R"({"model": "endless"})"));
    EXPECT_TRUE(client.wait_for("pulling"));
    EXPECT_FALSE(source.ended);
  }
  EXPECT_TRUE(soon([&] { return source.ended.load(); }));
}

}  // namespace
}  // namespace troika::server
