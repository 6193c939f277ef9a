// What people type for a model, taken apart and checked: `qwen2.5:7b`, `owner/repo:Q4_K_M`, a URL. Every part that
// may become a piece of a path or of a URL is held to a short alphabet here, once; what passes is safe to use.
#pragma once

#include <string>
#include <string_view>

namespace troika::store {

enum class NameKind {
  plain,  // a name of the zoo or of the store's own: no slash
  hub,    // a repository, perhaps with a quantisation or a file
  url,    // a .gguf file anywhere
};

struct Name {
  NameKind kind = NameKind::plain;
  std::string plain;        // in lower case
  std::string owner, repo;  // as typed: "Qwen", "Qwen3-8B-GGUF"
  std::string revision = "main";
  std::string quantisation;  // as typed, "" when none was
  std::string file;          // inside the repository, "" when none was named; or the last part of the URL
  std::string url;

  std::string repository() const { return owner + "/" + repo; }
};

// `endpoint`: the hub's own address, whose URLs name repositories too. Throws Error that says what is wrong with the
// name.
Name parse_name(std::string_view text, std::string_view endpoint = "");

// Whether a text could be a plain name: begins with a letter or a digit, then letters, digits, "._:-"; at most 128.
bool is_plain_name(std::string_view text);

// "owner/repo", each at most 96 letters, digits, "._-", not beginning or ending with a dot or a dash.
bool is_repository(std::string_view text);

// A revision as it may stand in a path: a branch, a tag or a commit, without slashes.
bool is_revision(std::string_view text);

// A file inside a repository: relative, printable ASCII, no empty part, no part that begins with a dot, no backslash.
bool is_repository_file(std::string_view text);

std::string lower(std::string_view text);                   // ASCII
bool same_name(std::string_view one, std::string_view two);  // but for upper and lower case
std::string shown(std::string_view text);                   // in an error: short, without control characters

}  // namespace troika::store
