// A refused request: an HTTP status and the members of OpenAI's error object, from which the errors of the other APIs
// are made.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/error.h"
#include "server/http.h"

namespace troika::server {

struct ApiError : Error {
  ApiError(int status, std::string type, const std::string& message, std::string param = "",
           std::string code = "")
      : Error(message),
        status(status),
        type(std::move(type)),
        param(std::move(param)),
        code(std::move(code)) {}

  int status;
  std::string type, param, code;  // empty: null in the reply
  std::vector<std::pair<std::string, std::string>> headers;  // of the reply, such as Retry-After
};

// 400 for the field at `path`, such as "messages[0].content"; "" when no single field is to blame.
template <typename... Args>
[[noreturn]] void refuse(const std::string& path, fmt::format_string<Args...> format, Args&&... args) {
  throw ApiError(400, "invalid_request_error", fmt::format(format, std::forward<Args>(args)...), path);
}

// What a client sent, as a complaint quotes it: its beginning, without control characters.
std::string shown(std::string_view text);

// 400 for the field at `path`: we know `what` and cannot do it.
[[noreturn]] void refuse_unsupported(const std::string& path, std::string_view what);

// How an API's clients want to hear of an error.
enum class ErrorStyle : uint8_t {
  openai,     // {"error": {"message", "type", "param", "code"}}
  anthropic,  // {"type": "error", "error": {"type", "message"}, "request_id"}
  ollama,     // {"error": "message"}
};

// In one line. `request_id` is part of Anthropic's.
std::string error_body(const ApiError& error, ErrorStyle style = ErrorStyle::openai,
                       const std::string& request_id = "");
Reply error_reply(const ApiError& error, ErrorStyle style = ErrorStyle::openai,
                  const std::string& request_id = "");

}  // namespace troika::server
