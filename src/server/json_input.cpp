// See json_input.h. The limits exist because work and memory must stay in proportion to what was sent: depth
// for the recursion of copying and printing, values for their 16 bytes each, and comparisons because members
// of an ordered object are found by walking them.
#include "server/json_input.h"

#include <algorithm>
#include <cmath>

#include "server/api_error.h"

namespace troika::server {
namespace {

constexpr size_t kMaxDepth = 128;
constexpr int64_t kMaxValues = 2'000'000;
constexpr int64_t kMaxComparisons = 50'000'000;

// Reads the text without keeping anything of it. (A callback of Json::parse would do it in one pass, but then
// the library walks the whole parent array after every object in it.)
class Limits final : public nlohmann::json_sax<Json> {
 public:
  explicit Limits(std::string_view what) : what_(what) {}

  bool null() override { return count_value(); }
  bool boolean(bool) override { return count_value(); }
  bool number_integer(int64_t) override { return count_value(); }
  bool number_unsigned(uint64_t) override { return count_value(); }
  bool number_float(double, const std::string&) override { return count_value(); }
  bool string(std::string&) override { return count_value(); }
  bool binary(Json::binary_t&) override { return count_value(); }
  bool start_object(size_t) override { return open(); }
  bool start_array(size_t) override { return open(); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(std::string&) override {
    comparisons_ += members_.back()++;
    if (comparisons_ > kMaxComparisons) refuse("", "{} has an object with too many members.", what_);
    return true;
  }

  // Json::parse meets the same error again and says where it is.
  bool parse_error(size_t, const std::string&, const Json::exception&) override { return false; }

 private:
  bool open() {
    if (members_.size() >= kMaxDepth) refuse("", "{} is nested deeper than {} levels.", what_, kMaxDepth);
    members_.push_back(0);
    return count_value();
  }

  bool close() {
    members_.pop_back();
    return true;
  }

  bool count_value() {
    if (++values_ > kMaxValues) refuse("", "{} has more than {} values.", what_, kMaxValues);
    return true;
  }

  const std::string_view what_;
  std::vector<int64_t> members_;  // of the objects that are open
  int64_t comparisons_ = 0, values_ = 0;
};

}  // namespace

Json parse_json(std::string_view text, std::string_view what) {
  try {
    Limits limits(what);
    Json::sax_parse(text.begin(), text.end(), &limits);
    return Json::parse(text.begin(), text.end());
  } catch (const Json::parse_error& e) {
    const bool encoding = std::string_view(e.what()).find("UTF-8") != std::string_view::npos;
    refuse("", "{} is not valid JSON: {} at byte {}.", what, encoding ? "ill-formed UTF-8" : "syntax error",
           e.byte);
  } catch (const Json::exception&) {
    refuse("", "{} is not valid JSON: a number is out of range.", what);
  }
}

std::string_view kind_of(const Json& value) {
  switch (value.type()) {
    case Json::value_t::null:
      return "null";
    case Json::value_t::object:
      return "an object";
    case Json::value_t::array:
      return "an array";
    case Json::value_t::string:
      return "a string";
    case Json::value_t::boolean:
      return "a boolean";
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
    case Json::value_t::number_float:
      return "a number";
    case Json::value_t::binary:
    case Json::value_t::discarded:
      break;
  }
  return "nothing";
}

std::optional<int64_t> as_integer(const Json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    if (number > uint64_t(INT64_MAX)) return std::nullopt;
    return int64_t(number);
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const double number = value.get<double>();
  if (std::floor(number) != number || std::abs(number) >= 9.2e18) return std::nullopt;
  return int64_t(number);
}

int32_t read_token_id(const Json& value, const std::string& path, int vocabulary) {
  const auto id = value.is_number() ? as_integer(value) : std::nullopt;
  if (!id || *id < 0 || *id >= vocabulary)
    refuse(path, "{} must be a token id from 0 to {}.", path, vocabulary - 1);
  return int32_t(*id);
}

Fields::Fields(const Json& object, std::string path) : object_(object), path_(std::move(path)) {
  if (!object.is_object())
    refuse(path_, "{} must be a JSON object, not {}.", path_.empty() ? "The request body" : path_,
           kind_of(object));
  read_.resize(object.size());
}

const Json* Fields::find(std::string_view name) const {
  const auto& members = object_.get_ref<const Json::object_t&>();
  const auto member = std::ranges::find(members, name, &Json::object_t::value_type::first);
  if (member == members.end()) return nullptr;
  read_[size_t(member - members.begin())] = true;
  return member->second.is_null() ? nullptr : &member->second;
}

std::vector<std::string> Fields::unread() const {
  std::vector<std::string> paths;
  size_t place = 0;
  for (const auto& [name, value] : object_.get_ref<const Json::object_t&>())
    if (!read_[place++]) paths.push_back(path(name));
  return paths;
}

const Json& Fields::required(std::string_view name) const {
  const Json* value = find(name);
  if (!value)
    throw ApiError(400, "invalid_request_error", fmt::format("{} is required.", path(name)), path(name),
                   "missing_required_parameter");
  return *value;
}

std::string Fields::path(std::string_view name) const {
  return path_.empty() ? std::string(name) : fmt::format("{}.{}", path_, name);
}

std::optional<bool> Fields::boolean(std::string_view name) const {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_boolean())
    refuse(path(name), "{} must be true or false, not {}.", path(name), kind_of(*value));
  return value->get<bool>();
}

std::optional<int64_t> Fields::integer(std::string_view name, int64_t low, int64_t high) const {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_number()) refuse(path(name), "{} must be an integer, not {}.", path(name), kind_of(*value));
  const auto number = as_integer(*value);
  if (!number || *number < low || *number > high)
    refuse(path(name), "{} must be an integer from {} to {}, not {}.", path(name), low, high, value->dump());
  return number;
}

std::optional<double> Fields::number(std::string_view name, double low, double high) const {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_number()) refuse(path(name), "{} must be a number, not {}.", path(name), kind_of(*value));
  const double number = value->get<double>();
  if (!(number >= low && number <= high))
    refuse(path(name), "{} must be a number from {} to {}, not {}.", path(name), low, high, value->dump());
  return number;
}

std::optional<std::string> Fields::string(std::string_view name) const {
  const Json* value = find(name);
  if (!value) return std::nullopt;
  if (!value->is_string()) refuse(path(name), "{} must be a string, not {}.", path(name), kind_of(*value));
  return value->get<std::string>();
}

std::optional<std::string> Fields::choice(std::string_view name,
                                          const std::vector<std::string_view>& allowed) const {
  auto value = string(name);
  if (!value) return std::nullopt;
  for (std::string_view word : allowed)
    if (*value == word) return value;
  refuse(path(name), "{} must be one of: {}.", path(name), fmt::join(allowed, ", "));
}

}  // namespace troika::server
