// Which function answers which request: one table of method and path.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "server/api_error.h"
#include "server/api_fields.h"
#include "server/http.h"
#include "server/loading_stream.h"
#include "server/models.h"
#include "server/role.h"

namespace troika::server {

// `rest` is what follows the route's path, for routes that end in '/'.
using Handler = Reply (*)(const Models&, const HttpRequest&, std::string_view rest);

struct Route {
  std::string_view method, path;
  Handler handler;
  bool heavy;  // parses, renders and tokenises: belongs on the pool; a POST counts against a key's limits
  Role role;   // that may ask for it
  ErrorStyle errors;
  const Schema* body;        // null: none is read
  std::string_view summary;  // for the OpenAPI description
  Events events = Events::none;  // of its streams that can be told of the loading of a model
};

std::span<const Route> all_routes();

struct Match {
  const Route* route = nullptr;  // null: `reply` says why
  std::string rest;
  Reply reply;
};

// HEAD finds GET's route, OPTIONS is answered with what the path takes. Paths work with and without /v1 in front, but
// for Ollama's, which begin with /api/.
Match match_route(const HttpRequest& request);

// The handler's reply; every exception becomes an error reply. With Reply::waits, `streamed` says that it is going to be a
// stream which can be told of the loading.
Reply answer(const Match& match, const Models& models, const HttpRequest& request);

// The same for what `reply.later` makes.
Reply answer_later(const Match& match, const Reply& reply, const HttpRequest& request, const std::stop_token& stop);

// The head of the stream that is going to answer a request whose model is being loaded.
Reply stream_head(const Match& match, const HttpRequest& request);

}  // namespace troika::server
