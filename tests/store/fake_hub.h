// A Hugging Face hub on two loopback ports: the hub itself, and the content network to which it redirects. `meddle` sees
// every request before it is answered and may answer otherwise.
#pragma once

#include <atomic>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "files/scratch.h"
#include "store/digest.h"
#include "store/fake_server.h"
#include "store/store.h"

namespace troika::store {

inline const std::string kCommit = "0123456789abcdef0123456789abcdef01234567";

inline std::string some_bytes(size_t count, unsigned seed = 1) {
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = char((seed = seed * 1103515245u + 12345u) >> 16);
  return bytes;
}

class FakeHub {
 public:
  using Meddler = std::function<std::optional<FakeAnswer>(const FakeRequest&)>;
  using Files = std::map<std::string, std::string>;

  explicit FakeHub(std::map<std::string, Files> repositories)
      : repositories_(std::move(repositories)),
        content([this](const FakeRequest& r) { return serve(r); }),
        hub([this](const FakeRequest& r) { return answer(r); }) {
    settings.cache = scratch / "hub";
    settings.home = scratch / "own";
    settings.endpoint = hub.url();
    settings.retry_pause = std::chrono::milliseconds(1);
  }

  Store store() const { return Store(settings); }
  std::filesystem::path repository(const std::string& name = "me--it-GGUF") const { return settings.cache / ("models--" + name); }
  std::filesystem::path blob(const std::string& bytes) const { return repository() / "blobs" / sha256_of(bytes); }
  std::filesystem::path part(const std::string& bytes) const { return blob(bytes).string() + ".incomplete"; }

  // The sentence with which a pull fails; "" when it does not.
  std::string failure(const std::string& name) const {
    try {
      store().pull(name, {}, {});
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }

  Meddler meddle_hub = [](const FakeRequest&) { return std::nullopt; };
  Meddler meddle_content = [](const FakeRequest&) { return std::nullopt; };
  bool lists_digests = true;  // else the files' own headers say them

 private:
  std::map<std::string, Files> repositories_;

  FakeAnswer answer(const FakeRequest& request) {
    if (auto other = meddle_hub(request)) return *other;
    std::string path = request.target.substr(1, request.target.find('?') - 1);
    if (path.starts_with("api/models/")) return list(path.substr(11, path.find("/revision/") - 11));
    size_t end = path.find("/resolve/");
    std::string name = path.substr(0, end), file = path.substr(path.find('/', end + 9) + 1);
    if (!repositories_.contains(name) || !repositories_[name].contains(file)) return {.status = "404 Not Found"};
    const std::string& bytes = repositories_[name][file];
    return {.status = "302 Found",
            .headers = {{"Location", content.url("localhost") + "/" + name + "/" + file},
                        {"X-Repo-Commit", kCommit},
                        {"X-Linked-ETag", "\"" + sha256_of(bytes) + "\""},
                        {"X-Linked-Size", std::to_string(bytes.size())}}};
  }

  FakeAnswer list(const std::string& name) {
    if (!repositories_.contains(name)) return {.status = "401 Unauthorized", .headers = {{"X-Error-Code", "RepoNotFound"}}};
    auto siblings = nlohmann::json::array();
    for (const auto& [file, bytes] : repositories_[name]) {
      siblings.push_back({{"rfilename", file}, {"size", bytes.size()}});
      if (lists_digests) siblings.back()["lfs"] = {{"sha256", sha256_of(bytes)}, {"size", bytes.size()}};
    }
    return {.body = nlohmann::json{{"id", name}, {"sha", kCommit}, {"siblings", siblings}}.dump()};
  }

  FakeAnswer serve(const FakeRequest& request) {
    if (auto other = meddle_content(request)) return *other;
    size_t end = request.target.find('/', request.target.find('/', 1) + 1);
    const std::string& bytes = repositories_[request.target.substr(1, end - 1)][request.target.substr(end + 1)];
    if (request.header("range").empty()) return {.body = bytes};
    return {.status = "206 Partial Content",
            .headers = {{"Content-Range", fmt::format("bytes {}-{}/{}", request.begin(), bytes.size() - 1, bytes.size())}},
            .body = bytes.substr(request.begin())};
  }

 public:
  files::Scratch scratch;
  Settings settings;
  FakeServer content, hub;
};

}  // namespace troika::store
