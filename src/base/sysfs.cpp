#include "base/sysfs.h"

#include <algorithm>
#include <fstream>
#include <system_error>

namespace troika::platform {

namespace fs = std::filesystem;

std::optional<double> number_in(const fs::path& file) {
  std::ifstream in(file);
  double number = 0;
  if (in >> number) return number;
  return std::nullopt;
}

std::string line_in(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

std::optional<double> scaled(std::optional<double> number, double unit) {
  if (number) *number *= unit;
  return number;
}

std::vector<fs::path> folders_in(const fs::path& path, std::string_view prefix) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    if (it->path().filename().string().starts_with(prefix)) found.push_back(it->path());
  std::ranges::sort(found, {}, [](const fs::path& p) { return std::pair(p.string().size(), p.string()); });
  return found;
}

}  // namespace troika::platform
