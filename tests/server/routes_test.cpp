// Walks the tables of routes and fields: whatever stands there must be so when a client asks.
#include "server/routes.h"

#include <gmock/gmock.h>

#include <fstream>
#include <set>
#include <sstream>

#include "server/api_schemas.h"
#include "server/fake_source.h"
#include "server/raw_client.h"

namespace troika::server {
namespace {

using testing::HasSubstr;
using testing::Not;

HttpRequest request(std::string_view method, std::string path) {
  return {.id = "req_1", .method = std::string(method), .path = std::move(path)};
}

// A path that belongs to the route.
std::string path_of(const Route& route) {
  std::string path(route.path);
  return path.size() > 1 && path.ends_with('/') ? path + "x" : path;
}

TEST(Routes, AreEachFoundByMethodAndPathWithAndWithoutThePrefix) {
  for (const Route& route : all_routes()) {
    const std::string path = path_of(route);
    EXPECT_EQ(match_route(request(route.method, path)).route, &route) << route.method << " " << path;
    const bool ollama = route.path.starts_with("/api/");
    for (const char* prefix : {"/v1", "/api/v1"})
      EXPECT_EQ(match_route(request(route.method, prefix + path)).route == &route, !ollama) << prefix << path;
    if (route.method == "GET") {
      EXPECT_EQ(match_route(request("HEAD", path)).route, &route);
    }
  }
}

TEST(Routes, AnswerOtherMethodsWith405AndOptionsWithWhatTheyTake) {
  for (const Route& route : all_routes()) {
    const std::string path = path_of(route);
    for (const char* method : {"PUT", "PATCH", "TRACE"}) {
      const Match match = match_route(request(method, path));
      EXPECT_EQ(match.route, nullptr);
      EXPECT_EQ(match.reply.status, 405) << path;
      EXPECT_EQ(match.reply.headers[0].first, "Allow");
      EXPECT_THAT(match.reply.headers[0].second, HasSubstr(std::string(route.method)));
    }
    const Match options = match_route(request("OPTIONS", path));
    EXPECT_EQ(options.reply.status, 204);
    EXPECT_THAT(options.reply.headers[0].second, HasSubstr(std::string(route.method)));
  }
  EXPECT_EQ(match_route(request("OPTIONS", "/nothing")).reply.status, 404);
}

TEST(Routes, AreOpenToStrangersOnlyWhereTheyTellNothing) {
  std::set<std::string_view> open, admin;
  for (const Route& route : all_routes()) {
    if (route.role == Role::open) open.insert(route.path);
    if (route.role == Role::admin) admin.insert(route.path);
  }
  EXPECT_THAT(open, testing::UnorderedElementsAre("/", "/assets/", "/health", "/ready", "/openapi.json",
                                                  "/api/version"));
  EXPECT_THAT(admin, testing::UnorderedElementsAre("/api/pull", "/api/delete", "/api/create", "/api/copy", "/api/push",
                                                   "/api/troika/load", "/api/troika/unload"));
}

TEST(Routes, AnswerErrorsInTheWayOfTheirApi) {
  EXPECT_EQ(Json::parse(match_route(request("GET", "/api/nothing")).reply.body),
            Json({{"error", "There is no /api/nothing here."}}));
  const Json anthropic = Json::parse(match_route(request("GET", "/v1/messages")).reply.body);
  EXPECT_EQ(anthropic["type"], "error");
  EXPECT_EQ(anthropic["error"]["type"], "invalid_request_error");
  EXPECT_EQ(anthropic["request_id"], "req_1");
  EXPECT_EQ(Json::parse(match_route(request("GET", "/v1/nothing")).reply.body)["error"]["type"], "not_found_error");
}

// What a request must have at least, and what a field needs beside it.
Json least_body(const Schema& schema) {
  const Json messages = {{{"role", "user"}, {"content", "Hi"}}};
  const std::map<std::string_view, Json> bodies = {
      {"ChatCompletionRequest", {{"messages", messages}}},
      {"CompletionRequest", {{"prompt", "x"}}},
      {"EmbeddingRequest", {{"input", "x"}}},
      {"ResponseRequest", {{"input", "x"}}},
      {"MessagesRequest", {{"messages", messages}, {"max_tokens", 5}}},
      {"CountTokensRequest", {{"messages", messages}}},
      {"OllamaChatRequest", {{"model", "fake"}, {"messages", messages}, {"stream", false}}},
      {"OllamaGenerateRequest", {{"model", "fake"}, {"prompt", "x"}, {"stream", false}}},
      {"OllamaEmbedRequest", {{"model", "fake"}, {"input", "x"}}},
      {"OllamaEmbeddingsRequest", {{"model", "fake"}, {"prompt", "x"}}},
      {"OllamaShowRequest", {{"model", "fake"}}},
      {"OllamaPullRequest", {{"model", "a"}, {"stream", false}}},
      {"OllamaCopyRequest", {{"source", "a"}, {"destination", "b"}}},
      {"OllamaDeleteRequest", {{"model", "a"}}},
      {"ModelNameRequest", {{"model", "a"}}},
      {"TokenizeRequest", {{"content", "x"}}},
      {"DetokenizeRequest", {{"tokens", {65}}}},
  };
  return bodies.at(schema.name);
}

// A value that no field of these types takes.
Json wrong_value(std::string_view types) {
  const bool number = types.find("number") != types.npos || types.find("integer") != types.npos;
  return number ? Json(Json::array()) : Json(5);
}

Json right_value(std::string_view types) {
  if (types.starts_with("string")) return "x";
  if (types.starts_with("boolean")) return true;
  if (types.starts_with("array")) return Json::array({"x"});
  if (types.starts_with("object")) return {{"x", "y"}};
  return 7;
}

class FieldTables : public ServerTest {
 protected:
  struct LastingSource : FakeSource {
    void remove(const std::string&) override {}
  };
  FieldTables() { options.source = &source; }

