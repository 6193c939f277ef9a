// Which requests count as one conversation.
#include "server/conversation_key.h"

#include <gtest/gtest.h>

#include "server/api_schemas.h"

namespace troika::server {
namespace {

std::optional<uint64_t> key_of(const Json& body, const std::string& caller = "") {
  HttpRequest http{.body = body.dump()};
  http.caller.name = caller;
  return conversation_of(Asked(http, kChatSchema));
}

Json chat(std::vector<std::pair<std::string, std::string>> messages) {
  Json body = {{"messages", Json::array()}};
  for (auto& [role, content] : messages) body["messages"].push_back({{"role", role}, {"content", content}});
  return body;
}

TEST(ConversationKey, TurnsOfAChatHaveOneKey) {
  const auto key = key_of(chat({{"system", "Be brief."}, {"user", "Hi"}}));
  EXPECT_EQ(key, key_of(chat({{"system", "Be brief."}, {"user", "Hi"}, {"assistant", "Hello"}, {"user", "More"}})));
  EXPECT_NE(key, key_of(chat({{"system", "Be long."}, {"user", "Hi"}})));
  EXPECT_NE(key, key_of(chat({{"system", "Be brief."}, {"user", "Ho"}})));
}

TEST(ConversationKey, BelongsToTheCaller) {
  EXPECT_NE(key_of(chat({{"user", "Hi"}}), "alice"), key_of(chat({{"user", "Hi"}}), "bob"));
}

TEST(ConversationKey, PartsAndTextsOfAllApisCount) {
  const Json parts = {{"messages", {{{"role", "user"}, {"content", {{{"type", "text"}, {"text", "Hi"}}}}}}}};
  EXPECT_EQ(key_of(parts), key_of(chat({{"user", "Hi"}})));
  EXPECT_EQ(key_of({{"input", "Hi"}}), key_of({{"input", {{{"role", "user"}, {"content", "Hi"}}}}}));
  EXPECT_NE(key_of({{"system", "A"}, {"messages", parts["messages"]}}), key_of(parts));
  const std::string beginning(300, 'x');
  EXPECT_EQ(key_of({{"prompt", beginning}}), key_of({{"prompt", beginning + "and more"}}));
  EXPECT_FALSE(key_of({{"prompt", {1, 2, 3}}}));
  EXPECT_FALSE(key_of({{"messages", "Hi, I am not a list"}, {"stream", true}}) == key_of({{"messages", {7}}}));
}

}  // namespace
}  // namespace troika::server
