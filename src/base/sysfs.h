// Reading sysfs: files that hold one number or one line. What is not there, not for us to read, or no number, is nothing.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troika::platform {

std::optional<double> number_in(const std::filesystem::path& file);
std::string line_in(const std::filesystem::path& file);

// A number in thousandths, millionths or the like.
std::optional<double> scaled(std::optional<double> number, double unit);

// Whose names begin so, in the order of their numbers: hwmon2 comes before hwmon10.
std::vector<std::filesystem::path> folders_in(const std::filesystem::path& path, std::string_view prefix);

}  // namespace troika::platform
