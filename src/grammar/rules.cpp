#include "grammar/rules.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace troika::grammar {
namespace {

constexpr size_t kMostNodes = 500'000, kMostRules = 20'000;

}  // namespace

Expr Rules::add(Node node) {
  if (nodes_.size() >= kMostNodes) fail("the grammar has more than {} parts", kMostNodes);
  nodes_.push_back(std::move(node));
  return {static_cast<uint32_t>(nodes_.size() - 1)};
}

Expr Rules::bytes(std::string_view text) { return add({.kind = Kind::bytes, .text = std::string(text)}); }
Expr Rules::chars(CharSet set) { return add({.kind = Kind::chars, .set = std::move(set)}); }
Expr Rules::sequence(std::vector<Expr> parts) {
  return add({.kind = Kind::sequence, .parts = std::move(parts)});
}
Expr Rules::choice(std::vector<Expr> parts) { return add({.kind = Kind::choice, .parts = std::move(parts)}); }

Expr Rules::repeat(Expr part, int least, int most) {
  check(least >= 0 && (most == kNoLimit || most >= least), "bounds of a repetition");
  return add({.kind = Kind::repeat, .parts = {part}, .least = least, .most = most});
}

Expr Rules::call(RuleId rule) { return add({.kind = Kind::call, .rule = rule}); }
Expr Rules::until(std::string_view marker) { return add({.kind = Kind::until, .text = std::string(marker)}); }
Expr Rules::avoid(std::string_view marker) { return add({.kind = Kind::avoid, .text = std::string(marker)}); }
Expr Rules::both(Expr a, Expr b) { return add({.kind = Kind::both, .parts = {a, b}}); }

RuleId Rules::declare(std::string name, std::string shared) {
  if (rules_.size() >= kMostRules) fail("the grammar has more than {} rules", kMostRules);
  rules_.push_back({.name = std::move(name), .shared = std::move(shared)});
  return {static_cast<uint32_t>(rules_.size() - 1)};
}

void Rules::define(RuleId rule, Expr body) {
  check(!rules_[rule.id].defined, "a rule is defined once");
  rules_[rule.id].body = body;
  rules_[rule.id].defined = true;
}

RuleId Rules::rule(std::string name, Expr body) {
  RuleId id = declare(std::move(name));
  define(id, body);
  return id;
}

RuleId Rules::find_shared(std::string_view shared) const {
  auto found = std::find_if(rules_.begin(), rules_.end(), [&](const Rule& r) { return r.shared == shared; });
  return found == rules_.end() ? kNoRule : RuleId{static_cast<uint32_t>(found - rules_.begin())};
}

}  // namespace troika::grammar
