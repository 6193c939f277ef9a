#include "base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>

#include <string>

namespace troika::log {

void set_up(std::string_view level) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("troika"));
  spdlog::set_pattern("%^%l%$: %v");
  spdlog::set_level(spdlog::level::from_str(std::string(level)));
}

}  // namespace troika::log
