// See origin_check.h.
#include "server/origin_check.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/error.h"
#include "server/api_error.h"

namespace troika::server {
namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  return result;
}

// "example.org:8000" → "example.org", "[::1]:8000" → "::1"
std::string_view without_port(std::string_view authority) {
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

// Rebinding needs a name: a page from a bare address has that address as its origin.
bool is_address(const std::string& host) {
  in6_addr room;
  return ::inet_pton(AF_INET, host.c_str(), &room) == 1 || ::inet_pton(AF_INET6, host.c_str(), &room) == 1;
}

std::string_view drop_default_port(std::string_view authority, std::string_view scheme) {
  const std::string_view port = scheme == "http" ? ":80" : scheme == "https" ? ":443" : "";
  if (!port.empty() && authority.ends_with(port)) authority.remove_suffix(port.size());
  return authority;
}

bool is_preflight(const HttpRequest& request) {
  return request.method == "OPTIONS" && !request.header("origin").empty() &&
         !request.header("access-control-request-method").empty();
}

ApiError forbidden(const std::string& message, const char* code) {
  return ApiError(403, "permission_error", message, "", code);
}

}  // namespace

OriginCheck::OriginCheck(OriginOptions options, Listening listening)
    : options_(std::move(options)),
      host_(lower(listening.host)),
      check_host_(listening.loopback || !options_.allowed_hosts.empty()),
      tls_(listening.tls) {
  for (std::string& name : options_.allowed_hosts) name = lower(name);
  for (std::string& origin : options_.cors_origins) {
    origin = lower(origin);
    const size_t colon = origin.find("://");
    if (origin != "*" && origin != "null" && (colon == origin.npos || origin.find('/', colon + 3) != origin.npos))
      fail("--cors-origins: '{}' is no origin; one looks like https://app.example or http://localhost:3000", origin);
  }
}

bool OriginCheck::names_us(std::string_view authority) const {
  const std::string host = lower(without_port(authority));
  return host == "localhost" || host.ends_with(".localhost") || host == host_ || is_address(host) ||
         std::ranges::find(options_.allowed_hosts, host) != options_.allowed_hosts.end();
}

// The authority tells. A proxy may speak TLS in front of us, so a page of a plain server may be https all the same.
bool OriginCheck::is_our_page(std::string_view origin, std::string_view host) const {
  const size_t colon = origin.find("://");
  if (colon == origin.npos) return false;
  const std::string scheme = lower(origin.substr(0, colon));
  if (tls_ && scheme != "https") return false;
  return lower(drop_default_port(origin.substr(colon + 3), scheme)) == lower(drop_default_port(host, scheme));
}

bool OriginCheck::listed(std::string_view origin) const {
  const std::string wanted = lower(origin);
  return std::ranges::any_of(options_.cors_origins,
                             [&](const std::string& o) { return o == "*" || o == wanted; });
}

std::optional<Reply> OriginCheck::intercept(const HttpRequest& request) const {
  const std::string_view host = request.header("host"), origin = request.header("origin");
  if (check_host_ && !host.empty() && !names_us(host))
    return error_reply(forbidden(
        fmt::format("This server does not go by the name '{}'; start it with --allowed-hosts if it should.",
                    shown(without_port(host))),
        "host_not_allowed"));
  if (origin.empty()) return std::nullopt;
  if (!is_our_page(origin, host) && !listed(origin))
    return error_reply(forbidden(
        fmt::format("Pages from '{}' may not use this server; start it with --cors-origins if they should.",
                    shown(origin)),
        "origin_not_allowed"));
  if (!is_preflight(request)) return std::nullopt;
  Reply reply{.status = 204};
  const std::string_view asked = request.header("access-control-request-headers");
  reply.headers = {{"Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE, OPTIONS"},
                   {"Access-Control-Allow-Headers", asked.empty() ? "*" : std::string(asked)},
                   {"Access-Control-Max-Age", "600"}};
  if (request.header("access-control-request-private-network") == "true")
    reply.headers.emplace_back("Access-Control-Allow-Private-Network", "true");
  let_read(request, reply);
  return reply;
}

void OriginCheck::let_read(const HttpRequest& request, Reply& reply) const {
  if (options_.cors_origins.empty()) return;
  reply.headers.emplace_back("Vary", "Origin");
  const std::string_view origin = request.header("origin");
  if (origin.empty() || !listed(origin)) return;
  reply.headers.emplace_back("Access-Control-Allow-Origin", std::string(origin));
  reply.headers.emplace_back("Access-Control-Expose-Headers", "x-request-id, Retry-After");
}

}  // namespace troika::server
