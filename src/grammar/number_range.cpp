// A number of n digits lies above a bound of n digits when it has the bound's first digits, then a larger
// one, then any. That is a regular expression; so is everything here.
#include "grammar/number_range.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"

namespace troika::grammar {
namespace {

constexpr int kMostDigits = 15, kMostFraction = 15;
constexpr int64_t kLargest = 999'999'999'999'999;

class Digits {
 public:
  explicit Digits(Rules& rules) : rules_(rules) {}

  Expr from_to(char first, char last) {
    return first > last ? rules_.choice({}) : rules_.chars({{char32_t(first), char32_t(last)}});
  }
  Expr any(int least, int most) { return rules_.repeat(from_to('0', '9'), least, most); }

  // Strings of digits, all of one length, from `low` to `high`.
  Expr between(const std::string& low, const std::string& high) {
    if (low.empty()) return rules_.empty();
    if (low.find_first_not_of('0') == low.npos && high.find_first_not_of('9') == high.npos) {
      return any(static_cast<int>(low.size()), static_cast<int>(low.size()));
    }
    int rest = static_cast<int>(low.size()) - 1;
    std::string low_rest = low.substr(1), high_rest = high.substr(1);
    if (low[0] == high[0])
      return rules_.sequence({rules_.bytes(low.substr(0, 1)), between(low_rest, high_rest)});
    return rules_.choice({
        rules_.sequence({rules_.bytes(low.substr(0, 1)), between(low_rest, std::string(size_t(rest), '9'))}),
        rules_.sequence({from_to(char(low[0] + 1), char(high[0] - 1)), any(rest, rest)}),
        rules_.sequence(
            {rules_.bytes(high.substr(0, 1)), between(std::string(size_t(rest), '0'), high_rest)}),
    });
  }

  // Numbers without a sign, 0 <= low <= high.
  Expr naturals(int64_t low, int64_t high) {
    std::vector<Expr> by_length;
    for (int64_t first = low; first <= high;) {
      std::string digits = fmt::format("{}", first);
      int64_t longest = std::stoll(std::string(digits.size(), '9'));
      by_length.push_back(between(digits, fmt::format("{}", std::min(longest, high))));
      first = longest + 1;
    }
    return rules_.choice(std::move(by_length));
  }

  // Digits behind a point, above or below those of a bound; with the point, or nothing where no digits will
  // do.
  Expr fraction_above(std::string bound, bool exclusive) {
    std::vector<Expr> ways;
    if (bound.empty() && !exclusive) return any_fraction();
    if (bound.empty()) return rules_.sequence({rules_.bytes("."), not_only_zeros(kMostFraction)});
    for (size_t i = 0; i < bound.size(); ++i) {
      ways.push_back(rules_.sequence({rules_.bytes(bound.substr(0, i)), from_to(char(bound[i] + 1), '9'),
                                      any(0, kMostFraction - static_cast<int>(i) - 1)}));
    }
    int left = kMostFraction - static_cast<int>(bound.size());
    Expr behind = exclusive ? not_only_zeros(left) : any(0, left);
    ways.push_back(rules_.sequence({rules_.bytes(bound), behind}));
    return rules_.sequence({rules_.bytes("."), rules_.choice(std::move(ways))});
  }

  Expr fraction_below(std::string bound, bool exclusive) {
    if (bound.empty()) {
      if (exclusive) return rules_.choice({});
      return rules_.optional(rules_.sequence(
          {rules_.bytes("."), rules_.bytes("0"), rules_.repeat(rules_.bytes("0"), 0, kMostFraction - 1)}));
    }
    std::vector<Expr> ways;
    for (size_t i = 0; i < bound.size(); ++i) {
      // A text that ends before the bound does is smaller: its last digits are not zero, or it has none of
      // them.
      if (i > 0) ways.push_back(rules_.bytes(bound.substr(0, i)));
      ways.push_back(rules_.sequence({rules_.bytes(bound.substr(0, i)), from_to('0', char(bound[i] - 1)),
                                      any(0, kMostFraction - static_cast<int>(i) - 1)}));
    }
    if (!exclusive) {
      int left = kMostFraction - static_cast<int>(bound.size());
      ways.push_back(rules_.sequence({rules_.bytes(bound), rules_.repeat(rules_.bytes("0"), 0, left)}));
    }
    return rules_.optional(rules_.sequence({rules_.bytes("."), rules_.choice(std::move(ways))}));
  }

