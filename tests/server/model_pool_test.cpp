// Models that come and go: one load for all who ask, room made for others, and nothing taken away from who uses it.
#include "server/model_pool.h"

#include <gmock/gmock.h>

#include <future>
#include <random>

#include "base/error.h"
#include "server/api_error.h"
#include "server/several_models.h"

namespace troika::server {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

std::shared_ptr<const Lease> wait_for_lease(ModelPool& pool, const std::string& name,
                                            std::optional<ModelPool::Seconds> keep = {}) {
  std::shared_ptr<PendingLoad> before;
  for (;;) {
    auto acquired = pool.acquire(name, before, {.keep = keep});
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
  EXPECT_THAT(pool.candidates(std::nullopt), ElementsAre("a"));
  EXPECT_EQ(pool.acquire("a", nullptr, {}).lease->model().id, "a");
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
    pool.acquire("z", nullptr, {});
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

TEST(ModelPool, TakesNobodysRoomForAModelThatCannotFit) {
  FakeSource source("abc");
  source.offered[0].pinned = true;
  source.offered[2].bytes = 1000;
  ModelPool pool({}, &source, {.memory_bytes = 250, .cache_bytes = 0});
  for (const char* name : {"a", "b"}) wait_for_lease(pool, name);
  EXPECT_THROW(wait_for_lease(pool, "c"), ApiError);
  EXPECT_THAT(ids_of(pool.loaded()), ElementsAre("a", "b"));
}

TEST(ModelPool, TakesTheFirstThatIsIdleWhereAllAreInUse) {
  FakeSource source("abc");
  ModelPool pool({}, &source, {.memory_bytes = 200, .cache_bytes = 0});
  auto first = wait_for_lease(pool, "a"), second = wait_for_lease(pool, "b");
  source.pace = 1s;
  auto other = std::async(std::launch::async, [&] { return wait_for_lease(pool, "c"); });
  ASSERT_TRUE(soon([&] { return pool.look("a").state == ModelState::draining; }));
  auto late = std::async(std::launch::async, [&] { return wait_for_lease(pool, "a"); });
  EXPECT_EQ(late.wait_for(30ms), std::future_status::timeout);
  second = nullptr;
  EXPECT_EQ(late.get()->model().id, "a");  // which stays, so nobody waits for c
  EXPECT_EQ(other.wait_for(0s), std::future_status::timeout);
  EXPECT_EQ(other.get()->model().id, "c");
  EXPECT_EQ(pool.look("a").state, ModelState::loaded);
  EXPECT_TRUE(pool.acquire("a", nullptr, {}).lease);
  EXPECT_THAT(source.loaded(), ElementsAre("a", "b", "c"));
}

TEST(ModelPool, UnloadsOthersWhereAModelTakesMoreThanItsFile) {
  FakeSource source("abc");
  source.prepare = [](const std::string& id, FakeEngine& engine) {
    if (id == "c") engine.info().weight_bytes = 250;
  };
  ModelPool pool({}, &source, {.memory_bytes = 300, .cache_bytes = 0});
  for (const char* name : {"a", "b", "c"}) wait_for_lease(pool, name);
  EXPECT_THAT(ids_of(pool.loaded()), ElementsAre("c"));
}

TEST(ModelPool, KeepsForEverWhatIsToBeKeptForAges) {
  FakeSource source;
  ModelPool pool({}, &source, {.keep = 0s});
  wait_for_lease(pool, "a", ModelPool::Seconds(1e10));
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(pool.look("a").state, ModelState::loaded);
  EXPECT_FALSE(pool.look("a").expires);
}

TEST(ModelPool, IsKeptNoShorterByThoseWhoMayNotSaySo) {
  FakeSource source;
  ModelPool pool({}, &source, {});
  wait_for_lease(pool, "a");
  pool.acquire("a", nullptr, {.keep = 0s, .may_shorten = false});
  std::this_thread::sleep_for(20ms);
  EXPECT_EQ(pool.look("a").state, ModelState::loaded);
  pool.acquire("a", nullptr, {.keep = 0s});
  EXPECT_TRUE(soon([&] { return pool.look("a").state == ModelState::unloaded; }));
}

TEST(ModelPool, UnloadsWhatWasToldToGoWhileItWasLoaded) {
  FakeSource source;
  source.pace = 50ms;
  ModelPool pool({}, &source, {});
  const auto acquired = pool.acquire("a", nullptr, {});
  ASSERT_TRUE(soon([&] { return pool.look("a").state == ModelState::loading; }));
  pool.unload("a");
  ASSERT_TRUE(soon([&] { return pool.loaded().size() == 1; }));
  EXPECT_NE(pool.look("a").state, ModelState::loaded);
}

TEST(ModelPool, UnloadsWhatIsNoLongerOfferedAndPinnedModelsOnRequestOnly) {
  FakeSource source("ab");
  source.offered[0].pinned = true;
  ModelPool pool({}, &source, {});
  for (const char* name : {"a", "b"}) wait_for_lease(pool, name);
  source.remove("b");
  pool.refresh();
  EXPECT_TRUE(soon([&] { return ids_of(pool.loaded()) == std::vector<std::string>{"a"}; }));
  pool.unload("a");
  EXPECT_TRUE(soon([&] { return pool.loaded().empty(); }));
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

TEST(ModelPool, LoadsAllReplicasAndCountsTheirMemory) {
  FakeSource source("ab");
  source.offered[0].replicas = 3;
  ModelPool pool({}, &source, {.memory_bytes = 300, .cache_bytes = 0});
  wait_for_lease(pool, "a");
  EXPECT_THAT(source.loaded(), ElementsAre("a", "a", "a"));
  EXPECT_EQ(pool.look("a").replicas.size(), 3u);
  EXPECT_EQ(pool.look("a").memory_bytes, 300u);
  wait_for_lease(pool, "b");
  EXPECT_EQ(pool.look("a").state, ModelState::unloaded);  // all of them went
}

TEST(ModelPool, SpreadsRequestsOverReplicasAndCountsThemTogether) {
  FakeSource source("a");
  source.offered[0].replicas = 2;
  source.prepare = [](const std::string&, FakeEngine& engine) {
    engine.counted.prompt_tokens = 10;
    engine.counted.gap_seconds.add(0.5);
    engine.counted.busy_s = 2;
  };
  ModelPool pool({}, &source, {});
  auto first = wait_for_lease(pool, "a"), second = wait_for_lease(pool, "a");
  EXPECT_NE(first->model().engine, second->model().engine);
  first = nullptr;
  EXPECT_EQ(pool.acquire("a", nullptr, {}).replica, 1);
  const engine::EngineStats all = pool.look("a").stats();
  EXPECT_EQ(all.prompt_tokens, 20);
  EXPECT_EQ(all.gap_seconds.count(), 2);
  EXPECT_EQ(all.busy_s, 4);
}

TEST(ModelPool, GoesOnWithFewerReplicasWhereOneCannotBeLoaded) {
  FakeSource source("a");
  source.offered[0].replicas = 2;
  source.broken_replica = 1;
  ModelPool pool({}, &source, {});
  wait_for_lease(pool, "a");
  EXPECT_EQ(pool.look("a").replicas.size(), 1u);
}

TEST(ModelPool, TellsHowMuchIsInPlaceWhileAModelIsLoaded) {
  FakeSource source("a");
  source.pace = 100ms;
  source.offered[0].replicas = 2;
  ModelPool pool({}, &source, {});
  const auto pending = pool.acquire("a", nullptr, {}).pending;
  EXPECT_EQ(pending->id, "a");
  std::vector<double> seen;
  ASSERT_TRUE(soon([&] {
    const auto loading = pool.being_loaded();
    if (loading.empty()) return true;
    if (seen.empty() || loading[0].share > seen.back()) seen.push_back(loading[0].share);
    EXPECT_GE(loading[0].share, seen.back());
    return false;
  }));
  EXPECT_THAT(seen, testing::IsSupersetOf({0.25, 0.5, 0.75}));
  EXPECT_EQ(pool.look("a").state, ModelState::loaded);
}

TEST(ModelPool, EndsWhileSomebodyWaits) {
  FakeSource source("ab");
  source.pace = 20ms;
  auto pool = std::make_unique<ModelPool>(std::vector<ServedModel>{}, &source, LoadOptions{});
  std::vector<std::shared_ptr<PendingLoad>> pending;
  for (const char* name : {"a", "b"}) pending.push_back(pool->acquire(name, nullptr, {}).pending);
  pool->stop();
  int done = 0;
  for (const auto& load : pending) load->when_done([&] { ++done; });
  EXPECT_EQ(done, 2);
  pending.clear();
}

// The same through the server.
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

TEST_F(SeveralModels, AreShownWithWhatTheirFilesSayWithoutBeingLoaded) {
  const Json shown = post("/api/show", {{"model", "b"}}).json();
  EXPECT_EQ(shown["details"]["parameter_size"], "7.6B");
  EXPECT_EQ(shown["details"]["quantization_level"], "Q4_K");
  EXPECT_EQ(shown["model_info"]["qwen3.context_length"], 4096);
  EXPECT_EQ(shown["license"], "mit");
  EXPECT_EQ(shown["template"], kThinkingTemplate);
  EXPECT_EQ(shown["capabilities"], Json::array({"completion", "tools", "embedding", "vision", "thinking", "insert"}));
  EXPECT_EQ(state_of("b"), "unloaded");
  source.broken = "c";  // then what the list knows
  EXPECT_EQ(post("/api/show", {{"model", "c"}}).json()["capabilities"], Json::array({"completion"}));
}

TEST_F(SeveralModels, AreSeenWhileTheyAreLoaded) {
  source.pace = 400ms;
  port();  // before others ask for it
  auto client = std::async(std::launch::async, [&] { EXPECT_EQ(complete("b").status, 200); });
  Json seen;
  ASSERT_TRUE(soon([&] {
    seen = get("/api/troika/status").json()["loading"];
    return !seen.empty() && seen[0]["share"] >= 0.25;
  }));
  EXPECT_EQ(seen[0]["id"], "b");
  EXPECT_EQ(seen[0]["state"], "loading");
  const Json listed = get("/api/ps").json()["models"];
  EXPECT_EQ(listed[0]["name"], "b:latest");
  EXPECT_GE(listed[0]["loaded_share"], 0.25);
  EXPECT_EQ(state_of("b"), "loading");
  client.get();
  EXPECT_TRUE(get("/api/troika/status").json()["loading"].empty());
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
