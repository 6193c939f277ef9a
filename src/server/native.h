// The handlers of what is nobody else's API: health, the description, and llama.cpp's tools around tokens and prompts.
#pragma once

#include <string_view>

#include "server/http.h"
#include "server/models.h"

namespace troika::server {

Reply welcome(const Models& models, const HttpRequest& request, std::string_view rest);
Reply health(const Models& models, const HttpRequest& request, std::string_view rest);
Reply ready(const Models& models, const HttpRequest& request, std::string_view rest);
Reply openapi(const Models& models, const HttpRequest& request, std::string_view rest);
Reply props(const Models& models, const HttpRequest& request, std::string_view rest);
Reply tokenize(const Models& models, const HttpRequest& request, std::string_view rest);
Reply detokenize(const Models& models, const HttpRequest& request, std::string_view rest);
Reply apply_template(const Models& models, const HttpRequest& request, std::string_view rest);

}  // namespace troika::server
