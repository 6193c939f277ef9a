// What names mean, and which texts are none.
#include "store/name.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace troika::store {
namespace {

using testing::HasSubstr;

constexpr const char* kMirror = "http://127.0.0.1:8080";

std::string describe(std::string_view text) {
  try {
    Name n = parse_name(text, kMirror);
    switch (n.kind) {
      case NameKind::plain: return "plain " + n.plain;
      case NameKind::hub: return "hub " + n.repository() + "@" + n.revision + " " + n.quantisation + " " + n.file;
      case NameKind::url: return "url " + n.file;
    }
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Name, HasThreeSpellingsAndUrls) {
  const std::pair<const char*, const char*> cases[] = {
      {"qwen2.5:7b", "plain qwen2.5:7b"},
      {"Qwen2.5-7B", "plain qwen2.5-7b"},
      {"qwq", "plain qwq"},
      {"Qwen/Qwen3-8B-GGUF", "hub Qwen/Qwen3-8B-GGUF@main  "},
      {"Qwen/Qwen3-8B-GGUF:latest", "hub Qwen/Qwen3-8B-GGUF@main  "},
      {"Qwen/Qwen3-8B-GGUF:q8_0", "hub Qwen/Qwen3-8B-GGUF@main q8_0 "},
      {"unsloth/x-GGUF:UD-Q4_K_XL", "hub unsloth/x-GGUF@main UD-Q4_K_XL "},
      {"a/b:c-q8_0.gguf", "hub a/b@main  c-q8_0.gguf"},
      {"hf.co/a/b:Q4_0", "hub a/b@main Q4_0 "},
      {"HuggingFace.co/a/b", "hub a/b@main  "},
      {"https://huggingface.co/a/b", "hub a/b@main  "},
      {"https://hf.co/a/b/", "hub a/b@main  "},
      {"https://huggingface.co/a/b/tree/v1.0", "hub a/b@v1.0  "},
      {"https://huggingface.co/a/b/blob/main/q/c-Q8_0.gguf", "hub a/b@main  q/c-Q8_0.gguf"},
      {"https://huggingface.co/a/b/resolve/0a1b/c%2DQ8_0.gguf?download=true", "hub a/b@0a1b  c-Q8_0.gguf"},
      {"http://127.0.0.1:8080/a/b/resolve/main/c.gguf", "hub a/b@main  c.gguf"},
      {"https://example.org/models/c.gguf?x=1", "url c.gguf"},
      {"HTTPS://example.org/C.GGUF", "url C.GGUF"},
  };
  for (const auto& [text, meaning] : cases) EXPECT_EQ(describe(text), meaning) << text;
}

TEST(Name, IsNothingThatCouldLeadAstray) {
  const std::string cases[] = {
      "", ".", "..", "../x", "a/..", "../../etc/passwd", "/etc/passwd", "/a/b", "a/b/c", "a//b", "a/", "/a", "~/x", "./x",
      "a/b:", "a/b:c:d", "a/b:..", "a/b:../x.gguf", "a/b:x/../y.gguf", "a/b:/x.gguf", "a/b:.x.gguf", "a\\b", "a/b\\c",
      "a..b", "a/b..c", "a/b--c", "a--b/c", "a/-b", "a/b-", "a/b.", ".a/b", "-a", "--help", "a b", "a\tb", "a\nb",
      std::string("a\0b", 3), std::string("a/b\0", 4), "a/\x01", "a\x7f", "caf\xc3\xa9", "\xef\xbd\x91wen", "qwen\xe2\x80\x8b:7b",
      "qw\xd0\xb5n2.5:7b", "a:", "a%2e%2e", "a/b%2f", "a?b", "a#b", "a*b", "$(a)", "a;b", "a|b", "models/none.gguf",
      "models/none.safetensors", "file:///etc/passwd", "ftp://a/b.gguf", "https://", "https://example.org/",
      "https://example.org/a.bin", "https://example.org/..gguf", "https://example.org/%2e%2e%2fa.gguf%00",
      "https://user@example.org/a.gguf", "https://user:pw@huggingface.co/a/b", "https://huggingface.co/a",
      "https://huggingface.co/a/b/blob/main", "https://huggingface.co/a/b/raw/main/c.gguf",
      "https://huggingface.co/a/b/blob/../c.gguf", "https://huggingface.co/a/b/blob/main/%2e%2e/c.gguf",
      "https://huggingface.co/a/b/blob/main/config.json", "https://huggingface.co/a/b/blob/main/x%5cy.gguf",
      std::string(129, 'a'), "a/" + std::string(97, 'b'), "a/b:" + std::string(65, 'q'),
      "https://example.org/" + std::string(3000, 'a') + ".gguf",
  };
  for (const std::string& text : cases) {
    std::string said = describe(text);
    EXPECT_TRUE(said.find("cannot be a model's name") != said.npos || said == "a model's name is empty") << text << ": " << said;
    for (char c : said) EXPECT_TRUE(c == '\xe2' || c == '\x80' || c == '\xa6' || (c >= ' ' && c <= '~')) << said;
  }
}

TEST(Name, OfARepositoryOnAnotherHostIsAUrlOnlyThere) {
  EXPECT_EQ(describe("https://huggingface.co.evil.example/a/b/resolve/main/c.gguf"), "url c.gguf");
  EXPECT_EQ(describe("http://127.0.0.1:8081/a/b/resolve/main/c.gguf"), "url c.gguf");
}

TEST(Name, OfAFileInARepositoryStaysInside) {
  for (const char* good : {"a.gguf", "Q8_0/a-00001-of-00002.gguf", "a b.json"}) EXPECT_TRUE(is_repository_file(good)) << good;
  for (const char* bad : {"", "/a", "a/", "a//b", "..", "a/../b", "./a", ".gitattributes", "a/.b", "a\\b", "a\nb", "\xc3\xa9"})
    EXPECT_FALSE(is_repository_file(bad)) << bad;
  EXPECT_FALSE(is_repository_file(std::string(256, 'a')));
}

}  // namespace
}  // namespace troika::store
