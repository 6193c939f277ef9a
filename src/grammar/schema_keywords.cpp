#include "grammar/schema_keywords.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "grammar/schema_merge.h"
#include "grammar/string_formats.h"

namespace troika::grammar {
namespace {

constexpr int kMostDepth = 100, kMostSchemas = 50'000;
constexpr double kMostCount = 1'000'000;
// Of one list. What is made of a list takes time or nesting in proportion, and there may be many lists.
constexpr size_t kMostKeywords = 500, kMostListed = 1'000, kMostNames = 5'000, kMostValues = 10'000;
constexpr size_t kMostNameBytes = 1'000;  // other names are told apart from it character by character

enum class Value : uint8_t {
  annotation,  // anything, without a meaning
  schema,
  schemas,     // a list, not empty
  schema_map,  // name → schema
  types,
  text,
  reference,
  names,
  count,
  number,
  values,  // a list, not empty
  anything,
  only_false,
  format,
  no_rule,  // false or absent: what asks for nothing
  refused,
};

struct Keyword {
  std::string_view name;
  Value value;
};
constexpr Keyword kKeywords[] = {
    {"$comment", Value::annotation},
    {"$defs", Value::schema_map},
    {"$id", Value::annotation},
    {"$ref", Value::reference},
    {"$schema", Value::annotation},
    {"additionalItems", Value::refused},
    {"additionalProperties", Value::schema},
    {"allOf", Value::schemas},
    {"anyOf", Value::schemas},
    {"const", Value::anything},
    {"contains", Value::refused},
    {"contentEncoding", Value::refused},
    {"default", Value::annotation},
    {"definitions", Value::schema_map},
    {"dependentRequired", Value::refused},
    {"dependentSchemas", Value::refused},
    {"deprecated", Value::annotation},
    {"description", Value::annotation},
    {"discriminator", Value::annotation},
    {"else", Value::refused},
    {"enum", Value::values},
    {"examples", Value::annotation},
    {"exclusiveMaximum", Value::number},
    {"exclusiveMinimum", Value::number},
    {"format", Value::format},
    {"if", Value::refused},
    {"items", Value::schema},
    {"maxItems", Value::count},
    {"maxLength", Value::count},
    {"maxProperties", Value::refused},
    {"maximum", Value::number},
    {"minItems", Value::count},
    {"minLength", Value::count},
    {"minProperties", Value::refused},
    {"minimum", Value::number},
    {"multipleOf", Value::number},
    {"not", Value::refused},
    {"oneOf", Value::schemas},
    {"pattern", Value::text},
    {"patternProperties", Value::refused},
    {"prefixItems", Value::schemas},
    {"properties", Value::schema_map},
    {"propertyNames", Value::refused},
    {"readOnly", Value::annotation},
    {"required", Value::names},
    {"then", Value::refused},
    {"title", Value::annotation},
    {"type", Value::types},
    {"unevaluatedItems", Value::refused},
    {"unevaluatedProperties", Value::only_false},
    {"uniqueItems", Value::no_rule},
    {"writeOnly", Value::annotation},
};

const Keyword* find_keyword(std::string_view name) {
  auto found = std::find_if(std::begin(kKeywords), std::end(kKeywords),
                            [&](const Keyword& k) { return k.name == name; });
  return found == std::end(kKeywords) ? nullptr : found;
}

class Checker {
 public:
  explicit Checker(const Json& root) : root_(root) {}

  // What a $ref leads to may lie where no schema is looked for, and is one all the same.
  void check_all() {
    check(root_, "", 0);
    while (!references_.empty()) {
      const auto [place, target] = references_.back();
      references_.pop_back();
      check(*target, place, 0);
    }
  }

 private:
  void check(const Json& schema, const std::string& at, int depth) {
    if (schema.is_boolean()) return;
    if (!schema.is_object()) throw SchemaError(at, "a schema must be an object, true or false");
    if (depth > kMostDepth)
      throw SchemaError(at, fmt::format("schemas are nested deeper than {} levels", kMostDepth));
    if (++schemas_ > kMostSchemas) throw SchemaError(at, fmt::format("more than {} schemas", kMostSchemas));
    check_size(schema, kMostKeywords, "keywords", at);
    for (const auto& [key, value] : schema.items()) {
      const Keyword* keyword = find_keyword(key);
      if (!keyword && key.starts_with("x-")) continue;  // by convention, notes
      if (!keyword) throw SchemaError(at, fmt::format("the keyword '{}' is not known", key.substr(0, 80)));
      check_value(*keyword, value, below(at, key), depth);
    }
  }

