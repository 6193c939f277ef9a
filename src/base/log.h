// Logging: spdlog's default logger on stderr. Anything a person did not ask for goes through here.
#pragma once

#include <spdlog/spdlog.h>

#include <string_view>

namespace troika::log {

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::log;
using spdlog::warn;
namespace level = spdlog::level;

// Level: "debug", "info", "warn" or "error"; sends everything to stderr in one line format.
void set_up(std::string_view level);

}  // namespace troika::log
