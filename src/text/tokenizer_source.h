// What the readers of tokenizer files share: JSON files with checked types, a list of tokens in any order, and
// tokenizer_config.json, which goes with every kind. Included by those readers only.
#pragma once

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "text/tokenizer.h"

namespace troika::text {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

inline constexpr int64_t kLargestId = 10'000'000;

// For messages: the beginning of a foreign text, on one line.
std::string shown(std::string_view text);

// One parsed file; elements live as long as it does.
class Document {
 public:
  Document(std::string_view name, std::string_view json);
  Document(const Document&) = delete;  // root_ points into parser_
  Document& operator=(const Document&) = delete;

  std::string_view name() const { return name_; }
  object root() const { return root_; }

  // What a key holds; nothing when it is absent or null.
  static std::optional<element> find(object in, std::string_view key) {
    element value;
    if (in.at_key(key).get(value) || value.is_null()) return std::nullopt;
    return value;
  }
  object as_object(element value, std::string_view what) const {
    object result;
    if (value.get(result)) fail("{}: {} is not an object", name_, what);
    return result;
  }
  array as_array(element value, std::string_view what) const {
    array result;
    if (value.get(result)) fail("{}: {} is not an array", name_, what);
    return result;
  }
  std::string_view as_string(element value, std::string_view what) const {
    std::string_view result;
    if (value.get(result)) fail("{}: {} is not a string", name_, what);
    return result;
  }
  bool as_bool(element value, std::string_view what) const {
    bool result = false;
    if (value.get(result)) fail("{}: {} is neither true nor false", name_, what);
    return result;
  }
  int32_t as_id(element value, std::string_view token) const {
    int64_t id = -1;
    if (value.get(id) || id < 0 || id > kLargestId) {
      fail("{}: the id of '{}' is not a whole number from 0 to {}", name_, shown(token), kLargestId);
    }
    return static_cast<int32_t>(id);
  }
  std::string_view string_at(object in, std::string_view key) const {
    const auto value = find(in, key);
    return value ? as_string(*value, key) : std::string_view();
  }
  bool flag_at(object in, std::string_view key, bool otherwise = false) const {
    const auto value = find(in, key);
    return value ? as_bool(*value, key) : otherwise;
  }
  // A component's "type", which names what it does.
  std::string_view type_of(object component, std::string_view what) const {
    const std::string_view type = string_at(component, "type");
    if (type.empty()) fail("{}: the {} has no type", name_, what);
    return type;
  }

 private:
  simdjson::dom::parser parser_;
  std::string_view name_;
  object root_;
};

// Collects tokens in any order of ids and hands them out as a list without holes.
class TokenList {
 public:
  // `file` is for messages and outlives the list.
  void add(std::string_view file, std::string_view text, int32_t id, TokenType type) {
    entries_.push_back({id, std::string(text), type, file});
  }

  // Throws Error when two different texts claim one id, and when ids leave large holes.
  void fill(TokenizerData& data);

 private:
  struct Entry {
    int32_t id;
    std::string text;
    TokenType type;
    std::string_view file;
  };
  std::vector<Entry> entries_;
};

// An entry of added_tokens or added_tokens_decoder.
void read_added_token(const Document& file, object token, int32_t id, TokenList& tokens);

// Nothing when `json` is empty.
std::optional<Document> open_config(std::string_view json);

// Ends every reader: the configuration's added tokens, then the list, then what refers to tokens by their text. What
// the configuration does not say stays as it is in `data`.
void read_config(const std::optional<Document>& config, TokenList& tokens, TokenizerData& data);

}  // namespace troika::text
