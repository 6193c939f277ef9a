#include "grammar/schema_merge.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "grammar/value_set.h"

namespace troika::grammar {
namespace {

constexpr size_t kMostAlternatives = 256;

Json all_of(const Json& a, const Json& b) {
  if (a == b) return a;
  if (a.is_boolean()) return a.get<bool>() ? b : a;
  if (b.is_boolean()) return b.get<bool>() ? a : b;
  return {{"allOf", Json::array({a, b})}};
}

Json type_list(const Json& type) { return type.is_array() ? type : Json::array({type}); }

Json merge_types(const Json& a, const Json& b) {
  Json both = Json::array();
  auto has = [](const Json& list, std::string_view name) {
    return std::any_of(list.begin(), list.end(), [&](const Json& t) { return t == name; });
  };
  Json first = type_list(a), second = type_list(b);
  for (const Json& type : first) {
    if (has(second, type.get_ref<const std::string&>()) || (type == "integer" && has(second, "number")))
      both.push_back(type);
    if (type == "number" && has(second, "integer") && !has(second, "number") && !has(first, "integer"))
      both.push_back("integer");
  }
  return both;
}

Json merge_values(const Json& a, const Json& b) {
  ValueSet other;
  for (const Json& value : b) other.insert(value);
  Json both = Json::array();
  for (const Json& value : a) {
    if (other.contains(value)) both.push_back(value);
  }
  return both;
}

// All of both lists, once each.
Json join_lists(const Json& a, const Json& b) {
  ValueSet known;
  Json both = Json::array();
  for (const Json* list : {&a, &b}) {
    for (const Json& item : *list) {
      if (known.insert(item)) both.push_back(item);
    }
  }
  return both;
}

Json merge_alternatives(const Json& a, const Json& b, const std::string& at) {
  if (a.size() * b.size() > kMostAlternatives) throw SchemaError(at, "too many combinations of alternatives");
  Json both = Json::array();
  for (const Json& x : a) {
    for (const Json& y : b) both.push_back(all_of(x, y));
  }
  return both;
}

// A property that only one side knows is bound by the other side's additionalProperties too.
Json merge_properties(const Json& a, const Json& b) {
  static const Json kNone = Json::object(), kAnything = true;
  const Json mine = a.value("properties", kNone), other = b.value("properties", kNone);
  const Json my_rest = a.value("additionalProperties", kAnything),
             other_rest = b.value("additionalProperties", kAnything);
  // An ordered object looks through its names one by one: thousands are found by these instead.
  std::unordered_map<std::string_view, const Json*> others;
  for (const auto& [name, schema] : other.items()) others.emplace(name, &schema);
  Json::object_t both;
  for (const auto& [name, schema] : mine.items()) {
    const auto found = others.find(name);
    both.emplace_back(name, all_of(schema, found == others.end() ? other_rest : *found->second));
    if (found != others.end()) others.erase(found);
  }
  for (const auto& [name, schema] : other.items()) {
    if (others.contains(name)) both.emplace_back(name, all_of(schema, my_rest));
  }
  return both;
}

// One keyword that both have.
Json merge_keyword(const std::string& key, const Json& a, const Json& b, const std::string& at) {
  if (a == b) return a;
  if (key == "type") return merge_types(a, b);
  if (key == "enum") return merge_values(a, b);
  if (key == "items" || key == "additionalProperties") return all_of(a, b);
  if (key == "anyOf") return merge_alternatives(a, b, at);
  if (key == "allOf" || key == "required") return join_lists(a, b);
  for (const char* least : {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}) {
    if (key == least && a.is_number() && b.is_number()) return a < b ? b : a;
  }
  for (const char* most : {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}) {
    if (key == most && a.is_number() && b.is_number()) return b < a ? b : a;
  }
  throw SchemaError(at, fmt::format("two different values of '{}' apply here, which is not supported", key));
}

bool is_annotation(const std::string& key) {
  static constexpr std::array kKeys = {"title",       "description", "default",      "examples", "$defs",
                                       "definitions", "$schema",     "$id",          "$comment", "deprecated",
                                       "readOnly",    "writeOnly",   "discriminator"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

// A fragment of a URL: "#/$defs/a%20b".
std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (size_t i = 0; i < text.size(); ++i) {
    uint8_t byte = 0;
    const char* digits = text.data() + i + 1;
    bool encoded = text[i] == '%' && i + 2 < text.size() && std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2;
    decoded += encoded ? char(byte) : text[i];
    if (encoded) i += 2;
  }
  return decoded;
}

}  // namespace

Json merge_schemas(const Json& a, const Json& b, const std::string& at) {
  if (a.is_boolean() || b.is_boolean()) return all_of(a, b);
  auto mixes = [](const Json& x, const Json& y) { return x.contains("prefixItems") && y.contains("items"); };
  if (mixes(a, b) || mixes(b, a))
    throw SchemaError(
        at, "'prefixItems' of one schema and 'items' of another apply here, which is not supported");
  Json both = a;
  for (const auto& [key, value] : b.items()) {
    if (key == "properties" || (is_annotation(key) && both.contains(key))) continue;
    if (key == "const" && both.contains(key) && both[key] != value) return false;
    both[key] = both.contains(key) ? merge_keyword(key, both[key], value, at) : value;
  }
  if (a.contains("properties") || b.contains("properties")) both["properties"] = merge_properties(a, b);
  return both;
}

// What one side says once, the other's members and alternatives may each get a copy of.
size_t merged_bytes(const Json& a, const Json& b) {
  size_t bytes = a.dump().size() + b.dump().size();
  auto copies = [&](const Json& from, const char* what, const Json& to, const char* each) {
    if (from.is_object() && to.is_object() && from.contains(what) && to.contains(each))
      bytes += from[what].dump().size() * to[each].size();
  };
  for (const auto& [one, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    copies(*one, "additionalProperties", *other, "properties");
    copies(*one, "anyOf", *other, "anyOf");
  }
  return bytes;
}

bool allows_type(const Json& schema, std::string_view type) {
  if (!schema.is_object() || !schema.contains("type")) return true;
  auto covers = [&](const Json& t) {
    const std::string& name = t.get_ref<const std::string&>();
    return name == type || (name == "number" && type == "integer");
  };
  const Json& types = schema["type"];
  return types.is_array() ? std::any_of(types.begin(), types.end(), covers) : covers(types);
}

std::string_view type_of(const Json& value) {
  if (value.is_object()) return "object";
  if (value.is_array()) return "array";
  if (value.is_string()) return "string";
  if (value.is_boolean()) return "boolean";
  if (value.is_null()) return "null";
  if (value.is_number_integer()) return "integer";
  return std::floor(value.get<double>()) == value.get<double>() ? "integer" : "number";
}

const Json& resolve_reference(const Json& root, const std::string& reference, const std::string& at) {
  if (!reference.starts_with("#")) {
    throw SchemaError(
        at, fmt::format("$ref '{}' leads to another document; only those that begin with # are supported",
                        reference.substr(0, 80)));
  }
  const std::string pointer = percent_decoded(std::string_view(reference).substr(1));
  try {
    const Json& found = root.at(Json::json_pointer(pointer));
    if (found.is_object() || found.is_boolean()) return found;
  } catch (const Json::exception&) {
  }
  throw SchemaError(at, fmt::format("$ref '{}' leads nowhere", reference.substr(0, 80)));
}

}  // namespace troika::grammar
