// See routes.h.
#include "server/routes.h"

#include <algorithm>

#include "base/log.h"
#include "server/api_error.h"
#include "server/observe.h"
#include "server/openai.h"
#include "server/web_page.h"

namespace troika::server {
namespace {

constexpr Route kRoutes[] = {
    {"GET", "/", front, false, Role::open},  // the page holds nothing; what it asks for needs the key
    {"GET", "/assets/", web_asset, false, Role::open},
    {"GET", "/health", health, false, Role::open},
    {"GET", "/metrics", metrics, false, Role::user},
    {"GET", "/api/troika/status", status, false, Role::user},
    {"GET", "/models", list_models, false, Role::user},
    {"GET", "/models/", show_model, false, Role::user},
    {"POST", "/chat/completions", chat_completions, true, Role::user},
    {"POST", "/completions", completions, true, Role::user},
};

// What follows the route's path, if the path is this route's: exactly, or beyond a final '/' of a longer one.
std::optional<std::string_view> follow(const Route& route, std::string_view path) {
  const bool open_end = route.path.size() > 1 && route.path.ends_with('/');
  if (!open_end) return path == route.path ? std::optional<std::string_view>("") : std::nullopt;
  if (!path.starts_with(route.path) || path.size() == route.path.size()) return std::nullopt;
  return path.substr(route.path.size());
}

}  // namespace

std::span<const Route> all_routes() { return kRoutes; }

Match match_route(const HttpRequest& request) {
  std::string_view path = request.path;
  if (path.starts_with("/v1/")) path.remove_prefix(3);
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  std::string allowed;
  for (const Route& route : kRoutes) {
    const auto rest = follow(route, path);
    if (!rest) continue;
    if (route.method == method) return {.route = &route, .rest = std::string(*rest)};
    allowed +=
        fmt::format("{}{}", allowed.empty() ? "" : ", ", route.method == "GET" ? "GET, HEAD" : route.method);
  }
  Match match;
  if (allowed.empty()) {
    match.reply = error_reply({404, "not_found_error", fmt::format("There is no {} here.", request.path)});
  } else {
    match.reply =
        error_reply({405, "invalid_request_error",
                     fmt::format("{} does not take {}; it takes {}.", request.path, request.method, allowed),
                     "", "method_not_allowed"});
    match.reply.headers.emplace_back("Allow", allowed);
  }
  return match;
}

namespace {

template <typename Make>
Reply reply_or_error(const HttpRequest& request, const Make& make) {
  try {
    return make();
  } catch (const ApiError& error) {
    return error_reply(error);
  } catch (const std::exception& error) {
    log::error("{} {}: {}", request.method, request.path, error.what());
    return error_reply({500, "server_error", "The server failed to answer this request; its log says why."});
  }
}

}  // namespace

Reply answer(const Match& match, const Models& models, const HttpRequest& request) {
  return reply_or_error(request, [&] { return match.route->handler(models, request, match.rest); });
}

Reply answer_later(const Reply& reply, const HttpRequest& request, const std::stop_token& stop) {
  return reply_or_error(request, [&] { return reply.later(stop); });
}

Models::Models(std::vector<ServedModel> models, ImageOptions images, std::string version)
    : models_(std::move(models)), pictures_(std::move(images)), version_(std::move(version)) {
  check(!models_.empty(), "a server needs a model");
}

const ServedModel& Models::find(const std::optional<std::string>& name) const {
  if (!name) return models_.front();
  std::vector<std::string_view> ids;
  for (const ServedModel& model : models_) {
    if (model.id == *name || std::ranges::find(model.aliases, *name) != model.aliases.end()) return model;
    ids.push_back(model.id);
  }
  std::string shown = name->substr(0, 80);
  std::ranges::replace_if(shown, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  throw ApiError(404, "not_found_error",
                 fmt::format("The model '{}' is not served here. Served: {}.", shown,
                             fmt::join(ids, ", ")),
                 "model", "model_not_found");
}

}  // namespace troika::server