  // By the method of the path's route.
  RawReply post(const std::string& path, const std::string& body) {
    const auto route = std::ranges::find_if(all_routes(), [&](const Route& r) { return r.path == path && r.body; });
    const std::string_view method = route == all_routes().end() ? "POST" : route->method;
    RawClient client(port());
    client.send(fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{}", method, path,
                            body.size(), body));
    return client.read_reply();
  }

  LastingSource source;

  // Calls visit(path, body of a good request, field) for every field of every request.
  template <typename Visit>
  void walk(const Visit& visit) {
    for (const Route& route : all_routes()) {
      if (!route.body) continue;
      for (const auto& table : {route.body->own, route.body->shared})
        for (const Field& field : table) visit(std::string(route.path), least_body(*route.body), field);
    }
  }
  // The same for Ollama's options.
  template <typename Visit>
  void walk_options(const Visit& visit) {
    for (const Field& field : kOllamaOptionsSchema.own) visit(least_body(kOllamaChatSchema), field);
  }
};

TEST_F(FieldTables, NameEveryFieldOnce) {
  for (const Route& route : all_routes()) {
    std::set<std::string_view> names;
    if (!route.body) continue;
    for (const auto& table : {route.body->own, route.body->shared})
      for (const Field& field : table) EXPECT_TRUE(names.insert(field.name).second) << route.path << " " << field.name;
  }
}

TEST_F(FieldTables, HonouredFieldsRefuseAValueOfAnotherTypeByName) {
  walk([&](const std::string& path, Json body, const Field& field) {
    if (field.use != Use::honoured) return;
    body[std::string(field.name)] = wrong_value(field.type);
    const RawReply reply = post(path, body.dump());
    EXPECT_EQ(reply.status, 400) << path << " " << field.name << reply.body;
    EXPECT_THAT(reply.body, HasSubstr(std::string(field.name))) << path;
    EXPECT_THAT(reply.body, Not(HasSubstr("supported yet"))) << path << " " << field.name;
  });
  EXPECT_TRUE(engine.requests().empty());
}

TEST_F(FieldTables, AcceptedFieldsAreTakenAndNotCalledIgnored) {
  walk([&](const std::string& path, Json body, const Field& field) {
    if (field.use != Use::accepted) return;
    body[std::string(field.name)] = right_value(field.type);
    const RawReply reply = post(path, body.dump());
    EXPECT_EQ(reply.status, 200) << path << " " << field.name << reply.body;
    EXPECT_EQ(reply.header("X-Troika-Ignored-Fields"), "") << path << " " << field.name;
    body[std::string(field.name)] = wrong_value(field.type);
    EXPECT_EQ(post(path, body.dump()).status, 400) << path << " " << field.name;
  });
}

TEST_F(FieldTables, RefusedFieldsAreRefusedByNameUnlessTheyAskForNothing) {
  walk([&](const std::string& path, Json body, const Field& field) {
    if (field.use != Use::refused) return;
    Json value = right_value(field.type);
    if (field.neutral == "true") value = false;
    body[std::string(field.name)] = value;
    const RawReply reply = post(path, body.dump());
    EXPECT_EQ(reply.status, 400) << path << " " << field.name << reply.body;
    EXPECT_THAT(reply.body, HasSubstr(std::string(field.name) + " is not supported yet")) << path;
    std::istringstream neutral{std::string(field.neutral) + " null"};
    for (std::string text; neutral >> text;) {
      body[std::string(field.name)] = Json::parse(text);
      EXPECT_EQ(post(path, body.dump()).status, 200) << path << " " << field.name << " " << text;
    }
  });
}

TEST_F(FieldTables, OllamasOptionsAreWhatTheirTableSays) {
  walk_options([&](Json body, const Field& field) {
    const std::string name(field.name);
    body["options"][name] = field.use == Use::honoured ? wrong_value(field.type) : right_value(field.type);
    const RawReply reply = post("/api/chat", body.dump());
    EXPECT_EQ(reply.status, field.use == Use::accepted ? 200 : 400) << name << reply.body;
    if (reply.status == 400) {
      EXPECT_THAT(reply.body, HasSubstr("options." + name));
    }
  });
}

TEST_F(FieldTables, ComplaintsQuoteLittleOfWhatWasSent) {
  const std::string large(5000, 'x');
  const RawReply replies[] = {
      post("/v1/responses", Json{{"input", "Hi"}, {"include", {large}}}.dump()),
      post("/v1/responses", Json{{"input", "Hi"}, {"previous_response_id", large}}.dump()),
      chat({{"structured_outputs", {{large, 1}}}}),
      chat({{"grammar", "root ::= " + large}}),
      chat({{"grammar", large}}),
      chat({{"grammar", "root ::= " + large + "\n" + large + " ::= " + large}}),
      chat({{"guided_json", {{"properties", {{large, {{"type", 5}}}}}}}}),
      chat({{"model", large}}),
      get("/v1/" + large),
      post("/v1/models/" + large, ""),
  };
  for (const RawReply& reply : replies) {
    EXPECT_GE(reply.status, 400);
    EXPECT_LT(reply.status, 500);
    EXPECT_LT(reply.body.size(), 600u) << reply.body;
  }
}

TEST_F(FieldTables, OtherFieldsAreIgnoredAndNamedInAHeader) {
  for (const Route& route : all_routes()) {
    if (!route.body) continue;
    Json body = least_body(*route.body);
    const std::string path(route.path);
    EXPECT_EQ(post(path, body.dump()).header("X-Troika-Ignored-Fields"), "") << path;
    body["brand_new"] = 1;
    body["a\r\nSet-Cookie: x"] = nullptr;
    const RawReply reply = post(path, body.dump());
    EXPECT_EQ(reply.status, 200) << path << reply.body;
    EXPECT_EQ(reply.header("X-Troika-Ignored-Fields"), "brand_new, a??Set-Cookie:?x") << path;
  }
  Json many = chat_body({{"stream", true}});
  for (int i = 0; i < 30; ++i) many[fmt::format("new_{:02}", i)] = i;
  EXPECT_THAT(post("/v1/chat/completions", many.dump()).header("X-Troika-Ignored-Fields"),
              testing::AllOf(HasSubstr("new_19, and 10 more"), Not(HasSubstr("new_20"))));
}

TEST_F(FieldTables, AreWhatTheOpenApiDescriptionSays) {
  const Json description = get("/openapi.json").json();
  EXPECT_EQ(description["openapi"], "3.1.0");
  size_t operations = 0;
  for (const auto& [path, methods] : description["paths"].items()) operations += methods.size();
  EXPECT_EQ(operations, all_routes().size());
  for (const Route& route : all_routes()) {
    std::string path(route.path), method(route.method);
    if (path.size() > 1 && path.ends_with('/')) path += "{id}";
    std::ranges::transform(method, method.begin(), [](unsigned char c) { return char(std::tolower(c)); });
    ASSERT_TRUE(description["paths"].contains(path)) << path;
    const Json& operation = description["paths"][path][method];
    EXPECT_EQ(operation["summary"], route.summary);
    if (!route.body) continue;
    const std::string reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    const Json& schema = description[Json::json_pointer(reference.substr(1))];
    for (const auto& table : {route.body->own, route.body->shared})
      for (const Field& field : table) EXPECT_TRUE(schema["properties"].contains(std::string(field.name)));
  }
}

TEST_F(FieldTables, AreWhatTheDocumentationSays) {
  std::ifstream file(std::string(TROIKA_SOURCE_DIR) + "/docs/api.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto section_of = [&](const Schema& schema) {
    const size_t begin = text.find(fmt::format("### {}\n", schema.name));
    return begin == text.npos ? std::string() : text.substr(begin, text.find("\n#", begin + 4) - begin);
  };
  const auto word = [](Use use) {
    return use == Use::honoured ? "honoured" : use == Use::accepted ? "accepted" : "refused";
  };
  for (const Field& field : kOllamaOptionsSchema.own)
    EXPECT_THAT(section_of(kOllamaOptionsSchema), HasSubstr(fmt::format("| `{}` | {} |", field.name, word(field.use))));
  for (const Route& route : all_routes()) {
    EXPECT_THAT(text, HasSubstr(fmt::format("| `{} {}` |", route.method, route.path)));
    if (!route.body) continue;
    const std::string section = section_of(*route.body);
    for (const auto& table : {route.body->own, route.body->shared})
      for (const Field& field : table)
        EXPECT_THAT(section, HasSubstr(fmt::format("| `{}` | {} |", field.name, word(field.use)))) << route.path;
  }
}

}  // namespace
}  // namespace troika::server
