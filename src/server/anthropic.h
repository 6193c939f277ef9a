// The handlers of Anthropic's Messages API. See routes.h for the meaning of the arguments.
#pragma once

#include <string_view>

#include "server/http.h"
#include "server/models.h"

namespace troika::server {

Reply messages(const Models& models, const HttpRequest& request, std::string_view rest);
Reply count_tokens(const Models& models, const HttpRequest& request, std::string_view rest);

}  // namespace troika::server
