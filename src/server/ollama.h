// The handlers of Ollama's API. See routes.h for the meaning of the arguments.
#pragma once

#include <string_view>

#include "server/http.h"
#include "server/models.h"

namespace troika::server {

Reply ollama_chat(const Models& models, const HttpRequest& request, std::string_view rest);
Reply ollama_generate(const Models& models, const HttpRequest& request, std::string_view rest);
Reply ollama_embed(const Models& models, const HttpRequest& request, std::string_view rest);
Reply ollama_old_embed(const Models& models, const HttpRequest& request, std::string_view rest);
Reply ollama_tags(const Models& models, const HttpRequest& request, std::string_view rest);
Reply ollama_ps(const Models& models, const HttpRequest& request, std::string_view rest);
Reply ollama_show(const Models& models, const HttpRequest& request, std::string_view rest);
Reply ollama_version(const Models& models, const HttpRequest& request, std::string_view rest);
Reply ollama_create(const Models& models, const HttpRequest& request, std::string_view rest);  // there is none

}  // namespace troika::server
