#include "apps/server_client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "store/url.h"

namespace troika::apps {
namespace {

constexpr size_t kMostBytes = 64 << 20;

size_t append(char* bytes, size_t size, size_t count, void* to) {
  auto& text = *static_cast<std::string*>(to);
  if (text.size() + size * count > kMostBytes) return 0;
  text.append(bytes, size * count);
  return size * count;
}

}  // namespace

void add_server_options(CLI::App& verb, ServerAddress& address) {
  verb.add_option("--url", address.url, "of the server")->envname("TROIKA_URL");
  verb.add_option("--api-key", address.key, "for a server with keys")->envname("TROIKA_API_KEY");
  add_trust_options(verb, address.trust);
}

nlohmann::ordered_json ask_server(const ServerAddress& address, const std::string& path,
                                  const nlohmann::ordered_json& body) {
  const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), curl_easy_cleanup);
  check(curl != nullptr, "libcurl has memory");
  std::string answer, sent = body.is_null() ? "" : body.dump();
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(nullptr, curl_slist_free_all);
  const auto add_header = [&](const std::string& header) {
    headers.reset(curl_slist_append(headers.release(), header.c_str()));
  };
  add_header("Content-Type: application/json");
  if (!address.key.empty()) add_header("Authorization: Bearer " + address.key);
  std::string url = address.url;
  while (url.ends_with('/')) url.pop_back();
  char problem[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, problem);
  curl_easy_setopt(curl.get(), CURLOPT_URL, (url + path).c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  // In place of NO_PROXY, so only where no proxy can be meant.
  if (const auto parsed = store::read_url(url); parsed && parsed->is_loopback())
    curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  if (!sent.empty()) curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, sent.c_str());
  apply(address.trust, curl.get());
  const CURLcode code = curl_easy_perform(curl.get());
  if (code == CURLE_PEER_FAILED_VERIFICATION)
    fail("who answers at {} is not believed ({}); {}", address.url, problem, kTrustCure);
  if (code == CURLE_SSL_CONNECT_ERROR)
    fail("{} does not speak TLS as we do ({}); is it http://?", address.url, problem);
  if (code != CURLE_OK)
    fail("no server answers at {} ({}); start one with `troika serve`, or name it with --url", address.url,
         curl_easy_strerror(code));
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  const auto json = nlohmann::ordered_json::parse(answer, nullptr, false);
  if (json.is_discarded()) fail("{} is no Troika server: its answer is not JSON (HTTP {})", address.url, status);
  if (status < 400) return json;
  const auto error = json.is_object() ? json.value("error", nlohmann::ordered_json()) : nlohmann::ordered_json();
  if (error.is_string()) fail("{}", error.get<std::string>());
  if (error.is_object() && error.contains("message") && error["message"].is_string())
    fail("{}", error["message"].get<std::string>());
  fail("the server at {} answers with HTTP {}", address.url, status);
}

}  // namespace troika::apps
