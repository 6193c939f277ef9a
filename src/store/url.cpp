#include "store/url.h"

#include <curl/curl.h>

#include <memory>

#include "store/name.h"

namespace troika::store {
namespace {

struct Free {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(char* text) const { curl_free(text); }
};

std::string part_of(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return "";
  const std::unique_ptr<char, Free> owner(text);
  return text;
}

}  // namespace

bool Url::is_loopback() const { return host == "localhost" || host == "127.0.0.1" || host == "[::1]"; }

std::optional<Url> read_url(const std::string& text) {
  const std::unique_ptr<CURLU, Free> parsed(curl_url());
  if (!parsed || text.empty() || text.find('\0') != text.npos) return std::nullopt;
  if (curl_url_set(parsed.get(), CURLUPART_URL, text.c_str(), CURLU_DISALLOW_USER) != CURLUE_OK) return std::nullopt;
  Url url{.scheme = part_of(parsed.get(), CURLUPART_SCHEME),
          .host = lower(part_of(parsed.get(), CURLUPART_HOST)),
          .path = part_of(parsed.get(), CURLUPART_PATH, CURLU_URLDECODE)};
  if (url.scheme != "http" && url.scheme != "https") return std::nullopt;
  url.origin = url.scheme + "://" + url.host + ":" + part_of(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  return url;
}

}  // namespace troika::store
