// The keys that clients may show. The file holds no key, only its SHA-256: keys are 192 random bits, so that a
// stolen file opens nothing. One key a line, '#' begins a comment:
//
//   alice  admin  sha256:9f86d0…0a08
//   bob    user   sha256:60303a…5752  rate=60 concurrent=2 priority=1 models=qwen2.5-7b,gemma*
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/role.h"

namespace troika::server {

using KeyDigest = std::array<std::byte, 32>;

struct ApiKey {
  std::string name;
  Role role = Role::user;
  KeyDigest digest{};
  int per_minute = 0;  // requests for the engine; 0: no limit
  int concurrent = 0;  // of these at the same time; 0: no limit
  int priority = 0;    // of its requests; lower ones come first
  ModelPatterns models;  // that it may use; none: all
};

// Throws Error that names the line and what is wrong with it.
std::vector<ApiKey> read_key_lines(const std::filesystem::path& path);
// The same for a server: a file without keys is wrong as a whole.
std::vector<ApiKey> read_api_keys(const std::filesystem::path& path);

// The line that stands for the key.
std::string line_of(const ApiKey& key);

// A new key's text, which nobody can read again from what is kept of it.
std::string random_api_key();
KeyDigest digest_of(std::string_view key_text);

// The key whose text this is. All are compared, in constant time: how long it takes tells nothing.
const ApiKey* find_key(const std::vector<ApiKey>& keys, std::string_view key_text);

// Whether "a,b*" can stand behind models=; then these are read to `models`.
bool read_model_patterns(std::string_view text, ModelPatterns& models);

bool valid_key_name(std::string_view name);  // letters, digits and -_.@, 64 at most: names go into logs
std::optional<Role> role_named(std::string_view name);

}  // namespace troika::server
