// A set of JSON values that lie elsewhere and outlive it: lists of thousands, from strangers, are compared
// with each other.
#pragma once

#include <nlohmann/json.hpp>
#include <set>

namespace troika::grammar {

class ValueSet {
 public:
  using Json = nlohmann::ordered_json;

  bool insert(const Json& value) { return values_.insert(&value).second; }  // false: it was there
  bool contains(const Json& value) const { return values_.contains(&value); }

 private:
  struct ByValue {
    bool operator()(const Json* a, const Json* b) const { return *a < *b; }
  };
  std::set<const Json*, ByValue> values_;
};

}  // namespace troika::grammar
