// Who gets through: every route of the table without a key, with a user's and with an admin's; limits; and web pages
// of strangers.
#include "server/access.h"

#include <gmock/gmock.h>

#include "server/raw_client.h"
#include "server/routes.h"

namespace troika::server {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

ApiKey key(const std::string& name, Role role, int per_minute = 0, int concurrent = 0) {
  return {.name = name,
          .role = role,
          .digest = digest_of("key-of-" + name),
          .per_minute = per_minute,
          .concurrent = concurrent};
}

HttpRequest with(const std::string& name, const std::string& value) { return {.headers = {{name, value}}}; }
HttpRequest from(const std::string& who) { return with("authorization", "Bearer key-of-" + who); }

class Keys : public ServerTest {
 protected:
  Keys() { use({key("ann", Role::user), key("root", Role::admin)}); }

  void use(std::vector<ApiKey> keys) {
    options.read_keys = [keys = std::move(keys)] { return keys; };
  }

  RawReply ask(const std::string& method, const std::string& path, const std::string& headers,
               const std::string& body = "") {
    RawClient client(port());
    client.send(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n" + headers + "\r\n" + body);
    return client.read_reply(method != "HEAD");
  }
  static std::string bearer(const std::string& text) { return "Authorization: Bearer " + text + "\r\n"; }
};

TEST_F(Keys, RunEveryRequestInTheirNameWhicheverApiItCameBy) {
  const std::pair<const char*, const char*> cases[] = {
      {"/v1/chat/completions", R"({"messages": [{"role": "user", "content": "Hi"}]})"},
      {"/v1/completions", R"({"prompt": "Hi"})"},
      {"/v1/embeddings", R"({"input": "Hi"})"},
      {"/v1/responses", R"({"input": "Hi"})"},
      {"/v1/messages", R"({"max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]})"},
      {"/api/chat", R"({"model": "fake", "messages": [{"role": "user", "content": "Hi"}]})"},
      {"/api/generate", R"({"model": "fake", "prompt": "Hi"})"},
      {"/api/generate", R"({"model": "fake", "prompt": "Hi", "raw": true})"},
      {"/api/embed", R"({"model": "fake", "input": "Hi"})"},
      {"/api/embeddings", R"({"model": "fake", "prompt": "Hi"})"},
  };
  for (const auto& [path, body] : cases) {
    engine.forget_requests();
    std::string later = body;
    later.insert(1, R"("priority": 3, )");
    EXPECT_EQ(ask("POST", path, bearer("key-of-ann"), later).status, 200) << path;
    ASSERT_EQ(engine.requests().size(), 1u) << path;
    EXPECT_EQ(engine.last_request().owner, "ann") << path;
    EXPECT_EQ(engine.last_request().priority, 3) << path;
  }
}

TEST_F(Keys, OpenEveryRouteToItsRoleAndToNobodyBelow) {
  int walked = 0;
  for (const Route& route : all_routes()) {
    const std::string path = std::string(route.path) + (route.path.size() > 1 && route.path.ends_with('/') ? "x" : "");
    const auto status = [&](const std::string& headers) {
      return ask(std::string(route.method), path, headers, route.method == "POST" ? "{}" : "").status;
    };
    const std::string what = std::string(route.method) + " " + path;
    for (const std::string& stranger : {std::string(), bearer("wrong"), bearer("key-of-ann2"), std::string("x-api-key: \r\n")}) {
      if (route.role == Role::open) EXPECT_NE(status(stranger), 401) << what;
      else EXPECT_EQ(status(stranger), 401) << what << " with " << stranger;
    }
    if (route.role == Role::admin) {
      EXPECT_EQ(status(bearer("key-of-ann")), 403) << what;
    } else {
      EXPECT_THAT(status(bearer("key-of-ann")), testing::AllOf(testing::Ne(401), testing::Ne(403))) << what;
    }
    EXPECT_THAT(status(bearer("key-of-root")), testing::AllOf(testing::Ne(401), testing::Ne(403))) << what;
    ++walked;
  }
  EXPECT_GE(walked, 9);
}

