// Talks to a running `troika serve` for the verbs that ask it something.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "apps/server_trust.h"

namespace CLI {
class App;
}

namespace troika::apps {

struct ServerAddress {
  std::string url = "http://127.0.0.1:8000";
  std::string key;  // "": none
  ServerTrust trust;
};

void add_server_options(CLI::App& verb, ServerAddress& address);

// GET, or POST of `body` when that is not null. Throws Error: there is no server, or what it says is wrong.
nlohmann::ordered_json ask_server(const ServerAddress& address, const std::string& path,
                                  const nlohmann::ordered_json& body);

}  // namespace troika::apps