  Expr any_fraction() { return rules_.optional(rules_.sequence({rules_.bytes("."), any(1, kMostFraction)})); }

 private:
  Expr not_only_zeros(int most) {
    std::vector<Expr> ways;
    for (int zeros = 0; zeros < most; ++zeros) {
      ways.push_back(rules_.sequence(
          {rules_.bytes(std::string(size_t(zeros), '0')), from_to('1', '9'), any(0, most - zeros - 1)}));
    }
    return rules_.choice(std::move(ways));
  }

  Rules& rules_;
};

struct Split {
  int64_t whole = 0;
  std::string fraction;
};

Split split(const DecimalBound& bound) {
  size_t point = bound.digits.find('.');
  Split parts{.whole = std::stoll(bound.digits.substr(0, point))};
  if (point != bound.digits.npos) parts.fraction = bound.digits.substr(point + 1);
  return parts;
}

// Decimal numbers without a sign from `low` to `high`, neither of which is negative.
Expr magnitudes(Rules& rules, const DecimalBound& low, const DecimalBound& high) {
  Digits digits(rules);
  Split a = split(low), b = split(high);
  if (a.whole > b.whole) return rules.choice({});
  if (a.whole == b.whole) {
    return rules.sequence({rules.bytes(fmt::format("{}", a.whole)),
                           rules.both(digits.fraction_above(a.fraction, low.exclusive),
                                      digits.fraction_below(b.fraction, high.exclusive))});
  }
  std::vector<Expr> ways = {
      rules.sequence(
          {rules.bytes(fmt::format("{}", a.whole)), digits.fraction_above(a.fraction, low.exclusive)}),
      rules.sequence(
          {rules.bytes(fmt::format("{}", b.whole)), digits.fraction_below(b.fraction, high.exclusive)}),
  };
  if (a.whole + 1 < b.whole) {
    ways.push_back(rules.sequence({digits.naturals(a.whole + 1, b.whole - 1), digits.any_fraction()}));
  }
  return rules.choice(std::move(ways));
}

const DecimalBound kZero = {"0", false, false};
const DecimalBound kAboveZero = {"0", false, true};
const DecimalBound kLargestDecimal = {"999999999999999", false, false};

}  // namespace

Expr integers_between(Rules& rules, std::optional<int64_t> least, std::optional<int64_t> most) {
  Digits digits(rules);
  int64_t low = std::max(least.value_or(-kLargest), -kLargest),
          high = std::min(most.value_or(kLargest), kLargest);
  std::vector<Expr> ways;
  if (high >= 0 && low <= high) ways.push_back(digits.naturals(std::max<int64_t>(low, 0), high));
  if (low < 0 && low <= high) {
    ways.push_back(rules.sequence({rules.bytes("-"), digits.naturals(std::max<int64_t>(1, -high), -low)}));
  }
  return rules.choice(std::move(ways));
}

DecimalBound decimal_bound(double value, bool exclusive) {
  if (!(std::abs(value) <= double(kLargest))) fail("bounds beyond {} are not supported", kLargest);
  std::string shortest = fmt::format("{}", std::abs(value)), digits = shortest;
  if (shortest.find('e') != shortest.npos) digits = fmt::format("{:.{}f}", std::abs(value), kMostFraction);
  if (digits.find('.') != digits.npos) {
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.back() == '.') digits.pop_back();
  }
  size_t point = digits.find('.');
  if (std::stod(digits) != std::abs(value) ||
      (point != digits.npos && digits.size() - point - 1 > kMostFraction))
    fail("bounds with more than {} digits after the point are not supported", kMostFraction);
  return {.digits = digits, .negative = value < 0, .exclusive = exclusive};
}

Expr decimals_between(Rules& rules, const std::optional<DecimalBound>& least,
                      const std::optional<DecimalBound>& most) {
  std::vector<Expr> ways;
  bool low_is_negative = !least || least->negative, high_is_negative = most && most->negative;
  bool below_zero = most && most->digits == "0" && most->exclusive;
  if (!high_is_negative && !below_zero) {
    ways.push_back(magnitudes(rules, low_is_negative ? kZero : *least, most ? *most : kLargestDecimal));
  }
  if (low_is_negative) {
    DecimalBound nearest = high_is_negative ? *most : kAboveZero;
    ways.push_back(
        rules.sequence({rules.bytes("-"), magnitudes(rules, nearest, least ? *least : kLargestDecimal)}));
  }
  return rules.choice(std::move(ways));
}

}  // namespace troika::grammar
