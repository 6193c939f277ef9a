// Which function answers which request: one table of method and path.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "server/http.h"
#include "server/models.h"

namespace troika::server {

// `rest` is what follows the route's path, for routes that end in '/'.
using Handler = Reply (*)(const Models&, const HttpRequest&, std::string_view rest);

struct Route {
  std::string_view method, path;
  Handler handler;
  bool heavy;  // parses, renders and tokenises: belongs on the pool, and counts against a key's limits
  Role role;   // that may ask for it
};

std::span<const Route> all_routes();

struct Match {
  const Route* route = nullptr;  // null: `reply` says why
  std::string rest;
  Reply reply;
};

// HEAD finds GET's route. Paths work with and without /v1 in front.
Match match_route(const HttpRequest& request);

// The handler's reply; every exception becomes an error reply.
Reply answer(const Match& match, const Models& models, const HttpRequest& request);

// The same for what `reply.later` makes.
Reply answer_later(const Reply& reply, const HttpRequest& request, const std::stop_token& stop);

}  // namespace troika::server
