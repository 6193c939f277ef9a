// The handlers of OpenAI's API. See routes.h for the meaning of the arguments.
#pragma once

#include <string_view>

#include "server/http.h"
#include "server/models.h"

namespace troika::server {

Reply chat_completions(const Models& models, const HttpRequest& request, std::string_view rest);
Reply completions(const Models& models, const HttpRequest& request, std::string_view rest);
Reply embeddings(const Models& models, const HttpRequest& request, std::string_view rest);
Reply create_response(const Models& models, const HttpRequest& request, std::string_view rest);
Reply show_response(const Models& models, const HttpRequest& request, std::string_view rest);
Reply delete_response(const Models& models, const HttpRequest& request, std::string_view rest);
Reply list_models(const Models& models, const HttpRequest& request, std::string_view rest);
Reply show_model(const Models& models, const HttpRequest& request, std::string_view rest);

}  // namespace troika::server
