// What * + ? mean behind a part of a pattern: in regular expressions and in GBNF alike.
#pragma once

#include <optional>

#include "grammar/rules.h"

namespace troika::grammar {

struct Counts {
  int least = 0, most = kNoLimit;
};

inline std::optional<Counts> counts_of(char quantifier) {
  switch (quantifier) {
    case '*':
      return Counts{.least = 0};
    case '+':
      return Counts{.least = 1};
    case '?':
      return Counts{.least = 0, .most = 1};
    default:
      return std::nullopt;
  }
}

}  // namespace troika::grammar
