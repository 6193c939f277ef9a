#include "engine/constraint.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace troika::engine {
namespace {

constexpr const char* kTooManyWays =
    "the grammar may go on in too many ways at once here; make its alternatives differ sooner";

}  // namespace

Constraint::Constraint(std::shared_ptr<const grammar::TokenGrammar> grammar)
    : matcher_(grammar), mask_(grammar->vocabulary().tokens()) {}

void Constraint::prepare() {
  if (std::exchange(is_known_, true)) return;
  matcher_.allow(mask_);
}

const grammar::TokenMask& Constraint::allowed() {
  prepare();
  if (matcher_.gave_up()) fail(kTooManyWays);
  auto words = mask_.words();
  if (std::all_of(words.begin(), words.end(), [](uint64_t word) { return word == 0; })) {
    fail("no token of this model goes on with the grammar here; it may nest too deeply");
  }
  return mask_;
}

void Constraint::accept(int32_t token) {
  is_known_ = false;
  if (matcher_.accept(token)) return;
  if (matcher_.gave_up()) fail(kTooManyWays);
  fail("token {} does not fit the grammar", token);
}

}  // namespace troika::engine
