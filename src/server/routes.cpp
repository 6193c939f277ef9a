// See routes.h.
#include "server/routes.h"

#include <algorithm>

#include "base/log.h"
#include "server/anthropic.h"
#include "server/api_error.h"
#include "server/api_schemas.h"
#include "server/native.h"
#include "server/observe.h"
#include "server/ollama.h"
#include "server/openai.h"
#include "server/server_models.h"
#include "server/web_page.h"

namespace troika::server {
namespace {

using enum Role;
using enum ErrorStyle;

// Paths without /v1; those that end in '/' take whatever follows.
const Route kRoutes[] = {
    {"GET", "/", front, false, open, openai, nullptr,
     "The web page, which holds nothing itself: what it asks for needs the key"},
    {"GET", "/assets/", web_asset, false, open, openai, nullptr, "A file of the page"},
    {"GET", "/health", health, false, open, openai, nullptr, "Whether the server is well, and how busy"},
    {"GET", "/metrics", metrics, false, user, openai, nullptr, "Numbers for Prometheus"},
    {"GET", "/api/troika/status", status, false, user, openai, nullptr, "What the server does now, for the page"},
    {"GET", "/ready", ready, false, open, openai, nullptr, "Whether the server is ready to answer"},
    {"GET", "/openapi.json", openapi, true, open, openai, nullptr, "This description"},
    {"GET", "/props", props, false, user, openai, nullptr, "What the first model is and how it samples (llama.cpp)"},

    {"GET", "/models", list_models, true, user, openai, nullptr, "The models that are served"},
    {"GET", "/models/", show_model, true, user, openai, nullptr, "One model by its id"},
    {"POST", "/chat/completions", chat_completions, true, user, openai, &kChatSchema, "Answers a chat",
     Events::openai},
    {"POST", "/completions", completions, true, user, openai, &kCompletionSchema, "Continues a text",
     Events::openai},

    {"POST", "/embeddings", embeddings, true, user, openai, &kEmbeddingSchema, "Vectors of texts"},
    {"POST", "/responses", create_response, true, user, openai, &kResponseSchema, "Answers input (Responses API)",
     Events::responses},
    {"GET", "/responses/", show_response, true, user, openai, nullptr,
     "A response that is in memory; with /input_items behind its id, what it answered"},
    {"DELETE", "/responses/", delete_response, false, user, openai, nullptr, "Forgets a response"},

    {"POST", "/messages", messages, true, user, anthropic, &kMessagesSchema, "Answers messages (Anthropic)",
     Events::anthropic},
    {"POST", "/messages/count_tokens", count_tokens, true, user, anthropic, &kCountTokensSchema,
     "How many tokens messages have (Anthropic)"},

    {"POST", "/api/chat", ollama_chat, true, user, ollama, &kOllamaChatSchema, "Answers a chat"},
    {"POST", "/api/generate", ollama_generate, true, user, ollama, &kOllamaGenerateSchema, "Answers a prompt"},
    {"POST", "/api/embed", ollama_embed, true, user, ollama, &kOllamaEmbedSchema, "Vectors of texts"},
    {"POST", "/api/embeddings", ollama_old_embed, true, user, ollama, &kOllamaOldEmbedSchema,
     "The vector of a text, as it was before /api/embed"},
    {"GET", "/api/tags", ollama_tags, true, user, ollama, nullptr, "The models that are served"},
    {"GET", "/api/ps", ollama_ps, false, user, ollama, nullptr, "The models that are loaded"},
    {"POST", "/api/show", ollama_show, true, user, ollama, &kOllamaShowSchema, "What a model is"},
    {"GET", "/api/version", ollama_version, false, open, ollama, nullptr, "The version of Ollama's API"},
    {"POST", "/api/pull", ollama_pull, true, admin, ollama, &kOllamaPullSchema, "Brings a model, with its progress"},
    {"DELETE", "/api/delete", ollama_delete, true, admin, ollama, &kOllamaDeleteSchema, "Removes a model"},
    {"POST", "/api/copy", ollama_copy, true, admin, ollama, &kOllamaCopySchema, "Gives a model another name"},
    {"POST", "/api/create", ollama_create, false, admin, ollama, nullptr, "Refused: no models are made here"},
    {"POST", "/api/push", ollama_create, false, admin, ollama, nullptr, "Refused: no models are made here"},
    {"POST", "/api/troika/load", load_model, true, admin, openai, &kModelNameSchema,
     "Loads a model; answered when that is done"},
    {"POST", "/api/troika/unload", unload_model, true, admin, openai, &kModelNameSchema,
     "Unloads a model once nobody uses it"},

    {"POST", "/tokenize", tokenize, true, user, openai, &kTokenizeSchema, "Token ids of a text (llama.cpp)"},
    {"POST", "/detokenize", detokenize, true, user, openai, &kDetokenizeSchema, "The text of token ids (llama.cpp)"},
    {"POST", "/apply-template", apply_template, true, user, openai, &kChatSchema,
     "The prompt that a chat would make (llama.cpp)"},
};

// What follows the route's path, if the path is this route's: exactly, or beyond a final '/' of a longer one.
std::optional<std::string_view> follow(const Route& route, std::string_view path) {
  const bool open_end = route.path.size() > 1 && route.path.ends_with('/');
  if (!open_end) return path == route.path ? std::optional<std::string_view>("") : std::nullopt;
  if (!path.starts_with(route.path) || path.size() == route.path.size()) return std::nullopt;
  return path.substr(route.path.size());
}

// The prefixes under which tools look for OpenAI's API.
std::string_view without_prefix(std::string_view path) {
  for (const std::string_view prefix : {"/v1", "/api/v1"}) {
    const std::string_view rest = path.substr(std::min(prefix.size(), path.size()));
    if (path.starts_with(prefix) && rest.starts_with('/') && !rest.starts_with("/api/")) return rest;
  }
  return path;
}

}  // namespace

std::span<const Route> all_routes() { return kRoutes; }

Match match_route(const HttpRequest& request) {
  std::string_view path = without_prefix(request.path);
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  std::string allowed;
  ErrorStyle style = path.starts_with("/api/") ? ollama : openai;
  for (const Route& route : kRoutes) {
    const auto rest = follow(route, path);
    if (!rest) continue;
    if (route.method == method) return {.route = &route, .rest = std::string(*rest)};
    style = route.errors;
    allowed +=
        fmt::format("{}{}", allowed.empty() ? "" : ", ", route.method == "GET" ? "GET, HEAD" : route.method);
  }
  Match match;
  if (allowed.empty()) {
    match.reply =
        error_reply({404, "not_found_error", fmt::format("There is no {} here.", shown(request.path))}, style,
                    request.id);
    return match;
  }
  if (method == "OPTIONS") {
    match.reply.status = 204;
  } else {
    match.reply = error_reply({405, "invalid_request_error",
                               fmt::format("{} does not take {}; it takes {}.", shown(request.path),
                                           shown(request.method), allowed),
                               "", "method_not_allowed"},
                              style, request.id);
  }
  match.reply.headers.emplace_back("Allow", allowed);
  return match;
}

namespace {

// Anthropic's clients look for the id under this name. Who answers is told, and behind how many one waits.
Reply with_request_id(Reply reply, const Match& match, const HttpRequest& request) {
  if (match.route->errors == anthropic) reply.headers.emplace_back("request-id", request.id);
  const ModelSearch& search = request.search;
  if (search.waiting > 0) reply.headers.emplace_back("X-Troika-Queue", fmt::format("{}", search.waiting));
  if (!search.model.empty()) reply.headers.emplace_back("X-Troika-Model", fit_for_header(search.model));
  if (search.replica > 0) reply.headers.emplace_back("X-Troika-Replica", fmt::format("{}", search.replica));
  return reply;
}

template <typename Make>
Reply reply_or_error(const Route& route, const HttpRequest& request, const Make& make) {
  try {
    return make();
  } catch (const NotLoaded& model) {
    return {.streamed = model.wants_stream && route.events != Events::none, .waits = true};
  } catch (const ApiError& error) {
    return error_reply(error, route.errors, request.id);
  } catch (const std::exception& error) {
    log::error("{} {} {}: {}", request.id, request.method, route.path, error.what());  // never the path as it was sent
    return error_reply({500, "server_error", "The server failed to answer this request; its log says why."},
                       route.errors, request.id);
  }
}

}  // namespace

Reply answer(const Match& match, const Models& models, const HttpRequest& request) {
  Reply reply =
      reply_or_error(*match.route, request, [&] { return match.route->handler(models, request, match.rest); });
  return reply.later || reply.waits ? std::move(reply) : with_request_id(std::move(reply), match, request);
}

Reply stream_head(const Match& match, const HttpRequest& request) {
  return with_request_id(event_stream(), match, request);
}

Reply answer_later(const Match& match, const Reply& reply, const HttpRequest& request, const std::stop_token& stop) {
  return with_request_id(reply_or_error(*match.route, request, [&] { return reply.later(stop); }), match, request);
}

}  // namespace troika::server
