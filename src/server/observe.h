// What the server tells of itself: Prometheus' exposition at /metrics, and the same in JSON for the dashboard.
#pragma once

#include <string_view>

#include "server/http.h"
#include "server/models.h"

namespace troika::server {

Reply metrics(const Models& models, const HttpRequest& request, std::string_view rest);
Reply status(const Models& models, const HttpRequest& request, std::string_view rest);

}  // namespace troika::server
