// Folders of the user's, where XDG says that they are.
#pragma once

#include <filesystem>
#include <optional>

namespace troika {

// For what can be made again; nothing where the user has no home.
std::optional<std::filesystem::path> cache_folder();

}  // namespace troika
