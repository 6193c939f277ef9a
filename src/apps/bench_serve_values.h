// Values of the command line with units and ranges. Each throws Error that names the option.
#pragma once

#include <string>

#include "apps/bench_serve_requests.h"

namespace troika::apps::load {

// "128..1024" or "512", of numbers from 1.
Range read_range(const std::string& option, const std::string& text);

// "60s", "2m", "250ms", or "60": seconds.
double read_seconds(const std::string& option, const std::string& text);

// "10%" or "0.1", from 0 to 1.
double read_share(const std::string& option, const std::string& text);

}  // namespace troika::apps::load
