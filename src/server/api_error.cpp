// See api_error.h; and the random names of requests and answers.
#include "server/api_error.h"

#include <nlohmann/json.hpp>
#include <random>

namespace troika::server {
namespace {

nlohmann::ordered_json text_or_null(const std::string& text) {
  return text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(text);
}

}  // namespace

std::string error_body(const ApiError& error) {
  nlohmann::ordered_json body;
  body["error"] = {{"message", error.what()},
                   {"type", error.type},
                   {"param", text_or_null(error.param)},
                   {"code", text_or_null(error.code)}};
  // Messages may quote what the client sent, whatever its encoding.
  return body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Reply error_reply(const ApiError& error) {
  return {.status = error.status, .headers = error.headers, .body = error_body(error)};
}

std::string random_id(const char* prefix) {
  thread_local std::mt19937_64 random{std::random_device{}()};
  return fmt::format("{}{:016x}{:08x}", prefix, random(), random() & 0xffffffff);
}

}  // namespace troika::server
