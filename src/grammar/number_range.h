// Numbers between two bounds, digit by digit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "grammar/rules.h"

namespace troika::grammar {

// Whole numbers from `least` to `most`, in decimal, without leading zeros. An absent bound is that of 15
// digits.
Expr integers_between(Rules& rules, std::optional<int64_t> least, std::optional<int64_t> most);

// A bound of decimal numbers: its digits as one would write them, without an exponent.
struct DecimalBound {
  std::string digits;  // "12.5"; no sign
  bool negative = false;
  bool exclusive = false;
};
// Throws Error when the number has more digits than are supported.
DecimalBound decimal_bound(double value, bool exclusive);

// Decimal numbers of at most 15 digits after the point, without an exponent.
Expr decimals_between(Rules& rules, const std::optional<DecimalBound>& least,
                      const std::optional<DecimalBound>& most);

}  // namespace troika::grammar
