// See api_keys.h.
#include "server/api_keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <ranges>
#include <sstream>

#include "base/error.h"

namespace troika::server {
namespace {

constexpr std::string_view kDigestPrefix = "sha256:", kKeyPrefix = "tk-";
constexpr size_t kKeyBytes = 24, kMostKeys = 1000;

struct RoleName {
  std::string_view name;
  Role role;
};
constexpr RoleName kRoles[] = {{"user", Role::user}, {"admin", Role::admin}};

struct Limit {
  std::string_view name;
  int ApiKey::* value;
  int least, most;
};
constexpr Limit kLimits[] = {{"rate", &ApiKey::per_minute, 1, kMostPerLimit},
                             {"concurrent", &ApiKey::concurrent, 1, kMostPerLimit},
                             {"priority", &ApiKey::priority, -kMostPriority, kMostPriority}};
constexpr std::string_view kModels = "models=";

std::string to_hex(const std::byte* bytes, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += fmt::format("{:02x}", unsigned(bytes[i]));
  return text;
}

std::optional<KeyDigest> read_digest(std::string_view text) {
  if (!text.starts_with(kDigestPrefix)) return std::nullopt;
  text.remove_prefix(kDigestPrefix.size());
  KeyDigest digest;
  if (text.size() != 2 * digest.size()) return std::nullopt;
  for (size_t i = 0; i < digest.size(); ++i) {
    unsigned value = 0;
    const char* end = text.data() + 2 * i + 2;
    if (std::from_chars(text.data() + 2 * i, end, value, 16).ptr != end) return std::nullopt;
    digest[i] = std::byte(value);
  }
  return digest;
}

// "rate=60" into its place; false when it is none or its value makes no sense.
bool read_limit(std::string_view word, ApiKey& key) {
  if (word.starts_with(kModels)) return read_model_patterns(word.substr(kModels.size()), key.models);
  for (const Limit& limit : kLimits) {
    if (!word.starts_with(limit.name) || word.size() <= limit.name.size() || word[limit.name.size()] != '=') continue;
    const char* begin = word.data() + limit.name.size() + 1;
    const char* end = word.data() + word.size();
    int value = 0;
    const auto read = std::from_chars(begin, end, value);
    if (read.ptr != end || read.ec != std::errc{} || value < limit.least || value > limit.most) return false;
    key.*limit.value = value;
    return true;
  }
  return false;
}

// What is quoted from the file is never a key's text, even where one was put by mistake.
ApiKey read_line(const std::string& line, const std::string& where) {
  std::istringstream words(line);
  std::string name, role, digest, word;
  words >> name >> role >> digest;
  if (!valid_key_name(name)) fail("{}: a key's name has letters, digits and -_.@ only, 64 at most", where);
  ApiKey key{.name = name};
  if (const auto found = role_named(role)) key.role = *found;
  else fail("{}: the second word must be 'user' or 'admin'", where);
  if (const auto read = read_digest(digest)) key.digest = *read;
  else fail("{}: the third word must be sha256: and 64 hexadecimal digits; `troika key` makes such lines", where);
  while (words >> word) {
    if (!read_limit(word, key))
      fail("{}: after the digest only rate=N (requests a minute) and concurrent=N may follow, N from 1 to {}, priority=N from "
           "{} to {}, and models=ID,ID*",
           where, kMostPerLimit, -kMostPriority, kMostPriority);
  }
  return key;
}

}  // namespace

std::vector<ApiKey> read_key_lines(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) fail("cannot read the key file {}", path.string());
  std::vector<ApiKey> keys;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    line = line.substr(0, line.find('#'));
    if (line.find_first_not_of(" \t\r") == line.npos) continue;
    const std::string where = fmt::format("{}:{}", path.string(), number);
    ApiKey key = read_line(line, where);
    for (const ApiKey& other : keys) {
      if (other.name == key.name) fail("{}: there is a key named '{}' above already", where, key.name);
      if (other.digest == key.digest) fail("{}: this is the key of '{}' above", where, other.name);
    }
    if (keys.size() == kMostKeys) fail("{}: more than {} keys", where, kMostKeys);
    keys.push_back(std::move(key));
  }
  return keys;
}

std::vector<ApiKey> read_api_keys(const std::filesystem::path& path) {
  std::vector<ApiKey> keys = read_key_lines(path);
  if (keys.empty())
    fail("the key file {} has no keys, so nobody could use the server; `troika key NAME` makes one", path.string());
  return keys;
}

std::string line_of(const ApiKey& key) {
  const auto* role = std::ranges::find(kRoles, key.role, &RoleName::role);
  check(role != std::end(kRoles), "a key is a user's or an admin's");
  std::string line = fmt::format("{} {} {}{}", key.name, role->name, kDigestPrefix,
                                 to_hex(key.digest.data(), key.digest.size()));
  for (const Limit& limit : kLimits)
    if (key.*limit.value != 0) line += fmt::format(" {}={}", limit.name, key.*limit.value);
  if (!key.models.empty()) line += fmt::format(" {}{}", kModels, fmt::join(key.models, ","));
  return line;
}

bool read_model_patterns(std::string_view text, ModelPatterns& models) {
  models.clear();
  for (const auto part : text | std::views::split(',')) {
    const std::string_view id(part.begin(), part.end());
    const auto odd = [](unsigned char c) { return c <= ' ' || c == '#' || c == 0x7f; };
    if (id.empty() || id.find('*') < id.size() - 1 || std::ranges::any_of(id, odd)) return false;
    models.emplace_back(id);
  }
  return !models.empty();
}

std::string random_api_key() {
  std::array<std::byte, kKeyBytes> bytes;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(bytes.data()), int(bytes.size())) != 1)
    fail("the system gives no random numbers, so no key can be made");
  return std::string(kKeyPrefix) + to_hex(bytes.data(), bytes.size());
}

KeyDigest digest_of(std::string_view key_text) {
  KeyDigest digest;
  SHA256(reinterpret_cast<const unsigned char*>(key_text.data()), key_text.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

const ApiKey* find_key(const std::vector<ApiKey>& keys, std::string_view key_text) {
  const KeyDigest digest = digest_of(key_text);
  const ApiKey* found = nullptr;
  for (const ApiKey& key : keys)
    if (CRYPTO_memcmp(key.digest.data(), digest.data(), digest.size()) == 0) found = &key;
  return found;
}

bool valid_key_name(std::string_view name) {
  const auto fits = [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-_.@").find(char(c)) != std::string_view::npos;
  };
  return !name.empty() && name.size() <= 64 && std::ranges::all_of(name, fits);
}

std::optional<Role> role_named(std::string_view name) {
  const auto* found = std::ranges::find(kRoles, name, &RoleName::name);
  return found == std::end(kRoles) ? std::nullopt : std::optional(found->role);
}

}  // namespace troika::server
