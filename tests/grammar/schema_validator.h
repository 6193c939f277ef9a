// A validator of JSON schemas in plain code, which knows nothing of grammars: what is generated must pass it.
#pragma once

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>

namespace troika::grammar::samples {

class SchemaValidator {
 public:
  explicit SchemaValidator(nlohmann::ordered_json root) : root_(std::move(root)) {}

  bool validates(const nlohmann::ordered_json& value) const { return fits(root_, value); }

 private:
  using Json = nlohmann::ordered_json;

  static bool is_integer(const Json& v) {
    return v.is_number() && std::floor(v.get<double>()) == v.get<double>();
  }
  static bool has_type(const Json& type, const Json& v) {
    if (type.is_array())
      return std::any_of(type.begin(), type.end(), [&](auto& t) { return has_type(t, v); });
    if (type == "object") return v.is_object();
    if (type == "array") return v.is_array();
    if (type == "string") return v.is_string();
    if (type == "number") return v.is_number();
    if (type == "integer") return is_integer(v);
    if (type == "boolean") return v.is_boolean();
    return v.is_null();
  }
  static int64_t length(const std::string& text) {
    return std::count_if(text.begin(), text.end(), [](char c) { return (uint8_t(c) & 0xC0) != 0x80; });
  }

  bool fits(const Json& schema, const Json& v) const {
    if (schema.is_boolean()) return schema.get<bool>();
    for (const auto& [key, rule] : schema.items()) {
      if (!keeps(schema, key, rule, v)) return false;
    }
    return true;
  }

  bool keeps(const Json& schema, const std::string& key, const Json& rule, const Json& v) const {
    auto fits_it = [&](const Json& s) { return fits(s, v); };
    if (key == "$ref") return fits(root_.at(Json::json_pointer(rule.get<std::string>().substr(1))), v);
    if (key == "type") return has_type(rule, v);
    if (key == "const") return rule == v;
    if (key == "enum") return std::find(rule.begin(), rule.end(), v) != rule.end();
    if (key == "anyOf") return std::any_of(rule.begin(), rule.end(), fits_it);
    if (key == "oneOf") return std::count_if(rule.begin(), rule.end(), fits_it) == 1;
    if (key == "allOf") return std::all_of(rule.begin(), rule.end(), fits_it);
    if (v.is_string()) return keeps_string(key, rule, v);
    if (v.is_number()) return keeps_number(key, rule, v.get<double>());
    if (v.is_array()) return keeps_array(schema, key, rule, v);
    if (v.is_object()) return keeps_object(schema, key, rule, v);
    return true;
  }

  static bool keeps_string(const std::string& key, const Json& rule, const std::string& v) {
    if (key == "minLength") return length(v) >= rule;
    if (key == "maxLength") return length(v) <= rule;
    if (key == "pattern") return std::regex_search(v, std::regex(rule.get<std::string>()));
    return true;
  }
  static bool keeps_number(const std::string& key, const Json& rule, double v) {
    if (key == "minimum") return v >= rule;
    if (key == "maximum") return v <= rule;
    if (key == "exclusiveMinimum") return v > rule;
    if (key == "exclusiveMaximum") return v < rule;
    return true;
  }
  bool keeps_array(const Json& schema, const std::string& key, const Json& rule, const Json& v) const {
    if (key == "minItems") return v.size() >= rule;
    if (key == "maxItems") return v.size() <= rule;
    size_t prefix = schema.contains("prefixItems") ? schema["prefixItems"].size() : 0;
    for (size_t i = 0; i < v.size(); ++i) {
      if (key == "prefixItems" && i < prefix && !fits(rule[i], v[i])) return false;
      if (key == "items" && i >= prefix && !fits(rule, v[i])) return false;
    }
    return true;
  }
  bool keeps_object(const Json& schema, const std::string& key, const Json& rule, const Json& v) const {
    if (key == "required")
      return std::all_of(rule.begin(), rule.end(), [&](auto& name) { return v.contains(name); });
    for (const auto& [name, member] : v.items()) {
      bool known = schema.contains("properties") && schema["properties"].contains(name);
      if (key == "properties" && known && !fits(rule[name], member)) return false;
      if (key == "additionalProperties" && !known && !fits(rule, member)) return false;
    }
    return true;
  }

  nlohmann::ordered_json root_;
};

}  // namespace troika::grammar::samples
