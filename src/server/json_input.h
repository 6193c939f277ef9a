// JSON from strangers: parsing with limits on depth and size, and typed access to the members of an object in
// which every complaint names the field.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troika::server {

using Json = nlohmann::ordered_json;

inline constexpr int kAnyInt = std::numeric_limits<int>::max();  // as a bound: whatever an int can hold

// Parses a whole text, which complaints call `what`. Throws ApiError (400) for anything but JSON in UTF-8 of
// reasonable depth. Of duplicate members the last one wins.
Json parse_json(std::string_view text, std::string_view what = "The request body");

// "a string", "an array", …
std::string_view kind_of(const Json& value);

// The members of one JSON object. A member that is null counts as absent. Remembers which members were asked for: the
// others are ones that we do not know. One thread at a time.
class Fields {
 public:
  // `path` is the object's own place ("stream_options"), "" for the body. Throws ApiError if not an object.
  explicit Fields(const Json& object, std::string path = "");

  const Json* find(std::string_view name) const;  // null when absent
  const Json& required(std::string_view name) const;
  std::string path(std::string_view name) const;

  std::optional<bool> boolean(std::string_view name) const;
  std::optional<int64_t> integer(std::string_view name, int64_t low, int64_t high) const;  // 5.0 is 5
  std::optional<double> number(std::string_view name, double low, double high) const;
  std::optional<std::string> string(std::string_view name) const;
  std::optional<std::string> choice(std::string_view name,
                                    const std::vector<std::string_view>& allowed) const;

  // The paths of members that nobody has asked for so far, those that are null too.
  std::vector<std::string> unread() const;

 private:
  const Json& object_;
  std::string path_;
  mutable std::vector<bool> read_;  // by place in the object
};

// The id of a token, for the complaint at `path`.
int32_t read_token_id(const Json& value, const std::string& path, int vocabulary);

// An integer of any JSON spelling (5, 5.0), or nothing.
std::optional<int64_t> as_integer(const Json& value);

}  // namespace troika::server
