// Writing so that after a crash there is either the old file or the new one, whole.
#pragma once

#include <filesystem>
#include <string_view>

namespace troika::store {

void make_folders(const std::filesystem::path& folder);  // those that are missing; throws Error

// Puts a file that is on disk in another's place, and that change on disk too.
void rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);

void replace_file(const std::filesystem::path& path, std::string_view content);

// A symbolic link in place of what was there.
void replace_link(const std::filesystem::path& path, const std::filesystem::path& target);

}  // namespace troika::store