  static void check_size(const Json& list, size_t most, std::string_view what, const std::string& at) {
    if (list.size() > most)
      throw SchemaError(at, fmt::format("{} {} are more than the {} that are supported in one place",
                                        list.size(), what, most));
  }

  static void check_name(const std::string& name, const std::string& at) {
    if (name.size() > kMostNameBytes)
      throw SchemaError(at, fmt::format("a name has {} bytes; {} are the most", name.size(), kMostNameBytes));
  }

  void check_value(const Keyword& keyword, const Json& value, const std::string& at, int depth) {
    auto must_be = [&](bool holds, std::string_view what) {
      if (!holds) throw SchemaError(at, fmt::format("'{}' must be {}", keyword.name, what));
    };
    switch (keyword.value) {
      case Value::annotation:
      case Value::anything:
        return;
      case Value::schema:
        return check(value, at, depth + 1);
      case Value::schemas:
        must_be(value.is_array() && !value.empty(), "a list of schemas that is not empty");
        check_size(value, kMostListed, "schemas", at);
        for (size_t i = 0; i < value.size(); ++i) check(value[i], below(at, std::to_string(i)), depth + 1);
        return;
      case Value::schema_map:
        must_be(value.is_object(), "an object of schemas");
        check_size(value, kMostNames, "names", at);
        for (const auto& [name, schema] : value.items()) {
          check_name(name, at);
          check(schema, below(at, name), depth + 1);
        }
        return;
      case Value::types:
        return check_types(value, must_be);
      case Value::text:
        return must_be(value.is_string(), "a string");
      case Value::reference:
        must_be(value.is_string(), "a string");
        if (const auto [reference, is_new] = seen_.insert(value); is_new) {
          const Json& target = resolve_reference(root_, *reference, at);  // which begins with #
          references_.emplace_back(reference->substr(1), &target);
        }
        return;
      case Value::names:
        must_be(value.is_array() &&
                    std::all_of(value.begin(), value.end(), [](auto& v) { return v.is_string(); }),
                "a list of strings");
        check_size(value, kMostNames, "names", at);
        for (const Json& name : value) check_name(name.get_ref<const std::string&>(), at);
        return;
      case Value::count:
        return must_be(value.is_number() && value >= 0 && value <= kMostCount && type_of(value) == "integer",
                       "a whole number from 0 to 1000000");
      case Value::number:
        return must_be(value.is_number(), "a number");
      case Value::values:
        must_be(value.is_array() && !value.empty(), "a list that is not empty");
        return check_size(value, kMostValues, "values", at);
      case Value::only_false:
        return must_be(value == false, "false, where it is supported");
      case Value::no_rule:
        return must_be(value == false, "false: 'true' is not supported");
      case Value::format:
        must_be(value.is_string(), "a string");
        if (string_format(value.get_ref<const std::string&>()).empty()) {
          throw SchemaError(at, fmt::format("the format '{}' is not supported; supported: {}",
                                            value.get<std::string>().substr(0, 80), known_string_formats()));
        }
        return;
      case Value::refused:
        throw SchemaError(at, fmt::format("the keyword '{}' is not supported", keyword.name));
    }
  }

  template <typename MustBe>
  void check_types(const Json& value, MustBe must_be) {
    static constexpr std::array kTypes = {"object",  "array",   "string", "number",
                                          "integer", "boolean", "null"};
    auto known = [&](const Json& t) {
      return std::any_of(kTypes.begin(), kTypes.end(), [&](auto* name) { return t == name; });
    };
    bool is_list = value.is_array() && !value.empty() && value.size() <= kTypes.size() &&
                   std::all_of(value.begin(), value.end(), known);
    must_be(known(value) || is_list,
            "object, array, string, number, integer, boolean, null, or a list of them");
  }

  const Json& root_;
  int schemas_ = 0;
  std::set<std::string> seen_;
  std::vector<std::pair<std::string, const Json*>>
      references_;  // what they lead to, which is not checked yet
};

}  // namespace

std::string below(const std::string& pointer, const std::string& member) {
  std::string escaped;
  for (char c : member) escaped += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return pointer + "/" + escaped;
}

void check_schema(const Json& root) { Checker(root).check_all(); }

}  // namespace troika::grammar
