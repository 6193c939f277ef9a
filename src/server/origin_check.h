// Web pages of strangers: a page in the user's browser can reach this machine, and must not get to the models.
//
// Three rules. (1) On loopback the Host header must name this machine, so that a stranger's name which suddenly
// resolves to 127.0.0.1 (DNS rebinding) leads nowhere. (2) A request with an Origin is answered only if the page is
// our own or on the list. (3) CORS headers go to the list only, which is empty unless the user fills it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http.h"

namespace troika::server {

struct OriginOptions {
  std::vector<std::string> cors_origins;   // "https://app.example"; "*": all
  std::vector<std::string> allowed_hosts;  // names besides this machine's own, for proxies in front of us
};

struct Listening {
  std::string host;       // that the server was told to listen on
  bool loopback = false;  // only this machine reaches it
  bool tls = false;       // our own pages are https then
};

class OriginCheck {
 public:
  // Throws Error for an origin that no browser would send.
  OriginCheck(OriginOptions options, Listening listening);

  // The answer to a request that must not get further: a refusal, or what a browser asks before the real request.
  std::optional<Reply> intercept(const HttpRequest& request) const;

  // Lets a page of the list read the reply.
  void let_read(const HttpRequest& request, Reply& reply) const;

 private:
  bool names_us(std::string_view host) const;
  bool is_our_page(std::string_view origin, std::string_view host) const;
  bool listed(std::string_view origin) const;

  OriginOptions options_;
  std::string host_;
  bool check_host_, tls_;
};

}  // namespace troika::server
