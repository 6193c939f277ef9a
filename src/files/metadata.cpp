#include "files/metadata.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"

namespace troika::files {
namespace {

using Type = MetadataValue::Type;

std::string_view name_of(Type type) {
  switch (type) {
    case Type::boolean:
      return "boolean";
    case Type::number:
      return "number";
    case Type::text:
      return "text";
    case Type::empty:
      return "empty list";
    case Type::other:
      return "nested list";
  }
  return "value";
}

[[noreturn]] void wrong_type(std::string_view key, const MetadataValue& value, std::string_view wanted) {
  if (value.array)
    fail("metadata {} is a list of {} {}(s) where {} is expected", key, value.count(), name_of(value.type),
         wanted);
  fail("metadata {} is a {} where {} is expected", key, name_of(value.type), wanted);
}

std::string quoted(std::string_view text, size_t limit) {
  std::string out = "\"";
  for (char c : text.substr(0, limit)) {
    if (c == '\n')
      out += "\\n";
    else if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      out += fmt::format("\\x{:02x}", c);
    else
      out += c;
  }
  if (text.size() > limit) {
    while (!out.empty() && (out.back() & 0xc0) == 0x80) out.pop_back();  // no half of a character
    if (!out.empty() && (out.back() & 0x80)) out.pop_back();
    out += "…";
  }
  return out + '"';
}

std::string element_text(const MetadataValue& value, size_t i, size_t limit) {
  switch (value.type) {
    case Type::boolean:
      return value.booleans[i] ? "true" : "false";
    case Type::number:
      return value.integers.empty() ? fmt::format("{:g}", value.numbers[i])
                                    : fmt::format("{}", value.integers[i]);
    case Type::text:
      return quoted(value.texts[i], limit);
    case Type::empty:
    case Type::other:
      return "";
  }
  return "";
}

}  // namespace

size_t MetadataValue::count() const {
  switch (type) {
    case Type::boolean:
      return booleans.size();
    case Type::number:
      return numbers.size();
    case Type::text:
      return texts.size();
    case Type::empty:
    case Type::other:
      return 0;
  }
  return 0;
}

std::string to_text(const MetadataValue& value, size_t limit) {
  if (value.type == Type::other) return "(nested list)";
  if (!value.array) return element_text(value, 0, limit);
  std::string out = value.count() > 8 ? fmt::format("[{} {}s: ", value.count(), name_of(value.type)) : "[";
  for (size_t i = 0; i < value.count(); ++i) {
    if (i > 0) out += ", ";
    if (out.size() >= limit) return out + "…]";
    out += element_text(value, i, limit);
  }
  return out + "]";
}

bool Metadata::add(std::string key, MetadataValue value) {
  if (!index_.try_emplace(key, entries_.size()).second) return false;
  entries_.push_back({std::move(key), std::move(value)});
  return true;
}

std::string_view Metadata::keep(std::string text) { return kept_.emplace_back(std::move(text)); }

const MetadataValue* Metadata::find(std::string_view key) const {
  auto at = index_.find(std::string(key));
  return at == index_.end() ? nullptr : &entries_[at->second].value;
}

const MetadataValue* Metadata::scalar(std::string_view key) const {
  const MetadataValue* value = find(key);
  if (value && value->array) wrong_type(key, *value, "one value");
  return value;
}

bool Metadata::is_array(std::string_view key) const {
  const MetadataValue* value = find(key);
  return value && value->array;
}

std::optional<int64_t> Metadata::integer(std::string_view key) const {
  const MetadataValue* value = scalar(key);
  if (!value) return std::nullopt;
  if (value->type != Type::number) wrong_type(key, *value, "an integer");
  if (value->integers.empty()) fail("metadata {} is {} where an integer is expected", key, to_text(*value));
  return value->integers[0];
}

std::optional<double> Metadata::number(std::string_view key) const {
  const MetadataValue* value = scalar(key);
  if (!value) return std::nullopt;
  if (value->type != Type::number) wrong_type(key, *value, "a number");
  return value->numbers[0];
}

std::optional<bool> Metadata::boolean(std::string_view key) const {
  const MetadataValue* value = scalar(key);
  if (!value) return std::nullopt;
  if (value->type != Type::boolean) wrong_type(key, *value, "true or false");
  return value->booleans[0];
}

std::optional<std::string_view> Metadata::text(std::string_view key) const {
  const MetadataValue* value = scalar(key);
  if (!value) return std::nullopt;
  if (value->type != Type::text) wrong_type(key, *value, "a text");
  return value->texts[0];
}

std::span<const int64_t> Metadata::integers(std::string_view key) const {
  const MetadataValue* value = find(key);
  if (!value || value->type == Type::empty) return {};
  if (value->type != Type::number || value->integers.empty()) wrong_type(key, *value, "a list of integers");
  return value->integers;
}

std::span<const double> Metadata::numbers(std::string_view key) const {
  const MetadataValue* value = find(key);
  if (!value || value->type == Type::empty) return {};
  if (value->type != Type::number) wrong_type(key, *value, "a list of numbers");
  return value->numbers;
}

std::span<const std::string_view> Metadata::strings(std::string_view key) const {
  const MetadataValue* value = find(key);
  if (!value || value->type == Type::empty) return {};
  if (value->type != Type::text) wrong_type(key, *value, "a list of texts");
  return value->texts;
}

std::vector<bool> Metadata::booleans(std::string_view key) const {
  const MetadataValue* value = find(key);
  if (!value || value->type == Type::empty) return {};
  if (value->type != Type::boolean) wrong_type(key, *value, "a list of true and false");
  return value->booleans;
}

}  // namespace troika::files
