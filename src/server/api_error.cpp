// See api_error.h; and the random names of requests and answers.
#include "server/api_error.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

namespace troika::server {
namespace {

nlohmann::ordered_json text_or_null(const std::string& text) {
  return text.empty() ? nlohmann::ordered_json() : nlohmann::ordered_json(text);
}

// Anthropic's types go by the status.
std::string_view anthropic_type(int status) {
  switch (status) {
    case 401:
      return "authentication_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
      return "overloaded_error";
    default:
      return status < 500 ? "invalid_request_error" : "api_error";
  }
}

nlohmann::ordered_json anthropic_error(const ApiError& error) {
  nlohmann::ordered_json body = {{"type", anthropic_type(error.status)}, {"message", error.what()}};
  // By these words the official client's tool runner learns to send the whole conversation with every request.
  if (error.param == "thread")
    body["details"] = {{"error_code", "thread_unsupported_request"},
                       {"unsupported", nlohmann::ordered_json::array({"thread"})}};
  return body;
}

nlohmann::ordered_json describe(const ApiError& error, ErrorStyle style, const std::string& request_id) {
  switch (style) {
    case ErrorStyle::openai:
      break;
    case ErrorStyle::anthropic:
      return {{"type", "error"},
              {"error", anthropic_error(error)},
              {"request_id", text_or_null(request_id)}};
    case ErrorStyle::ollama:
      return {{"error", error.what()}};
  }
  return {{"error",
           {{"message", error.what()},
            {"type", error.type},
            {"param", text_or_null(error.param)},
            {"code", text_or_null(error.code)}}}};
}

}  // namespace

std::string shown(std::string_view text) {
  constexpr size_t kMostBytes = 80;
  std::string result(text.substr(0, kMostBytes));
  std::ranges::replace_if(
      result, [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  if (text.size() > kMostBytes) result += "…";
  return result;
}

void refuse_unsupported(const std::string& path, std::string_view what) {
  throw ApiError(400, "invalid_request_error", fmt::format("{} is not supported yet.", what), path,
                 "unsupported_parameter");
}

std::string error_body(const ApiError& error, ErrorStyle style, const std::string& request_id) {
  // Messages may quote what the client sent, whatever its encoding.
  return describe(error, style, request_id)
      .dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Reply error_reply(const ApiError& error, ErrorStyle style, const std::string& request_id) {
  return {.status = error.status, .headers = error.headers, .body = error_body(error, style, request_id)};
}

std::string random_id(const char* prefix) {
  thread_local std::mt19937_64 random{std::random_device{}()};
  return fmt::format("{}{:016x}{:08x}", prefix, random(), random() & 0xffffffff);
}

}  // namespace troika::server
