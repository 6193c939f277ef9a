// One request over http or https by libcurl: redirects are followed here, one by one, so that each answer on the way is
// seen and a token goes to the origin that it is for and to no other.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

namespace troika::store {

struct HttpRequest {
  std::string url;
  std::string token;         // "": none
  std::string token_origin;  // the only origin (Url::origin) that gets it
  bool head = false;         // headers only
  bool follow = true;        // redirects
  std::string range;         // "100-", "0-0"; "": all
  std::string if_range;      // the etag for which the range is wanted; "": any
};

enum class Transport {
  ok,           // there is an answer; its status may still be an error
  unreachable,  // no connection: no such host, refused, wrong certificate
  broken,       // cut off, or nothing came for a minute
};

struct HttpAnswer {
  Transport transport = Transport::ok;
  std::string problem;  // of the transport, a clause: "could not resolve host: …"
  int status = 0;
  std::string host;                            // that answered
  std::map<std::string, std::string> headers;  // names in lower case

  std::string header(const std::string& name) const;
  std::optional<uint64_t> number(const std::string& name) const;  // a header that is a number
  // How long Retry-After asks to wait, be it seconds or a date.
  std::optional<std::chrono::seconds> retry_after() const;
};

// `answered` sees every answer's headers, of redirects too, and says whether to go on; `body` gets what a 2xx answer
// brings. Either may throw. Returns the last answer. Throws Stopped soon after a stop is requested, Error when a redirect
// leads where it should not. Any thread.
HttpAnswer request(const HttpRequest& request, const std::function<bool(const HttpAnswer&)>& answered,
                   const std::function<void(std::span<const char>)>& body, const std::stop_token& stop);

}  // namespace troika::store
