#include "store/hub.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "store/patience.h"
#include "store/url.h"

namespace troika::store {
namespace {

using nlohmann::json;

constexpr size_t kMostListingBytes = 64 << 20;
constexpr uint64_t kMostFileBytes = uint64_t{1} << 50;

// A piece of a URL's path.
std::string escaped(std::string_view text) {
  std::string result;
  for (char c : text) {
    bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                 std::string_view("-._~/").find(c) != std::string_view::npos;
    result += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

std::string text_at(const json& object, const char* key) {
  auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

uint64_t bytes_at(const json& object, const char* key) {
  auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
}

HubFile read_file(const json& sibling) {
  HubFile file{.name = text_at(sibling, "rfilename"), .bytes = bytes_at(sibling, "size")};
  if (auto lfs = sibling.find("lfs"); lfs != sibling.end() && lfs->is_object()) {
    file.digest = text_at(*lfs, "sha256");
    if (uint64_t bytes = bytes_at(*lfs, "size"); bytes > 0) file.bytes = bytes;
    if (!is_sha256(file.digest)) file.digest.clear();
  } else if (file.digest = text_at(sibling, "blobId"); !is_git_hash(file.digest)) {
    file.digest.clear();
  }
  return file;
}

HubRepository read_repository(const std::string& text, const Name& name, const Settings& settings) {
  json listing = json::parse(text, nullptr, /*allow_exceptions=*/false);
  HubRepository repository{.name = text_at(listing, "id"), .commit = text_at(listing, "sha")};
  auto siblings = listing.is_object() ? listing.find("siblings") : listing.end();
  if (siblings == listing.end() || !siblings->is_array() || !is_git_hash(repository.commit)) {
    fail("{} does not answer as a Hugging Face hub does when asked about {}; is HF_ENDPOINT right?", settings.endpoint,
         name.repository());
  }
  if (!same_name(repository.name, name.repository())) repository.name = name.repository();
  for (const json& sibling : *siblings) {
    if (!sibling.is_object()) continue;
    HubFile file = read_file(sibling);
    if (is_repository_file(file.name) && file.bytes < kMostFileBytes) repository.files.push_back(std::move(file));
  }
  return repository;
}

}  // namespace

void check_online(const Settings& settings, std::string_view what) {
  if (settings.offline_by.empty()) return;
  fail("{} is not here, and {} forbids the network: unset it, or pull the model where there is one", what,
       settings.offline_by);
}

std::string strong_etag(std::string_view header) {
  bool quoted = header.size() > 2 && header.front() == '"' && header.back() == '"';
  return quoted ? std::string(header.substr(1, header.size() - 2)) : "";
}

std::string digest_in(std::string_view etag) {
  if (etag.starts_with("W/")) etag.remove_prefix(2);  // weak or not, the content is compared with it
  std::string digest = strong_etag(etag);
  return is_sha256(digest) || is_git_hash(digest) ? digest : "";
}

HttpRequest with_token(HttpRequest request, const Settings& settings) {
  std::optional<Url> endpoint = read_url(settings.endpoint);
  request.token = settings.token;
  if (endpoint) request.token_origin = endpoint->origin;
  return request;
}

std::string explain(const HttpAnswer& answer, std::string_view what, std::string_view repository,
                    const Settings& settings) {
  const std::string& host = answer.host;
  switch (answer.transport) {
    case Transport::ok: break;
    case Transport::unreachable:
      return fmt::format("{} cannot be reached for {}: {}; is the network there, or a proxy to be named (HTTPS_PROXY)?",
                         host, what, answer.problem);
    case Transport::broken:
      return fmt::format("the connection to {} broke off while getting {}: {}.", host, what, answer.problem);
  }
  std::string code = answer.header("x-error-code"), cure = "the HF_TOKEN that was sent does not suffice";
  if (settings.token.empty()) cure = fmt::format("set HF_TOKEN to a token from {}/settings/tokens", settings.endpoint);
  // Without a token the hub says 401 of what is not there, so that nobody learns what is.
  bool unknown = code == "RepoNotFound" && answer.status != 404;
  if (unknown) return fmt::format("{} shows no {}: the name is wrong, or it is private ({})", host, what, cure);
  if (answer.status == 404) return fmt::format("{} has no {}; is the name right?", host, what);
  if ((answer.status == 401 || answer.status == 403) && !repository.empty()) {
    return fmt::format("{} is gated or private: accept its licence at {}/{} and {} ({} answered {})", repository,
                       settings.endpoint, repository, cure, host, answer.status);
  }
  if (answer.status == 429) return fmt::format("{} is asked too often and answers 429 for {}.", host, what);
  return fmt::format("{} answered {} when asked for {}.", host, answer.status, what);
}

HubRepository Hub::look_up(const Name& name, const std::stop_token& stop) const {
  check_online(settings_, name.repository());
  HttpRequest ask{.url = fmt::format("{}/api/models/{}/revision/{}?blobs=true", settings_.endpoint, name.repository(),
                                     name.revision)};
  std::string what = name.revision == "main" ? name.repository() : fmt::format("{} at revision {}", name.repository(), name.revision);
  Patience patience(settings_, stop);
  for (;;) {
    std::string text;
    HttpAnswer answer = request(
        with_token(ask, settings_), [](const HttpAnswer&) { return true; },
        [&](std::span<const char> bytes) {
          if (text.size() + bytes.size() > kMostListingBytes)
            fail("{} lists more files in {} than we take", settings_.endpoint, what);
          text.append(bytes.begin(), bytes.end());
        },
        stop);
    if (answer.transport == Transport::ok && answer.status == 200) return read_repository(text, name, settings_);
    if (!may_pass(answer)) throw Error(explain(answer, what, name.repository(), settings_));
    patience.wait(explain(answer, what, name.repository(), settings_), answer.retry_after());
  }
}

FileSource Hub::source_of(const HubRepository& repository, const HubFile& file, const std::stop_token& stop) const {
  FileSource source{.url = fmt::format("{}/{}/resolve/{}/{}", settings_.endpoint, repository.name, repository.commit,
                                       escaped(file.name)),
                    .name = file.name,
                    .bytes = file.bytes,
                    .digest = file.digest,
                    .repository = repository.name,
                    .commit = repository.commit};
  if (!source.digest.empty()) return source;
  std::string what = repository.name + "/" + file.name;
  Patience patience(settings_, stop);
  for (;;) {
    HttpAnswer answer = request(
        with_token({.url = source.url, .head = true, .follow = false}, settings_),
        [](const HttpAnswer&) { return true; }, [](std::span<const char>) {}, stop);
    bool found = answer.transport == Transport::ok && (answer.status == 200 || answer.status / 100 == 3);
    if (found) {
      bool linked = !answer.header("x-linked-etag").empty();
      source.digest = digest_in(answer.header(linked ? "x-linked-etag" : "etag"));
      source.bytes = answer.number(linked ? "x-linked-size" : "content-length").value_or(file.bytes);
      if (source.digest.empty()) fail("{} names no checksum for {}, so it cannot be stored safely", answer.host, what);
      return source;
    }
    if (!may_pass(answer)) throw Error(explain(answer, what, repository.name, settings_));
    patience.wait(explain(answer, what, repository.name, settings_), answer.retry_after());
  }
}

}  // namespace troika::store