// Otherwise anybody could fill the room that all bodies share.
TEST_F(Keys, AreAskedForBeforeTheBodyIsRead) {
  for (const char* expect : {"", "Expect: 100-continue\r\n"}) {
    RawClient stranger(port());
    stranger.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000000\r\n" +
                  std::string(expect) + "\r\n");
    const RawReply reply = stranger.read_reply();
    EXPECT_EQ(reply.status, 401) << expect;
    EXPECT_EQ(reply.header("Connection"), "close");
    EXPECT_TRUE(stranger.closed_within(5000));
  }
  RawClient page(port());
  page.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n" +
            bearer("key-of-ann") + "Content-Length: 30000000\r\n\r\n");
  EXPECT_EQ(page.read_reply().status, 403);
}

// Nor with the bodies of requests whose routes read none.
TEST_F(Keys, AreNotNeededForABodyThatNobodyReadsAndNobodyKeepsIt) {
  options.all_bodies_bytes = 20'000;
  for (const Route& route : all_routes()) {
    if (route.body || route.role != Role::open) continue;
    const std::string path = std::string(route.path) + (route.path.size() > 1 && route.path.ends_with('/') ? "x" : "");
    const auto status = [&](size_t bytes) {
      RawClient client(port());
      client.send(std::string(route.method) + " " + path + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " +
                  std::to_string(bytes) + "\r\n\r\n" + std::string(bytes, 'x'));
      return client.read_reply(route.method != "HEAD").status;
    };
    EXPECT_EQ(status(40'000), status(0)) << path;
    EXPECT_EQ(status(200'000), 413) << path;
  }
}

TEST_F(Keys, LimitWhichModelsTheirRequestsUseAndSee) {
  ApiKey fits = key("fits", Role::user), none = key("none", Role::user);
  fits.models = {"fa*"};
  none.models = {"other", "fak"};
  use({fits, none});
  for (const char* path : {"/v1/models", "/api/tags", "/api/ps", "/metrics", "/ready", "/", "/api/troika/status"}) {
    EXPECT_THAT(ask("GET", path, bearer("key-of-fits")).body, HasSubstr("fake")) << path;
    EXPECT_THAT(ask("GET", path, bearer("key-of-none")).body, testing::Not(HasSubstr("fake"))) << path;
  }
  EXPECT_EQ(ask("GET", "/v1/models/fake", bearer("key-of-fits")).status, 200);
  EXPECT_EQ(ask("GET", "/props", bearer("key-of-fits")).status, 200);
  const std::string named = R"({"model": "fake", "prompt": "Hi"})", nameless = R"({"prompt": "Hi"})",
                    unknown = R"({"model": "x", "prompt": "Hi"})";
  for (const std::string& body : {named, nameless}) {
    EXPECT_EQ(ask("POST", "/v1/completions", bearer("key-of-fits"), body).status, 200) << body;
    EXPECT_EQ(ask("POST", "/v1/completions", bearer("key-of-none"), body).status, 403) << body;
  }
  EXPECT_EQ(ask("POST", "/v1/completions", bearer("key-of-none"), unknown).status, 403);
  for (const char* path : {"/v1/models/fake", "/v1/models/x", "/props"}) {
    const RawReply reply = ask("GET", path, bearer("key-of-none"));
    EXPECT_EQ(reply.status, 403) << path;
    EXPECT_THAT(reply.body, HasSubstr("The key 'none' ")) << path;
    EXPECT_THAT(reply.body, HasSubstr("other, fak")) << path;
  }
}

TEST_F(Keys, SayWhoComesFirstAndRequestsMayOnlyComeLater) {
  ApiKey late = key("late", Role::user);
  late.priority = 2;
  use({late, key("ann", Role::user)});
  const auto send = [&](const char* who, const std::string& more) {
    return ask("POST", "/v1/completions", bearer(std::string("key-of-") + who), R"({"prompt": "Hi")" + more + "}");
  };
  EXPECT_EQ(send("late", "").status, 200);
  EXPECT_EQ(engine.last_request().priority, 2);
  EXPECT_EQ(send("late", R"(, "priority": 7)").status, 200);
  EXPECT_EQ(engine.last_request().priority, 7);
  EXPECT_EQ(send("ann", "").status, 200);
  EXPECT_EQ(engine.last_request().priority, 0);
  const RawReply earlier = send("late", R"(, "priority": 1)");
  EXPECT_EQ(earlier.status, 400);
  EXPECT_THAT(earlier.body, HasSubstr("priority: 1 is before what the key 'late' may ask for"));
  EXPECT_EQ(send("ann", R"(, "priority": 101)").status, 400);
}

TEST_F(Keys, NameModelsToThoseWhoMayUseThem) {
  for (const char* path : {"/", "/ready"}) {
    EXPECT_THAT(ask("GET", path, "").body, testing::Not(HasSubstr("fake"))) << path;
    EXPECT_THAT(ask("GET", path, bearer("key-of-ann")).body, HasSubstr("fake")) << path;
  }
}

TEST_F(Keys, LimitWhatIsSentNotWhatIsListed) {
  use({key("ann", Role::user, 1)});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask("GET", "/api/tags", bearer("key-of-ann")).status, 200);
  EXPECT_EQ(ask("POST", "/v1/chat/completions", bearer("key-of-ann"), chat_body().dump()).status, 200);
  EXPECT_EQ(ask("POST", "/v1/chat/completions", bearer("key-of-ann"), chat_body().dump()).status, 429);
}

TEST_F(Keys, AreTakenFromEitherHeaderAndNamedInNoAnswer) {
  EXPECT_EQ(ask("GET", "/v1/models", bearer("key-of-ann")).status, 200);
  EXPECT_EQ(ask("GET", "/v1/models", "authorization: bearer   key-of-ann\r\n").status, 200);
  EXPECT_EQ(ask("GET", "/v1/models", "x-api-key: key-of-ann\r\n").status, 200);
  EXPECT_EQ(ask("HEAD", "/v1/models", "").status, 401);
  const RawReply refused = ask("GET", "/v1/models", bearer("hunter2"));
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.header("WWW-Authenticate"), "Bearer");
  EXPECT_EQ(refused.error()["code"], "invalid_api_key");
  EXPECT_THAT(refused.body, testing::Not(HasSubstr("hunter2")));
}

TEST_F(Keys, LimitHowManyRequestsOfOneKeyRunAtTheSameTime) {
  use({key("ann", Role::user, 0, 1), key("bob", Role::user)});
  engine.pace = 2ms;
  engine.script = [](const engine::Request&) { return std::vector<int32_t>(400, 'a'); };
  const std::string body = chat_body({{"stream", true}, {"max_tokens", 400}}).dump();
  RawClient first(port());
  first.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n" + bearer("key-of-ann") +
             "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  ASSERT_TRUE(first.wait_for("data: "));
  const RawReply second = ask("POST", "/v1/chat/completions", bearer("key-of-ann"), chat_body().dump());
  EXPECT_EQ(second.status, 429);
  EXPECT_EQ(second.header("Retry-After"), "1");
  EXPECT_EQ(second.error()["type"], "rate_limit_error");
  EXPECT_EQ(ask("GET", "/v1/models", bearer("key-of-ann")).status, 200);
  EXPECT_EQ(ask("POST", "/v1/chat/completions", bearer("key-of-bob"), chat_body({{"max_tokens", 1}}).dump()).status, 200);
  first.hang_up();
  ASSERT_TRUE(engine.idle_within(3000ms));
  EXPECT_EQ(ask("POST", "/v1/chat/completions", bearer("key-of-ann"), chat_body({{"max_tokens", 1}}).dump()).status, 200);
}

TEST(Access, GivesAKeyItsRequestsOfAMinuteBackWithTime) {
  Access access({key("ann", Role::user, 2), key("bob", Role::user, 2)});
  Access::Clock::time_point now{};
  const auto try_at = [&](Access::Clock::time_point when, const std::string& who) {
    return access.admit(from(who), Role::user, true, when).refusal;
  };
  EXPECT_FALSE(try_at(now, "ann"));
  EXPECT_FALSE(try_at(now, "ann"));
  const auto refused = try_at(now, "ann");
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(refused->headers.at(0), (std::pair<std::string, std::string>("Retry-After", "30")));
  EXPECT_FALSE(access.admit(from("ann"), Role::user, false, now).refusal) << "only what uses the engine counts";
  EXPECT_FALSE(try_at(now, "bob")) << "keys do not share";
  EXPECT_TRUE(try_at(now + 29s, "ann"));
  EXPECT_FALSE(try_at(now + 31s, "ann"));
  EXPECT_TRUE(try_at(now + 32s, "ann"));
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(try_at(now + 1000s, "ann"));
  EXPECT_TRUE(try_at(now + 1000s, "ann")) << "an hour of silence saves no more than a minute's";
}

TEST(Access, WithoutKeysLetsEverybodyDoEverything) {
  Access access;
  const Admission admission = access.admit(with("authorization", "Bearer anything"), Role::admin, true, {});
  EXPECT_FALSE(admission.refusal);
  EXPECT_EQ(admission.caller.role, Role::admin);
}

TEST(Access, ForgetsKeysThatAreReplacedAndRemembersWhatTheOthersUsed) {
  Access access({key("ann", Role::user, 1), key("bob", Role::user)});
  EXPECT_FALSE(access.admit(from("ann"), Role::user, true, {}).refusal);
  const Admission running = access.admit(from("bob"), Role::user, true, {});
  access.replace({key("ann", Role::user, 1)});
  EXPECT_EQ(access.admit(from("bob"), Role::user, true, {}).refusal->status, 401);
  EXPECT_EQ(access.admit(from("ann"), Role::user, true, {}).refusal->status, 429);
  access.replace({});
  EXPECT_EQ(access.admit(from("ann"), Role::user, true, {}).refusal->status, 401) << "no keys, nobody";
}

TEST(Access, TellsWhoAsks) {
  Access access({key("ann", Role::user)});
  EXPECT_EQ(access.admit(from("ann"), Role::open, false, {}).caller.name, "ann");
  EXPECT_EQ(access.admit({}, Role::open, false, {}).caller.role, Role::open);
}

// Headers of a request as a browser or a client sends them, and the answer's status.
class Origins : public ServerTest {
 protected:
  RawReply ask(const std::string& headers, const std::string& method = "POST", const std::string& path = "/v1/completions") {
    RawClient client(port());
    const std::string body = R"({"prompt": "x", "max_tokens": 1})";
    client.send(method + " " + path + " HTTP/1.1\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body);
    return client.read_reply(method != "HEAD");
  }
};

TEST_F(Origins, OnLoopbackOnlyThisMachinesNamesAreAnswered) {
  for (const char* host : {"localhost", "LOCALHOST:8000", "127.0.0.1", "127.0.0.1:1", "[::1]:8000", "192.168.1.5:8000",
                           "troika.localhost"})
    EXPECT_EQ(ask(std::string("Host: ") + host + "\r\n").status, 200) << host;
  for (const char* host : {"evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "x",
                           "[evil.example]", "[]", "localhostx"}) {
    const RawReply reply = ask(std::string("Host: ") + host + "\r\n");
    EXPECT_EQ(reply.status, 403) << host;
    EXPECT_EQ(reply.error()["code"], "host_not_allowed") << host;
    EXPECT_EQ(ask(std::string("Host: ") + host + "\r\n", "GET", "/").status, 403) << host;
  }
  EXPECT_TRUE(engine.idle_within(1000ms));
  EXPECT_EQ(engine.requests().size(), 7u);
}

TEST_F(Origins, NamesOfTheListAreAnsweredToo) {
  options.origins.allowed_hosts = {"AI.example"};
  EXPECT_EQ(ask("Host: ai.example:443\r\n").status, 200);
  EXPECT_EQ(ask("Host: evil.example\r\n").status, 403);
}

TEST_F(Origins, StrangePagesAreRefusedWhateverTheyAsk) {
  for (const char* origin : {"http://evil.example", "https://localhost.evil.example", "null", "http://localhost:3000",
                             "file://", "evil"}) {
    for (const char* method : {"GET", "POST", "HEAD", "OPTIONS", "DELETE"}) {
      const RawReply reply = ask(std::string("Host: localhost:8000\r\nOrigin: ") + origin + "\r\n", method);
      EXPECT_EQ(reply.status, 403) << method << " " << origin;
      EXPECT_EQ(reply.header("Access-Control-Allow-Origin"), "");
    }
  }
  EXPECT_TRUE(engine.requests().empty());
}

TEST_F(Origins, OurOwnPageIsAnsweredBehindAProxyToo) {
  EXPECT_EQ(ask("Host: localhost:8000\r\nOrigin: http://localhost:8000\r\n").status, 200);
  EXPECT_EQ(ask("Host: localhost\r\nOrigin: http://localhost:80\r\n").status, 200);
  EXPECT_EQ(ask("Host: 127.0.0.1\r\nOrigin: https://127.0.0.1\r\n").status, 200);
  EXPECT_EQ(ask("Host: localhost:8000\r\nOrigin: http://localhost:8001\r\n").status, 403);
}

TEST_F(Origins, PagesOfTheListMayAskAndRead) {
  options.origins.cors_origins = {"https://App.example", "http://localhost:3000"};
  const std::string preflight =
      "Host: localhost\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n"
      "Access-Control-Request-Headers: authorization, x-stainless-os\r\n";
  const RawReply allowed = ask(preflight, "OPTIONS");
  EXPECT_EQ(allowed.status, 204);
  EXPECT_EQ(allowed.header("Access-Control-Allow-Origin"), "https://app.example");
  EXPECT_EQ(allowed.header("Access-Control-Allow-Headers"), "authorization, x-stainless-os");
  EXPECT_EQ(allowed.header("Content-Length"), "");
  const RawReply answer = ask("Host: localhost\r\nOrigin: http://localhost:3000\r\n");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Access-Control-Allow-Origin"), "http://localhost:3000");
  EXPECT_THAT(answer.header("Vary"), HasSubstr("Origin"));
  EXPECT_EQ(ask("Host: localhost\r\nOrigin: http://localhost:3001\r\n").status, 403);
  EXPECT_EQ(ask("Host: localhost\r\n").header("Access-Control-Allow-Origin"), "");
}

TEST_F(Origins, AStarLetsAllPagesIn) {
  options.origins.cors_origins = {"*"};
  EXPECT_EQ(ask("Host: localhost\r\nOrigin: null\r\n").header("Access-Control-Allow-Origin"), "null");
}

TEST_F(Origins, AListThatNoBrowserWouldMatchIsRefusedAtTheStart) {
  for (const char* wrong : {"app.example", "https://app.example/", "https://app.example/path"}) {
    options.origins.cors_origins = {wrong};
    try {
      port();
      ADD_FAILURE() << wrong;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("is no origin"));
    }
  }
}

TEST_F(Keys, APreflightNeedsNoKey) {
  options.origins.cors_origins = {"https://app.example"};
  EXPECT_EQ(ask("OPTIONS", "/v1/models", "Origin: https://app.example\r\nAccess-Control-Request-Method: GET\r\n").status,
            204);
  const RawReply refused = ask("GET", "/v1/models", "Origin: https://app.example\r\n");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.header("Access-Control-Allow-Origin"), "https://app.example") << "the page must read why";
}

}  // namespace
}  // namespace troika::server
