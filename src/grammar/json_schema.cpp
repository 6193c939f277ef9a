#include "grammar/json_schema.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "grammar/machine.h"
#include "grammar/number_range.h"
#include "grammar/regex.h"
#include "grammar/schema_disjoint.h"
#include "grammar/schema_keywords.h"
#include "grammar/string_formats.h"
#include "text/unicode.h"

namespace troika::grammar {
namespace {

constexpr int kMostDepth = 200, kMostSchemas = 20'000, kMostTrials = 200;
constexpr size_t kMostMergedBytes = 32 << 20;  // of JSON
constexpr size_t kMostMatching = 50'000'000;   // steps of trying values: about a second
constexpr size_t kMostRuleName = 200;          // bytes of a place that a rule is named by

// Which keywords speak of which type: a schema without `type` is read as one of the types that it speaks of.
struct TypeRow {
  std::string_view type;
  std::array<std::string_view, 6> keywords;
};
constexpr TypeRow kTypes[] = {
    {"object", {"properties", "required", "additionalProperties"}},
    {"array", {"items", "prefixItems", "minItems", "maxItems"}},
    {"string", {"minLength", "maxLength", "pattern", "format"}},
    {"number", {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}},
};

bool has(const Json& schema, std::string_view key) { return schema.contains(key); }

// What reading one document has used: the readers of its parts share it, so that none begins anew.
struct Used {
  int depth = 0, schemas = 0, trials = 0;
  size_t merged_bytes = 0, matching = 0;
};

class Reader {
 public:
  Reader(Rules& rules, const JsonRules& json, const Json& root, Disjointness& disjointness, Used& used)
      : rules_(rules), json_(json), root_(root), disjointness_(disjointness), used_(used) {}

  Expr read(const Json& schema, const std::string& at);

 private:
  struct Depth {
    explicit Depth(int& d) : depth(++d) {}
    ~Depth() { --depth; }
    int& depth;
  };
  struct Member {
    std::string name;
    const Json* schema;
    bool required = false;
  };

  Json merged(const Json& a, const Json& b, const std::string& at);
  Json without_reference(Json schema, const std::string& at);
  Expr read_reference(const Json& schema, const std::string& at);
  Expr read_alternatives(const Json& schema, const std::string& key, const std::string& at);
  Expr read_values(const Json& schema, const Json& values, const std::string& at);
  Expr read_type(const Json& schema, std::string_view type, const std::string& at);
  Expr read_object(const Json& schema, const std::string& at);
  Expr read_array(const Json& schema, const std::string& at);
  Expr read_string(const Json& schema, const std::string& at);
  Expr read_number(const Json& schema, bool integer, const std::string& at);
  void require_disjoint(const Json& list, const std::string& at);
  Expr other_key(std::span<const Member> known);
  Expr other_key_from(std::span<const std::u32string> known, size_t depth);
  Expr own_rule(const std::string& at, Expr body) {
    return rules_.call(rules_.rule(at.empty() ? "the root" : at.substr(0, kMostRuleName), body));
  }
  Expr in_quotes(Expr inside) { return rules_.sequence({rules_.bytes("\""), inside, rules_.bytes("\"")}); }
  Expr follow(const char* separator, Expr part) {
    return rules_.sequence({rules_.bytes(separator), json_.space, part});
  }

