// The key file: what it may say, what is refused, and that it opens nothing to whoever reads it.
#include "server/api_keys.h"

#include <gmock/gmock.h>

#include <fstream>

#include "base/error.h"

namespace troika::server {
namespace {

using testing::HasSubstr;

// A file of these lines; gone afterwards.
class KeyFile {
 public:
  explicit KeyFile(const std::string& text)
      : path_(std::filesystem::temp_directory_path() / ("troika-keys-" + std::to_string(::getpid()))) {
    std::ofstream(path_) << text;
  }
  ~KeyFile() { std::filesystem::remove(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

std::string complaint(const std::string& text) {
  const KeyFile file(text);
  try {
    read_api_keys(file.path());
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string line(const std::string& name, const std::string& text) {
  return line_of({.name = name, .digest = digest_of(text)}) + "\n";
}

TEST(ApiKeys, AreReadAsTheyWereWritten) {
  const ApiKey bob{.name = "bob", .role = Role::admin, .digest = digest_of("b"), .per_minute = 60, .concurrent = 2, .priority = -3,
                   .models = {"qwen2.5:7b", "gemma*"}};
  const KeyFile file("# people\n\n" + line("alice", "a") + line_of(bob) + "  # the boss\n");
  const auto keys = read_api_keys(file.path());
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].name, "alice");
  EXPECT_EQ(keys[0].role, Role::user);
  EXPECT_EQ(keys[0].per_minute, 0);
  EXPECT_EQ(line_of(keys[1]), line_of(bob));
  EXPECT_THAT(line_of(bob), HasSubstr(" priority=-3 models=qwen2.5:7b,gemma*"));
  EXPECT_EQ(keys[1].models, bob.models);
  EXPECT_EQ(find_key(keys, "a"), &keys[0]);
  EXPECT_EQ(find_key(keys, "b"), &keys[1]);
  EXPECT_EQ(find_key(keys, "c"), nullptr);
  EXPECT_EQ(find_key(keys, ""), nullptr);
}

TEST(ApiKeys, AreKeptAsSha256) {
  EXPECT_THAT(line("a", "abc"), HasSubstr("sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
}

TEST(ApiKeys, ComplainAboutTheLineAndNeverQuoteWhatMayBeAKey) {
  const std::string good = line("a", "a");
  EXPECT_THAT(complaint(good + "bob user tk-secret\n"), HasSubstr(":2: the third word must be sha256:"));
  EXPECT_THAT(complaint(good + "bob user tk-secret\n"), testing::Not(HasSubstr("secret")));
  EXPECT_THAT(complaint("tk-secret/\n"), testing::Not(HasSubstr("secret")));
  EXPECT_THAT(complaint("b\x1b[1m user sha256:00\n"), HasSubstr("name"));
  EXPECT_THAT(complaint("bob root sha256:00\n"), HasSubstr("'user' or 'admin'"));
  EXPECT_THAT(complaint("bob user sha256:00\n"), HasSubstr("64 hexadecimal digits"));
  EXPECT_THAT(complaint("bob user sha256:" + std::string(64, 'g')), HasSubstr("64 hexadecimal digits"));
  const std::string open = good.substr(0, good.size() - 1);
  for (const char* limit : {" rate=0", " rate=-1", " rate=1x", " rate=", " rate=99999999999", " speed=1", " concurrent", " priority=101", " priority=",
                            " models=", " models=a,,b", " models=a*b", " models=**"})
    EXPECT_THAT(complaint(open + limit), HasSubstr("rate=N")) << limit;
  EXPECT_THAT(complaint(good + line("a", "b")), HasSubstr("named 'a'"));
  EXPECT_THAT(complaint(good + line("b", "a")), HasSubstr("the key of 'a'"));
  EXPECT_THAT(complaint("# nobody\n"), HasSubstr("has no keys"));
  EXPECT_THROW(read_api_keys("/nonexistent/keys"), Error);
}

TEST(ApiKeys, MadeHereDifferAndFitAHeader) {
  const std::string one = random_api_key(), two = random_api_key();
  EXPECT_NE(one, two);
  EXPECT_THAT(one, testing::MatchesRegex("tk-[0-9a-f]{48}"));
}

}  // namespace
}  // namespace troika::server
