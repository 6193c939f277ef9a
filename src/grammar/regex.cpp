#include "grammar/regex.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "grammar/quantifier.h"
#include "text/unicode.h"

namespace troika::grammar {
namespace {

constexpr int kMostCount = 100'000, kMostDepth = 200;
constexpr size_t kMostBytes = 64 << 10;

const CharSet& digits() {
  static const CharSet set = {{'0', '9'}};
  return set;
}
const CharSet& word() {
  static const CharSet set = {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}, {'_', '_'}};
  return set;
}
const CharSet& space() {  // JavaScript's
  static const CharSet set = {{'\t', '\r'},     {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680},
                              {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F},
                              {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
  return set;
}
const CharSet& line_ends() {
  static const CharSet set = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};
  return set;
}

class Parser {
 public:
  Parser(Rules& rules, std::string_view pattern, const RegexOptions& options)
      : rules_(rules), pattern_(pattern), options_(options) {
    if (pattern.size() > kMostBytes)
      fail("the pattern has {} bytes; {} are the most", pattern.size(), kMostBytes);
    if (!text::valid_utf8(pattern)) fail("the pattern is not UTF-8");
  }

  Expr parse() {
    Expr whole = alternatives(0);
    if (!at_end()) wrong("a ) without its (");
    return whole;
  }

 private:
  template <typename... Args>
  [[noreturn]] void wrong(fmt::format_string<Args...> format, Args&&... args) const {
    fail("at character {} of the pattern: {}", position_ + 1,
         fmt::format(format, std::forward<Args>(args)...));
  }

  bool at_end() const { return position_ == pattern_.size(); }
  bool looking_at(std::string_view text) const { return pattern_.substr(position_).starts_with(text); }
  bool take(std::string_view text) {
    if (!looking_at(text)) return false;
    position_ += text.size();
    return true;
  }
  char32_t take_character() {
    text::Utf8Step step = text::read_utf8(pattern_.substr(position_));
    position_ += step.bytes;
    return step.character;
  }

  Expr spell(const CharSet& set) { return options_.spell ? options_.spell(rules_, set) : rules_.chars(set); }

  Expr alternatives(int depth) {
    if (depth > kMostDepth) wrong("groups are nested deeper than {} levels", kMostDepth);
    std::vector<Expr> list;
    do list.push_back(alternative(depth));
    while (take("|"));
    return list.size() == 1 ? list[0] : rules_.choice(std::move(list));
  }

  Expr alternative(int depth) {
    std::vector<Expr> parts;
    bool from_start = false, to_end = false;
    while (!at_end() && !looking_at("|") && !looking_at(")")) {
      bool is_anchor = looking_at("^") || looking_at("$");
      if (to_end && !looking_at("$"))
        wrong("$ is supported only at the end of the pattern or of one of its alternatives");
      if (is_anchor && depth > 0) wrong("^ and $ are supported only outside of groups");
      if (take("^")) {
        if (!parts.empty())
          wrong("^ is supported only at the beginning of the pattern or of one of its alternatives");
        from_start = true;
      } else if (take("$")) {
        to_end = true;
      } else {
        Expr part = atom(depth);
        parts.push_back(quantified(part));
      }
    }
    if (options_.anywhere && depth == 0) {
      Expr anything = rules_.repeat(spell(CharSet::all()), 0);
      if (!from_start) parts.insert(parts.begin(), anything);
      if (!to_end) parts.push_back(anything);
    }
    return rules_.sequence(std::move(parts));
  }

  Expr quantified(Expr part) {
    const std::optional<Counts> counts = take_counts();
    if (!counts) return part;
    if (looking_at("+")) wrong("possessive quantifiers are not supported");
    take("?");
    if (at_quantifier()) wrong("a quantifier follows a quantifier");
    return rules_.repeat(part, counts->least, counts->most);
  }

  bool at_quantifier() const { return !at_end() && counts_of(pattern_[position_]); }

  // * + ? {3} {3,} or {3,5}. Any other { is a character, as in JavaScript.
  std::optional<Counts> take_counts() {
    if (at_quantifier()) return counts_of(pattern_[position_++]);
    const size_t begin = position_;
    if (!take("{")) return std::nullopt;
    auto first = number();
    bool has_comma = take(",");
    auto second = has_comma ? number() : first;
    if (!first || !take("}")) {
      position_ = begin;
      return std::nullopt;
    }
    const int least = *first, most = second ? *second : kNoLimit;
    if (most != kNoLimit && most < least) wrong("the counts {{{},{}}} are out of order", least, most);
    return Counts{least, most};
  }

  std::optional<int> number() {
    if (at_end() || !digits().contains(char32_t(uint8_t(pattern_[position_])))) return std::nullopt;
    int value = 0;
    while (!at_end() && pattern_[position_] >= '0' && pattern_[position_] <= '9') {
      value = value * 10 + (pattern_[position_++] - '0');
      if (value > kMostCount) wrong("a count above {} is not supported", kMostCount);
    }
    return value;
  }

  Expr atom(int depth) {
    if (at_quantifier()) wrong("there is nothing to repeat");
    if (take("(")) return group(depth);
    if (take("[")) return spell(char_class());
    if (take(".")) return spell(line_ends().complement());
    if (take("\\")) {
      if (at_end()) wrong("the pattern ends with a \\");
      if (looking_at("b") || looking_at("B")) wrong("word borders (\\b, \\B) are not supported");
      char next = pattern_[position_];
      if ((next >= '1' && next <= '9') || next == 'k') wrong("backreferences are not supported");
      return spell(escape());
    }
    char32_t c = take_character();
    return spell({{c, c}});
  }

  Expr group(int depth) {
    if (take("?")) {
      if (looking_at("=") || looking_at("!") || looking_at("<=") || looking_at("<!"))
        wrong("lookaheads and lookbehinds are not supported");
      if (take("<") || take("P<")) {
        size_t end = pattern_.find('>', position_);
        if (end == pattern_.npos) wrong("a group's name has no end");
        position_ = end + 1;
      } else if (!take(":")) {
        wrong("this kind of group is not supported");
      }
    }
    Expr inside = alternatives(depth + 1);
    if (!take(")")) wrong("a ( has no )");
    return inside;
  }

  CharSet char_class() {
    std::vector<CharRange> ranges;
    bool complement = take("^");
    while (!take("]")) {
      if (at_end()) wrong("a [ has no ]");
      CharSet first = class_member();
      if (looking_at("-") && !looking_at("-]")) {
        take("-");
        if (at_end()) wrong("a [ has no ]");
        CharSet last = class_member();
        char32_t from = single(first), to = single(last);
        if (from > to) wrong("a range in [ ] is out of order");
        ranges.push_back({from, to});
      } else {
        ranges.insert(ranges.end(), first.ranges().begin(), first.ranges().end());
      }
    }
    CharSet set(std::move(ranges));
    return complement ? set.complement() : set;
  }

  CharSet class_member() {
    if (take("\\")) {
      if (at_end()) wrong("the pattern ends with a \\");
      if (take("b")) return {{'\b', '\b'}};
      return escape();
    }
    char32_t c = take_character();
    return {{c, c}};
  }

  char32_t single(const CharSet& set) const {
    if (set.ranges().size() != 1 || set.ranges()[0].first != set.ranges()[0].last)
      wrong("a range in [ ] must go from one character to another");
    return set.ranges()[0].first;
  }

  // Behind a backslash.
  CharSet escape() {
    char32_t c = take_character();
    switch (c) {
      case 'd':
        return digits();
      case 'D':
        return digits().complement();
      case 'w':
        return word();
      case 'W':
        return word().complement();
      case 's':
        return space();
      case 'S':
        return space().complement();
      case 't':
        return CharSet::of("\t");
      case 'n':
        return CharSet::of("\n");
      case 'r':
        return CharSet::of("\r");
      case 'f':
        return CharSet::of("\f");
      case 'v':
        return CharSet::of("\v");
      case '0':
        return {{0, 0}};
      case 'x':
        return one(hex(2));
      case 'u':
        return one(take("{") ? hex_to_brace() : utf16());
      case 'p':
      case 'P':
        wrong("character properties (\\p) are not supported");
      default:
        break;
    }
    if (word().contains(c)) wrong("the escape \\{} is not supported", char(c));
    return one(c);
  }

  CharSet one(char32_t c) const {
    CharSet set = {{c, c}};
    if (set.empty()) wrong("U+{:04X} is no character", uint32_t(c));
    return set;
  }

  char32_t hex(int count) {
    char32_t value = 0;
    for (int i = 0; i < count; ++i) value = value * 16 + hex_digit();
    return value;
  }

  char32_t hex_to_brace() {
    char32_t value = 0;
    do {
      value = value * 16 + hex_digit();
      if (value > kLastChar) wrong("there is no such character");
    } while (!take("}"));
    return value;
  }

  // Four digits, or two times four where a character needs them.
  char32_t utf16() {
    char32_t unit = hex(4);
    if (unit < 0xD800 || unit > 0xDBFF || !take("\\u")) return unit;
    char32_t low = hex(4);
    if (low < 0xDC00 || low > 0xDFFF) wrong("half a surrogate pair");
    return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
  }

  char32_t hex_digit() {
    if (!at_end()) {
      char c = pattern_[position_++];
      if (c >= '0' && c <= '9') return char32_t(c - '0');
      if (c >= 'a' && c <= 'f') return char32_t(c - 'a' + 10);
      if (c >= 'A' && c <= 'F') return char32_t(c - 'A' + 10);
    }
    wrong("hexadecimal digits are missing");
  }

  Rules& rules_;
  const std::string_view pattern_;
  const RegexOptions& options_;
  size_t position_ = 0;
};

}  // namespace

Expr regex(Rules& rules, std::string_view pattern, const RegexOptions& options) {
  return Parser(rules, pattern, options).parse();
}

}  // namespace troika::grammar
