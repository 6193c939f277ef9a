// Who may ask for what: each role may do what those before it may.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troika::server {

enum class Role : uint8_t {
  open,   // anybody: it tells nothing but that a server is there
  user,   // whoever may use the models
  admin,  // whoever may change which models there are
};

inline constexpr int kMostPriority = 100, kMostPerLimit = 1'000'000;

// Models by their ids: "qwen2.5-7b", or "qwen*" for all that begin so.
using ModelPatterns = std::vector<std::string>;

// Who asks. Without a key file everybody is an admin and has no name.
struct Caller {
  std::string name;  // of the key
  Role role = Role::admin;
  ModelPatterns models;  // that it may use; none: all
  int priority = 0;      // of its requests in an engine: lower ones come first

  bool may_use(std::string_view id) const {
    const auto fits = [id](std::string_view pattern) {
      return pattern.ends_with('*') ? id.starts_with(pattern.substr(0, pattern.size() - 1)) : id == pattern;
    };
    return models.empty() || std::ranges::any_of(models, fits);
  }
};

}  // namespace troika::server
