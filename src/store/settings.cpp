#include "store/settings.h"

#include <sys/statvfs.h>

#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "base/file_map.h"
#include "store/name.h"
#include "store/url.h"

namespace troika::store {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestToken = 4096;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool is_set(const char* name) {
  std::string value = lower(variable(name));
  return value == "1" || value == "on" || value == "yes" || value == "true";
}

fs::path under_home(std::string_view rest) {
  std::string home = variable("HOME");
  if (home.empty()) fail("there is no home folder: set HOME, or HF_HOME and TROIKA_HOME");
  return fs::path(home) / rest;
}

// A path as people write it into a variable: "~/models" too.
fs::path expanded(const std::string& text) {
  if (text == "~") return under_home("");
  return text.starts_with("~/") ? under_home(text.substr(2)) : fs::absolute(text);
}

fs::path hugging_face_home() {
  if (auto set = variable("HF_HOME"); !set.empty()) return expanded(set);
  if (auto set = variable("XDG_CACHE_HOME"); !set.empty()) return expanded(set) / "huggingface";
  return under_home(".cache/huggingface");
}

fs::path cache_folder() {
  for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
    if (auto set = variable(name); !set.empty()) return expanded(set);
  }
  return hugging_face_home() / "hub";
}

fs::path own_folder() {
  if (auto set = variable("TROIKA_HOME"); !set.empty()) return expanded(set);
  if (auto set = variable("XDG_DATA_HOME"); !set.empty()) return expanded(set) / "troika";
  return under_home(".local/share/troika");
}

std::string endpoint() {
  std::string set = variable("HF_ENDPOINT");
  if (set.empty()) return Settings{}.endpoint;
  while (set.ends_with('/')) set.pop_back();
  if (!read_url(set)) fail("HF_ENDPOINT is '{}', which is no http or https URL", shown(set));
  return set;
}

std::string token() {
  std::string text = variable("HF_TOKEN");
  if (text.empty()) text = variable("HUGGING_FACE_HUB_TOKEN");
  if (text.empty()) {
    std::string set = variable("HF_TOKEN_PATH");
    fs::path file = set.empty() ? hugging_face_home() / "token" : expanded(set);
    std::error_code error;
    if (fs::is_regular_file(file, error) && fs::file_size(file, error) > 0) text = read_text_file(file, kLongestToken);
  }
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  for (char c : text) {
    if (c <= ' ' || c > '~') fail("the Hugging Face token (HF_TOKEN or the token file) holds a space or a character that no token has");
  }
  return text;
}

std::string offline_by() {
  for (const char* name : {"TROIKA_OFFLINE", "HF_HUB_OFFLINE"}) {
    if (is_set(name)) return name;
  }
  return "";
}

}  // namespace

uint64_t free_disk_bytes(const fs::path& folder) {
  fs::path place = folder;
  std::error_code error;
  while (!fs::exists(place, error) && place.has_relative_path()) place = place.parent_path();
  struct statvfs disk {};
  if (::statvfs(place.c_str(), &disk) != 0) fail("{}: cannot ask how much room there is", place.string());
  return uint64_t(disk.f_bavail) * disk.f_frsize;
}

Settings settings_from_environment(fs::path zoo) {
  Settings settings{.cache = cache_folder(), .home = own_folder(), .zoo = std::move(zoo), .endpoint = endpoint()};
  settings.token = token();
  settings.offline_by = offline_by();
  return settings;
}

}  // namespace troika::store