  Rules& rules_;
  const JsonRules& json_;
  const Json& root_;
  Disjointness& disjointness_;
  Used& used_;
  std::map<std::string, RuleId> references_;
};

Json without(Json schema, std::initializer_list<const char*> keys) {
  for (const char* key : keys) schema.erase(key);
  return schema;
}

// Only describes: no keyword asks for anything.
bool asks_nothing(const Json& schema) {
  static constexpr std::array kRules = {"$ref", "allOf", "anyOf", "oneOf", "enum", "const", "type"};
  if (std::any_of(kRules.begin(), kRules.end(), [&](auto key) { return has(schema, key); })) return false;
  for (const TypeRow& row : kTypes) {
    for (std::string_view key : row.keywords) {
      if (!key.empty() && has(schema, key)) return false;
    }
  }
  return true;
}

Expr Reader::read(const Json& schema, const std::string& at) {
  Depth depth(used_.depth);
  if (used_.depth > kMostDepth)
    throw SchemaError(at, "schemas that contain each other without end are not supported");
  if (++used_.schemas > kMostSchemas)
    throw SchemaError(at, fmt::format("more than {} schemas", kMostSchemas));
  if (schema.is_boolean()) return schema.get<bool>() ? json_.value : rules_.choice({});
  if (has(schema, "$ref")) return read_reference(schema, at);
  if (has(schema, "allOf")) {
    Json all = without(schema, {"allOf"});
    for (const Json& part : schema["allOf"]) all = merged(all, without_reference(part, at), at);
    return read(all, at);
  }
  for (const char* key : {"anyOf", "oneOf"}) {
    if (has(schema, key)) return read_alternatives(schema, key, at);
  }
  if (has(schema, "const"))
    return read_values(without(schema, {"const"}), Json::array({schema["const"]}), at);
  if (has(schema, "enum")) return read_values(without(schema, {"enum"}), schema["enum"], at);
  if (asks_nothing(schema)) return json_.value;

  std::vector<Expr> ways;
  if (has(schema, "type")) {
    const Json types = schema["type"].is_array() ? schema["type"] : Json::array({schema["type"]});
    for (const Json& type : types) ways.push_back(read_type(schema, type.get_ref<const std::string&>(), at));
  } else {
    for (const TypeRow& row : kTypes) {
      bool speaks_of_it = std::any_of(row.keywords.begin(), row.keywords.end(),
                                      [&](auto key) { return !key.empty() && has(schema, key); });
      if (speaks_of_it) ways.push_back(read_type(schema, row.type, at));
    }
  }
  return rules_.choice(std::move(ways));
}

// Small schemas can ask for many large combinations.
Json Reader::merged(const Json& a, const Json& b, const std::string& at) {
  used_.merged_bytes += merged_bytes(a, b);
  if (used_.merged_bytes > kMostMergedBytes)
    throw SchemaError(at, "the combinations of these schemas are too large");
  return merge_schemas(a, b, at);
}

Json Reader::without_reference(Json schema, const std::string& at) {
  for (int i = 0; schema.is_object() && has(schema, "$ref"); ++i) {
    if (i > kMostDepth)
      throw SchemaError(at, "schemas that refer to each other without end are not supported");
    schema = merged(without(schema, {"$ref"}), resolve_reference(root_, schema["$ref"], at), at);
  }
  return schema;
}

// A schema that may contain itself is a rule; what stands beside $ref is merged with what it leads to.
Expr Reader::read_reference(const Json& schema, const std::string& at) {
  const std::string reference = schema["$ref"];
  const Json& target = resolve_reference(root_, reference, at);
  const Json beside = without(schema, {"$ref"});
  if (!asks_nothing(beside)) return read(merged(beside, target, at), at);
  auto known = references_.find(reference);
  if (known == references_.end()) {
    known = references_.emplace(reference, rules_.declare(reference)).first;
    rules_.define(known->second, read(target, reference.substr(1)));
  }
  return rules_.call(known->second);
}

void Reader::require_disjoint(const Json& list, const std::string& at) {
  for (size_t i = 0; i < list.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (disjointness_.proven(list[i], list[j])) continue;
      if (disjointness_.spent())
        throw SchemaError(at, "it takes too long to tell whether a value fits two of these; use anyOf");
      throw SchemaError(at,
                        fmt::format("oneOf is supported where no value fits two of its schemas; {} and {} "
                                    "may both fit, so use anyOf or a required member that tells them apart",
                                    j, i));
    }
  }
}

Expr Reader::read_alternatives(const Json& schema, const std::string& key, const std::string& at) {
  const Json rest = without(schema, {key.c_str()});
  const Json& list = schema[key];
  if (key == "oneOf") require_disjoint(list, below(at, key));
  std::vector<Expr> ways;
  for (size_t i = 0; i < list.size(); ++i) {
    std::string place = below(below(at, key), std::to_string(i));
    ways.push_back(read(asks_nothing(rest) ? list[i] : merged(rest, list[i], place), place));
  }
  return rules_.choice(std::move(ways));
}

// Of the values, those that the rest of the schema allows: they are tried on its automaton.
Expr Reader::read_values(const Json& schema, const Json& values, const std::string& at) {
  std::optional<Automaton> rest;
  std::optional<Machine> machine;
  if (!asks_nothing(without(schema, {"type"}))) {
    if (++used_.trials > kMostTrials) throw SchemaError(at, "too many enums beside other keywords");
    Rules rules;
    JsonRules json(rules);
    Expr whole = Reader(rules, json, root_, disjointness_, used_).read(schema, at);
    rest = compile(rules, whole,
                   {.nfa_states = 50'000, .states = 5'000, .table_bytes = 8 << 20, .work = 500'000});
    machine.emplace(*rest).allow_work(kMostMatching - used_.matching);
  }
  std::vector<Expr> ways;
  for (const Json& value : values) {
    if (!allows_type(schema, type_of(value))) continue;
    if (machine && !machine->matches(value.dump())) continue;
    ways.push_back(json_literal(rules_, value));
  }
  if (machine) used_.matching = kMostMatching - machine->work_left();
  if (machine && machine->tired())
    throw SchemaError(at, "it takes too long to try the values of enum or const on the rest of the schema");
  if (ways.empty()) throw SchemaError(at, "none of the values of enum or const fits the rest of the schema");
  return rules_.choice(std::move(ways));
}

Expr Reader::read_type(const Json& schema, std::string_view type, const std::string& at) {
  if (type == "object") return read_object(schema, at);
  if (type == "array") return read_array(schema, at);
  if (type == "string") return read_string(schema, at);
  if (type == "integer" || type == "number") return read_number(schema, type == "integer", at);
  if (type == "boolean") return rules_.choice({rules_.bytes("true"), rules_.bytes("false")});
  return rules_.bytes("null");
}

// Members in the order of `properties`, then others if `additionalProperties` asks for them. Built from the
// end: `more` is what may follow when a member stands before it, `first` when none does.
Expr Reader::read_object(const Json& schema, const std::string& at) {
  static const Json kNone = Json::object(), kAnything = true;
  const Json properties = schema.value("properties", kNone),
             required = schema.value("required", Json::array());
  const bool says_more = has(schema, "additionalProperties");
  if (properties.empty() && required.empty() && !says_more) return json_.object;
  const Json others = says_more ? schema["additionalProperties"] : Json(properties.empty());
  // The declared ones, then those that are only required.
  std::vector<Member> members;
  std::unordered_map<std::string, size_t> number_of;
  for (const auto& [name, s] : properties.items()) {
    number_of.emplace(name, members.size());
    members.push_back({.name = name, .schema = &s});
  }
  for (const Json& item : required) {
    const auto [known, is_new] = number_of.try_emplace(item.get<std::string>(), members.size());
    if (is_new) members.push_back({.name = known->first, .schema = says_more ? &others : &kAnything});
    members[known->second].required = true;
  }

  auto member = [&](Expr key, Expr value) {
    return rules_.sequence({key, rules_.bytes(":"), json_.space, value});
  };
  Expr more = rules_.empty(), first = rules_.empty();
  if (others != false) {
    Expr value = read(others, says_more ? below(at, "additionalProperties") : at);
    Expr other = member(members.empty() ? json_.string : in_quotes(other_key(members)), value);
    more = rules_.repeat(follow(",", other), 0);
    first = rules_.optional(rules_.sequence({other, more}));
  }
  for (auto m = members.rbegin(); m != members.rend(); ++m) {
    const std::string place = below(below(at, "properties"), m->name);
    Expr own = member(json_literal(rules_, m->name), read(*m->schema, place));
    Expr with_own = rules_.sequence({own, more});
    first = m->required ? with_own : rules_.choice({with_own, first});
    Expr next = follow(",", own);
    more = rules_.sequence({m->required ? next : rules_.optional(next), more});
  }
  // An object without members is "{}"; `first` may match nothing, and then no white space stands for it.
  return own_rule(at,
                  rules_.sequence({rules_.bytes("{"), json_.space, first, json_.space, rules_.bytes("}")}));
}

// A name that is none of these. Without escapes, so that none of them can be spelled in another way.
Expr Reader::other_key(std::span<const Member> known) {
  std::vector<std::u32string> names;
  for (const Member& member : known) {
    std::u32string characters;
    for (std::string_view rest = member.name; !rest.empty();) {
      text::Utf8Step step = text::read_utf8(rest);
      characters += step.character;
      rest.remove_prefix(step.bytes);
    }
    names.push_back(std::move(characters));
  }
  std::sort(names.begin(), names.end());
  return other_key_from(names, 0);
}

// All of `known`, which are sorted, share their first `depth` characters, which have been read.
Expr Reader::other_key_from(std::span<const std::u32string> known, size_t depth) {
  static const CharSet kPlain = CharSet({{0, 0x1F}, {'"', '"'}, {'\\', '\\'}, {0x7F, 0x7F}}).complement();
  const bool may_end = known.front().size() > depth;  // none of them ends here; it would be the first
  if (!may_end) known = known.subspan(1);
  std::vector<CharRange> taken;
  std::vector<Expr> ways;
  while (!known.empty()) {
    const char32_t character = known.front()[depth];
    const auto end = std::find_if(known.begin(), known.end(),
                                  [&](const std::u32string& name) { return name[depth] != character; });
    const auto alike = known.first(static_cast<size_t>(end - known.begin()));
    taken.push_back({character, character});
    if (kPlain.contains(character))
      ways.push_back(
          rules_.sequence({rules_.chars({{character, character}}), other_key_from(alike, depth + 1)}));
    known = known.subspan(alike.size());
  }
  const CharSet others = kPlain.without(CharSet(std::move(taken)));
  ways.push_back(rules_.sequence({rules_.chars(others), rules_.repeat(rules_.chars(kPlain), 0)}));
  if (may_end) ways.push_back(rules_.empty());
  return rules_.choice(std::move(ways));
}

Expr Reader::read_array(const Json& schema, const std::string& at) {
  const Json prefix = schema.value("prefixItems", Json::array()), items = schema.value("items", Json(true));
  const int least = schema.value("minItems", 0), fixed = static_cast<int>(prefix.size());
  const int most = schema.value("maxItems", kNoLimit);
  if (prefix.empty() && items == true && least == 0 && most == kNoLimit) return json_.array;
  if (most != kNoLimit && most < least) throw SchemaError(at, "maxItems is less than minItems");

  Expr item = read(items, below(at, "items"));
  // From the end: what may follow after `i` items, for i = fixed, … 0.
  int rest_least = std::max(0, least - fixed),
      rest_most = most == kNoLimit ? kNoLimit : std::max(0, most - fixed);
  auto list_of = [&](int low, int high) {  // of `item`, from the first of the array on
    if (high == 0) return rules_.empty();
    Expr list = rules_.sequence({item, rules_.repeat(follow(",", item), std::max(0, low - 1),
                                                     high == kNoLimit ? kNoLimit : high - 1)});
    return low == 0 ? rules_.optional(list) : list;
  };
  Expr first = list_of(rest_least, rest_most);
  if (fixed > 0) {
    Expr more = rules_.repeat(follow(",", item), rest_least, rest_most);
    for (int i = fixed; i-- > 0;) {
      if (most != kNoLimit && i >= most) {
        first = more = rules_.empty();
        continue;
      }
      Expr own = read(prefix[size_t(i)], below(below(at, "prefixItems"), std::to_string(i)));
      Expr with_own = rules_.sequence({own, more});
      first = i >= least ? rules_.optional(with_own) : with_own;
      Expr next = rules_.sequence({follow(",", own), more});
      more = i >= least ? rules_.optional(next) : next;
    }
  }
  return own_rule(at,
                  rules_.sequence({rules_.bytes("["), json_.space, first, json_.space, rules_.bytes("]")}));
}

Expr Reader::read_string(const Json& schema, const std::string& at) {
  std::vector<Expr> rules;
  const RegexOptions in_json = {.spell = json_character};
  if (has(schema, "pattern")) {
    try {
      rules.push_back(
          regex(rules_, schema["pattern"].get<std::string>(), {.spell = json_character, .anywhere = true}));
    } catch (const SchemaError&) {
      throw;
    } catch (const Error& error) {
      throw SchemaError(below(at, "pattern"), error.what());
    }
  }
  if (has(schema, "format"))
    rules.push_back(regex(rules_, string_format(schema["format"].get<std::string>()), in_json));
  if (has(schema, "minLength") || has(schema, "maxLength")) {
    int least = schema.value("minLength", 0), most = schema.value("maxLength", kNoLimit);
    if (most != kNoLimit && most < least) throw SchemaError(at, "maxLength is less than minLength");
    rules.push_back(rules_.repeat(json_character(rules_, CharSet::all()), least, most));
  }
  if (rules.empty()) return json_.string;
  Expr all = rules[0];
  for (size_t i = 1; i < rules.size(); ++i) all = rules_.both(all, rules[i]);
  return in_quotes(all);
}

Expr Reader::read_number(const Json& schema, bool integer, const std::string& at) {
  if (has(schema, "multipleOf") && !(integer && schema["multipleOf"] == 1)) {
    throw SchemaError(below(at, "multipleOf"), "'multipleOf' is supported only as 1, for integers");
  }
  struct Bound {
    const char *inclusive, *exclusive;
    bool is_least;
  };
  std::optional<double> value[2];
  bool exclusive[2] = {false, false};
  constexpr Bound kBounds[] = {{"minimum", "exclusiveMinimum", true}, {"maximum", "exclusiveMaximum", false}};
  for (size_t i = 0; i < 2; ++i) {
    for (const char* key : {kBounds[i].inclusive, kBounds[i].exclusive}) {
      if (!has(schema, key)) continue;
      double bound = schema[key].get<double>();
      bool is_exclusive = key == kBounds[i].exclusive;
      bool tighter = !value[i] || (kBounds[i].is_least ? bound > *value[i] : bound < *value[i]) ||
                     (bound == *value[i] && is_exclusive);
      if (!tighter) continue;
      value[i] = bound;
      exclusive[i] = is_exclusive;
    }
  }
  if (!value[0] && !value[1]) return integer ? json_.integer : json_.number;
  try {
    if (!integer) {
      std::optional<DecimalBound> bounds[2];
      for (size_t i = 0; i < 2; ++i) {
        if (value[i]) bounds[i] = decimal_bound(*value[i], exclusive[i]);
      }
      return decimals_between(rules_, bounds[0], bounds[1]);
    }
    std::optional<int64_t> bounds[2];
    for (size_t i = 0; i < 2; ++i) {
      if (!value[i]) continue;
      double clamped = std::clamp(*value[i], -1e15, 1e15);
      double whole = kBounds[i].is_least ? std::ceil(clamped) : std::floor(clamped);
      if (exclusive[i] && whole == clamped) whole += kBounds[i].is_least ? 1 : -1;
      bounds[i] = static_cast<int64_t>(whole);
    }
    return integers_between(rules_, bounds[0], bounds[1]);
  } catch (const Error& error) {
    throw SchemaError(at, error.what());
  }
}

}  // namespace

Expr json_schema(Rules& rules, const JsonRules& json, const Json& schema) {
  check_schema(schema);
  Disjointness disjointness(schema);
  Used used;
  return Reader(rules, json, schema, disjointness, used).read(schema, "");
}

}  // namespace troika::grammar
