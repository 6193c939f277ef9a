#include "store/name.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "store/url.h"

namespace troika::store {
namespace {

constexpr size_t kLongestPlain = 128, kLongestRepositoryPart = 96, kLongestFile = 255, kLongestUrl = 2048;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_word(std::string_view text, std::string_view more, size_t longest) {
  if (text.empty() || text.size() > longest || text.find("..") != text.npos) return false;
  if (!is_letter(text.front()) && !is_digit(text.front())) return false;
  return std::ranges::all_of(
      text, [&](char c) { return is_letter(c) || is_digit(c) || more.find(c) != more.npos; });
}

bool is_repository_part(std::string_view text) {
  return is_word(text, "._-", kLongestRepositoryPart) && text.back() != '.' && text.back() != '-' &&
         text.find("--") == text.npos;
}

bool is_gguf(std::string_view file) { return lower(file).ends_with(".gguf"); }
bool is_file_name(std::string_view name) { return is_gguf(name) || lower(name).ends_with(".safetensors"); }

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  fail("'{}' cannot be a model's name: {}", shown(text), why);
}

void set_repository(Name& name, std::string_view repository, std::string_view text) {
  if (!is_repository(repository)) {
    refuse(text, fmt::format("a repository is OWNER/NAME, each of at most {} letters, digits, dots, dashes and "
                             "underscores, with no two dots or dashes together", kLongestRepositoryPart));
  }
  name.kind = NameKind::hub;
  size_t slash = repository.find('/');
  name.owner = repository.substr(0, slash);
  name.repo = repository.substr(slash + 1);
}

// "owner/repo", "owner/repo:QUANT", "owner/repo:file.gguf"
Name parse_repository(std::string_view rest, std::string_view text) {
  Name name;
  size_t colon = rest.find(':');
  set_repository(name, rest.substr(0, colon), text);
  if (is_file_name(name.repo)) refuse(text, "it reads like a file that is not there; one on the hub is OWNER/NAME:FILE.gguf");
  if (colon == rest.npos) return name;
  std::string_view tag = rest.substr(colon + 1);
  if (is_gguf(tag) && is_repository_file(tag)) {
    name.file = tag;
  } else if (!is_word(tag, "._-", 64)) {
    refuse(text, "after the colon stands a quantisation such as Q4_K_M, or a .gguf file");
  } else if (!same_name(tag, "latest")) {
    name.quantisation = tag;
  }
  return name;
}

// What follows the host of a hub's URL: /owner/repo, /owner/repo/tree/REV, /owner/repo/{blob,resolve}/REV/FILE.
Name parse_hub_path(std::string_view path, std::string_view text) {
  Name name;
  if (path.starts_with('/')) path.remove_prefix(1);
  if (path.ends_with('/')) path.remove_suffix(1);
  size_t owner_end = path.find('/');
  size_t repo_end = owner_end == path.npos ? path.npos : path.find('/', owner_end + 1);
  if (repo_end == path.npos) return parse_repository(path, text);
  set_repository(name, path.substr(0, repo_end), text);

  std::string_view rest = path.substr(repo_end + 1);
  size_t verb_end = rest.find('/');
  std::string_view verb = rest.substr(0, verb_end);
  if (verb_end == rest.npos || (verb != "blob" && verb != "resolve" && verb != "tree"))
    refuse(text, "a hub's URL is …/OWNER/NAME or …/OWNER/NAME/blob/REVISION/FILE");
  rest.remove_prefix(verb_end + 1);
  size_t revision_end = rest.find('/');
  name.revision = rest.substr(0, revision_end);
  if (!is_revision(name.revision)) refuse(text, "its revision is not a branch, tag or commit");
  if (revision_end == rest.npos) {
    if (verb != "tree") refuse(text, "it names no file");
    return name;
  }
  name.file = rest.substr(revision_end + 1);
  if (verb == "tree" || !is_repository_file(name.file) || !is_gguf(name.file))
    refuse(text, "only a .gguf file can be pulled by its address; give OWNER/NAME for all that a model needs");
  return name;
}

Name parse_url(std::string_view text, std::string_view endpoint) {
  if (text.size() > kLongestUrl) refuse(text, fmt::format("a URL may have {} bytes", kLongestUrl));
  std::optional<Url> url = read_url(std::string(text));
  if (!url) refuse(text, "it is no valid http or https URL, or holds a user name or password");
  std::optional<Url> hub = read_url(std::string(endpoint));
  bool public_hub = url->host == "huggingface.co" || url->host == "www.huggingface.co" || url->host == "hf.co";
  if (public_hub || (hub && url->origin == hub->origin)) return parse_hub_path(url->path, text);

  Name name;
  name.kind = NameKind::url;
  name.url = text.substr(0, text.find('#'));
  name.file = url->path.substr(url->path.rfind('/') + 1);
  if (!is_repository_file(name.file) || !is_gguf(name.file))
    refuse(text, "the URL of a model ends with the name of a .gguf file, of letters, digits and the like");
  return name;
}

// "hf.co/owner/repo" and its like, without the scheme.
std::optional<std::string_view> after_hub_host(std::string_view text) {
  for (std::string_view host : {"hf.co/", "huggingface.co/", "www.huggingface.co/"}) {
    if (text.size() > host.size() && same_name(text.substr(0, host.size()), host)) return text.substr(host.size());
  }
  return std::nullopt;
}

}  // namespace

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
  }
  return result;
}

bool same_name(std::string_view one, std::string_view two) {
  return one.size() == two.size() && lower(one) == lower(two);
}

std::string shown(std::string_view text) {
  std::string result;
  for (char c : text.substr(0, 100)) result += c >= ' ' && c <= '~' ? c : '?';
  return text.size() > 100 ? result + "…" : result;
}

bool is_plain_name(std::string_view text) {
  return is_word(text, "._:-", kLongestPlain) && text.back() != ':' && text.back() != '.';
}

bool is_repository(std::string_view text) {
  size_t slash = text.find('/');
  return slash != text.npos && is_repository_part(text.substr(0, slash)) && is_repository_part(text.substr(slash + 1));
}

bool is_revision(std::string_view text) { return is_word(text, "._-", kLongestPlain); }

bool is_repository_file(std::string_view text) {
  if (text.empty() || text.size() > kLongestFile) return false;
  bool ascii = std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~' && c != '\\'; });
  if (!ascii) return false;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find('/', begin), text.size());
    if (end == begin || text[begin] == '.') return false;
    begin = end + 1;
  }
  return true;
}

Name parse_name(std::string_view text, std::string_view endpoint) {
  if (text.empty()) fail("a model's name is empty");
  for (char c : text) {
    if (c <= ' ' || c > '~') refuse(text, "it holds a space, a control character or a letter that is not ASCII");
  }
  if (same_name(text.substr(0, 7), "http://") || same_name(text.substr(0, 8), "https://"))
    return parse_url(text, endpoint);
  if (text.find("://") != text.npos) refuse(text, "models are pulled over http and https only");
  if (auto path = after_hub_host(text)) return parse_hub_path(*path, text);
  if (text.find('/') != text.npos) return parse_repository(text, text);
  if (!is_plain_name(text)) {
    refuse(text, fmt::format("a name has at most {} letters, digits, dots, colons, dashes and underscores, begins with a "
                             "letter or a digit and has no two dots together", kLongestPlain));
  }
  Name name;
  name.plain = lower(text);
  return name;
}

}  // namespace troika::store
