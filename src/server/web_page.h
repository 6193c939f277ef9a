// The page at / and its files.
#pragma once

#include <string_view>

#include "server/http.h"
#include "server/models.h"

namespace troika::server {

// The page for browsers, a word of welcome for everybody else.
Reply front(const Models& models, const HttpRequest& request, std::string_view rest);

Reply web_asset(const Models& models, const HttpRequest& request, std::string_view rest);

}  // namespace troika::server
