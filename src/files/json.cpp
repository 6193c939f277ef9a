#include "files/json.h"

#include <simdjson.h>

#include <cmath>

#include "base/error.h"

namespace troika::files {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;
using Type = MetadataValue::Type;

constexpr int kDeepest = 32;

object parse_object(simdjson::dom::parser& parser, std::string_view json, std::string_view where) {
  element root;
  if (auto error = parser.parse(json.data(), json.size()).get(root))
    fail("{} is not valid JSON: {}", where, simdjson::error_message(error));
  object found;
  if (root.get(found)) fail("{}: a JSON object is expected", where);
  return found;
}

void add_number(MetadataValue& value, element number) {
  double real = number.get_double().value();
  value.numbers.push_back(real);
  if (value.integers.size() + 1 < value.numbers.size()) return;  // an earlier one was not whole
  int64_t whole;
  if (!number.get(whole)) return value.integers.push_back(whole);
  if (real == std::floor(real) && std::fabs(real) < 0x1p63)
    return value.integers.push_back(static_cast<int64_t>(real));
  value.integers.clear();
}

Type type_of(element value) {
  switch (value.type()) {
    case element_type::BOOL:
      return Type::boolean;
    case element_type::STRING:
      return Type::text;
    case element_type::INT64:
    case element_type::UINT64:
    case element_type::DOUBLE:
      return Type::number;
    case element_type::ARRAY:
    case element_type::OBJECT:
    case element_type::NULL_VALUE:
      return Type::other;
  }
  return Type::other;
}

void add_scalar(Metadata& metadata, MetadataValue& value, element from) {
  if (value.type == Type::boolean) value.booleans.push_back(from.get_bool().value());
  if (value.type == Type::number) add_number(value, from);
  if (value.type == Type::text) value.texts.push_back(metadata.keep(std::string(from.get_string().value())));
}

// A list of scalars of one type; anything else is kept as a list that cannot be read.
MetadataValue list_of(Metadata& metadata, array from) {
  MetadataValue value;
  value.array = true;
  value.type = from.size() == 0 ? Type::empty : type_of(from.at(0).value());
  for (element each : from) {
    if (type_of(each) == value.type) continue;
    value.type = Type::other;
    break;
  }
  for (element each : from) add_scalar(metadata, value, each);
  return value;
}

void flatten(Metadata& metadata, object from, const std::string& prefix, std::string_view where, int depth) {
  if (depth > kDeepest) fail("{}: objects are nested too deeply", where);
  for (auto [name, each] : from) {
    std::string key = prefix + std::string(name);
    MetadataValue value;
    switch (each.type()) {
      case element_type::NULL_VALUE:
        metadata.add_null(std::move(key));
        continue;
      case element_type::OBJECT:
        flatten(metadata, each.get_object().value(), key + ".", where, depth + 1);
        continue;
      case element_type::ARRAY:
        value = list_of(metadata, each.get_array().value());
        break;
      case element_type::BOOL:
      case element_type::STRING:
      case element_type::INT64:
      case element_type::UINT64:
      case element_type::DOUBLE:
        value.type = type_of(each);
        add_scalar(metadata, value, each);
        break;
    }
    if (!metadata.add(key, std::move(value))) fail("{}: {} appears twice", where, key);
  }
}

uint64_t whole_number(element value, std::string_view name, std::string_view where) {
  uint64_t number;
  if (value.get(number)) fail("{}: tensor {} has a shape or offset that is no whole number", where, name);
  return number;
}

SafetensorsEntry entry_of(std::string_view name, element value, std::string_view where) {
  SafetensorsEntry entry;
  entry.name = name;
  std::string_view dtype;
  array shape, offsets;
  if (value["dtype"].get(dtype) || value["shape"].get(shape) || value["data_offsets"].get(offsets) ||
      offsets.size() != 2)
    fail("{}: tensor {} lacks dtype, shape or two data_offsets", where, name);
  entry.dtype = dtype;
  for (element size : shape) {
    uint64_t number = whole_number(size, name, where);
    if (number > uint64_t{INT64_MAX}) fail("{}: tensor {} has a dimension of {}", where, name, number);
    entry.shape.push_back(static_cast<int64_t>(number));
  }
  entry.begin = whole_number(offsets.at(0).value(), name, where);
  entry.end = whole_number(offsets.at(1).value(), name, where);
  return entry;
}

}  // namespace

void add_json(Metadata& metadata, std::string_view json, std::string_view prefix, std::string_view where) {
  simdjson::dom::parser parser;
  flatten(metadata, parse_object(parser, json, where), std::string(prefix), where, 0);
}

std::vector<SafetensorsEntry> read_safetensors_header(std::string_view json, std::string_view where) {
  simdjson::dom::parser parser;
  std::vector<SafetensorsEntry> entries;
  for (auto [name, value] : parse_object(parser, json, where))
    if (name != "__metadata__") entries.push_back(entry_of(name, value, where));
  return entries;
}

std::vector<std::pair<std::string, std::string>> read_shard_index(std::string_view json,
                                                                  std::string_view where) {
  simdjson::dom::parser parser;
  object map;
  if (parse_object(parser, json, where)["weight_map"].get(map)) fail("{} has no weight_map", where);
  std::vector<std::pair<std::string, std::string>> places;
  for (auto [tensor, file] : map) {
    std::string_view name;
    if (file.get(name)) fail("{}: the file of tensor {} is no text", where, tensor);
    places.emplace_back(tensor, name);
  }
  return places;
}

bool is_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

}  // namespace troika::files
