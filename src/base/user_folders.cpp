#include "base/user_folders.h"

#include <cstdlib>

namespace troika {

std::optional<std::filesystem::path> cache_folder() {
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg && *xdg == '/') return xdg;
  const char* home = std::getenv("HOME");
  if (!home || !*home) return std::nullopt;
  return std::filesystem::path(home) / ".cache";
}

}  // namespace troika
