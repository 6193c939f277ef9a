// The parts of a URL that decide where a request goes, read by the library that connects: two parsers might read two
// hosts.
#pragma once

#include <optional>
#include <string>

namespace troika::store {

struct Url {
  std::string scheme;  // "http" or "https"
  std::string host;    // in lower case
  std::string path;    // "/a/b", percent-decoded, without query
  std::string origin;  // "https://host:443": scheme, host and port, comparable

  bool is_loopback() const;
  // Over https nobody else reads it, and to this machine itself nobody can.
  bool is_private() const { return scheme == "https" || is_loopback(); }
};

// Nothing when it is no http or https URL, or holds a user name or password.
std::optional<Url> read_url(const std::string& text);

}  // namespace troika::store
