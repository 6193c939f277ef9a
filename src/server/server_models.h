// The handlers that load, unload, bring and remove models.
#pragma once

#include <string_view>

#include "server/http.h"
#include "server/models.h"

namespace troika::server {

Reply load_model(const Models& models, const HttpRequest& request, std::string_view rest);
Reply unload_model(const Models& models, const HttpRequest& request, std::string_view rest);
Reply ollama_pull(const Models& models, const HttpRequest& request, std::string_view rest);
Reply ollama_copy(const Models& models, const HttpRequest& request, std::string_view rest);
Reply ollama_delete(const Models& models, const HttpRequest& request, std::string_view rest);

}  // namespace troika::server
