// The file of names: written whole, read strictly, by many at once.
#include "store/index.h"

#include <gmock/gmock.h>

#include <thread>

#include "base/error.h"
#include "files/scratch.h"

namespace troika::store {
namespace {

using testing::HasSubstr;

TEST(Index, KeepsWhatWasPutIntoIt) {
  files::Scratch scratch;
  Index index(scratch / "deep/home");
  EXPECT_TRUE(index.read().empty());
  IndexEntry entry{.name = "Me/It:Q8_0", .repository = "Me/It", .commit = "c", .quantisation = "Q8_0", .path = "/a/b.gguf",
                   .files = {"b.gguf"}, .bytes = uint64_t{5} << 40, .digest = "d", .pulled_at = 7};
  index.change([&](auto& entries) { put_entry(entries, entry); });
  auto entries = index.read();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].bytes, entry.bytes);
  EXPECT_EQ(entries[0].files, entry.files);
  EXPECT_TRUE(find_entry(entries, "me/it:q8_0"));
  EXPECT_FALSE(find_entry(entries, "me/it"));
  index.change([&](auto& all) { put_entry(all, {.name = "ME/IT:q8_0", .path = "/other"}); });
  EXPECT_EQ(index.read().size(), 1u);
}

TEST(Index, IsNotWrittenWhenTheChangeFails) {
  files::Scratch scratch;
  Index index(scratch.path());
  index.change([](auto& entries) { put_entry(entries, {.name = "a", .path = "/a"}); });
  EXPECT_THROW(index.change([](auto& entries) {
    entries.clear();
    fail("no");
  }), Error);
  EXPECT_EQ(index.read().size(), 1u);
}

TEST(Index, ADamagedOneIsNamedAndNotOverwritten) {
  files::Scratch scratch;
  Index index(scratch.path());
  for (const char* text : {"", "{", "[]", R"({"version": 2, "models": []})", R"({"version": 1, "models": [{"name": "a"}]})",
                           R"({"version": 1, "models": [{"name": "a", "repository": "../..", "commit": "", "quantisation": "", "url": "", "path": "/a", "files": [], "bytes": 1, "digest": "", "pulled_at": 1}]})",
                           R"({"version": 1, "models": [{"name": "a", "repository": "", "commit": "", "quantisation": "", "url": "", "path": "/a", "files": ["../x"], "bytes": 1, "digest": "", "pulled_at": 1}]})",
                           R"({"version": 1, "models": [{"name": "a", "repository": "", "commit": "", "quantisation": "", "url": "", "path": "a", "files": [], "bytes": 1, "digest": "", "pulled_at": 1}]})"}) {
    scratch.write("index.json", text);
    try {
      index.change([](auto&) {});
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("index.json")) << text;
    }
    EXPECT_EQ(scratch.read("index.json"), text);
  }
}

TEST(Index, LosesNothingWhenManyWriteAtOnce) {
  files::Scratch scratch;
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 8; ++i) {
      writers.emplace_back([&, i] {
        Index index(scratch.path());
        for (int j = 0; j < 5; ++j) {
          index.change([&](auto& all) { put_entry(all, {.name = fmt::format("m{}-{}", i, j), .path = "/a"}); });
        }
      });
    }
  }
  EXPECT_EQ(Index(scratch.path()).read().size(), 40u);
}

}  // namespace
}  // namespace troika::store
