#include "grammar/schema_disjoint.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "grammar/value_set.h"

namespace troika::grammar {
namespace {

constexpr int kMostDepth = 8;
constexpr size_t kStepsOfQuestion = 10;  // a question takes as long as looking at so many names

// A member, or null.
const Json* find(const Json& schema, const char* key) {
  const auto found = schema.find(key);
  return found == schema.end() ? nullptr : &*found;
}

size_t size_of(const Json* list) { return list ? list->size() : 0; }

// The values that a schema names; none: it names none.
std::span<const Json> values_of(const Json& schema) {
  if (const Json* value = find(schema, "const")) return {value, 1};
  if (const Json* values = find(schema, "enum")) return values->get_ref<const Json::array_t&>();
  return {};
}

// How many steps comparing it takes.
size_t weight(const Json& value) {
  size_t sum = 1;
  if (value.is_string()) sum += value.get_ref<const std::string&>().size() / 64;
  if (value.is_structured()) {
    for (const Json& part : value) sum += weight(part);
  }
  return sum;
}

bool types_meet(const Json& a, const Json& b) {
  static constexpr std::array kTypes = {"object", "array", "string", "integer", "number", "boolean", "null"};
  return std::any_of(kTypes.begin(), kTypes.end(),
                     [&](std::string_view type) { return allows_type(a, type) && allows_type(b, type); });
}

bool is_object(const Json& schema) {
  const Json* type = find(schema, "type");
  return type && type->is_string() && type->get_ref<const std::string&>() == "object";
}

bool requires_member(const Json& schema, const std::string& name) {
  const Json* required = find(schema, "required");
  return required && std::any_of(required->begin(), required->end(), [&](const Json& item) {
           return item.get_ref<const std::string&>() == name;
         });
}

const Json* property(const Json& schema, const std::string& name) {
  const Json* properties = find(schema, "properties");
  return properties && properties->contains(name) ? &(*properties)[name] : nullptr;
}

bool forbids_member(const Json& schema, const std::string& name) {
  const Json* others = find(schema, "additionalProperties");
  return others && *others == false && !property(schema, name);
}

}  // namespace

bool Disjointness::spend(size_t steps) {
  steps_left_ -= std::min(steps, steps_left_);
  return !spent();
}

const Json& Disjointness::resolve(const std::string& reference) {
  const Json*& target = resolved_[reference];
  if (!target) target = &resolve_reference(root_, reference, "");
  return *target;
}

bool Disjointness::proven(const Json& a, const Json& b, int depth) {
  if (a == false || b == false) return true;
  if (!a.is_object() || !b.is_object() || depth > kMostDepth || !spend(kStepsOfQuestion)) return false;
  if (const Json* reference = find(a, "$ref"); reference && proven(resolve(*reference), b, depth + 1))
    return true;
  if (const Json* reference = find(b, "$ref"); reference && proven(a, resolve(*reference), depth + 1))
    return true;
  if (!types_meet(a, b)) return true;
  if (!values_of(a).empty() && !values_of(b).empty()) return !share_a_value(a, b);
  return is_object(a) && is_object(b) && (members_differ(a, b, depth) || members_differ(b, a, depth));
}

// True also when it took too long to tell.
bool Disjointness::share_a_value(const Json& a, const Json& b) {
  std::span<const Json> some = values_of(a), others = values_of(b);
  for (std::span<const Json> values : {some, others}) {
    for (const Json& value : values) {
      if (!spend(weight(value))) return true;
    }
  }
  ValueSet known;
  for (const Json& value : some) known.insert(value);
  return std::any_of(others.begin(), others.end(), [&](const Json& value) { return known.contains(value); });
}

// A member that `one` must have, and that `other` must not have or must have with another value.
bool Disjointness::members_differ(const Json& one, const Json& other, int depth) {
  const Json* required = find(one, "required");
  if (!required) return false;
  const size_t steps = 1 + size_of(find(one, "properties")) + size_of(find(other, "properties")) +
                       size_of(find(other, "required"));
  for (const Json& item : *required) {
    if (!spend(steps)) return false;
    const std::string& name = item.get_ref<const std::string&>();
    if (forbids_member(other, name)) return true;
    if (!requires_member(other, name)) continue;
    const Json *mine = property(one, name), *theirs = property(other, name);
    if (mine && theirs && proven(*mine, *theirs, depth + 1)) return true;
  }
  return false;
}

}  // namespace troika::grammar
