// Whether no value can satisfy two schemas, as far as types, constants and required members tell: a oneOf of
// such schemas is an anyOf.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "grammar/schema_merge.h"

namespace troika::grammar {

// All questions about one document draw on the same steps: schemas may refer to each other in more ways than
// can be looked at.
class Disjointness {
 public:
  explicit Disjointness(const Json& root) : root_(root) {}  // which $ref is resolved in; must outlive this

  // False: both may fit, or it took too long to tell.
  bool proven(const Json& a, const Json& b) { return proven(a, b, 0); }
  bool spent() const { return steps_left_ == 0; }

 private:
  bool proven(const Json& a, const Json& b, int depth);
  bool members_differ(const Json& one, const Json& other, int depth);
  bool share_a_value(const Json& a, const Json& b);
  const Json& resolve(const std::string& reference);
  bool spend(size_t steps);

  const Json& root_;
  std::map<std::string, const Json*> resolved_;
  size_t steps_left_ = 20'000'000;  // about a second
};

}  // namespace troika::grammar
