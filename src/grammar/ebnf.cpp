#include "grammar/ebnf.h"

#include <map>
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
constexpr size_t kMostBytes = 1 << 20;
constexpr size_t kShown = 80;  // bytes of a name in a complaint

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

class Parser {
 public:
  Parser(Rules& rules, std::string_view source) : rules_(rules), source_(source) {
    if (source.size() > kMostBytes)
      fail("the grammar has {} bytes; {} are the most", source.size(), kMostBytes);
    if (!text::valid_utf8(source)) fail("the grammar is not UTF-8");
  }

  Expr parse() {
    for (skip(Lines::all); !at_end(); skip(Lines::all)) definition();
    for (const auto& [name, use] : named_) {
      if (!rules_.rule(use.rule).defined)
        fail("line {} of the grammar: the rule '{}' is not defined", use.line, name.substr(0, kShown));
    }
    auto root = named_.find("root");
    if (root == named_.end()) fail("the grammar has no rule 'root', which is the whole text");
    return rules_.call(root->second.rule);
  }

 private:
  enum class Lines { this_one, all };
  struct Named {
    RuleId rule;
    int line = 0;
  };

  template <typename... Args>
  [[noreturn]] void wrong(fmt::format_string<Args...> format, Args&&... args) const {
    fail("line {} of the grammar: {}", line_, fmt::format(format, std::forward<Args>(args)...));
  }

  bool at_end() const { return position_ == source_.size(); }
  char next() const { return at_end() ? '\0' : source_[position_]; }
  bool take(std::string_view text) {
    if (!source_.substr(position_).starts_with(text)) return false;
    position_ += text.size();
    return true;
  }

  // Blanks and comments; line breaks too, where a definition may go on or is over.
  void skip(Lines lines) {
    while (!at_end()) {
      char c = next();
      if (c == '#') {
        while (!at_end() && next() != '\n') ++position_;
      } else if (c == '\n' && lines == Lines::all) {
        ++line_;
        ++position_;
      } else if (c == ' ' || c == '\t' || c == '\r') {
        ++position_;
      } else {
        return;
      }
    }
  }

  std::string name() {
    size_t begin = position_;
    while (!at_end() && is_name(next())) ++position_;
    if (begin == position_) wrong("the name of a rule is missing");
    return std::string(source_.substr(begin, position_ - begin));
  }

  RuleId rule_of(const std::string& name) {
    auto known = named_.find(name);
    if (known == named_.end()) known = named_.emplace(name, Named{rules_.declare(name), line_}).first;
    return known->second.rule;
  }

  void definition() {
    std::string own = name();
    skip(Lines::this_one);
    if (!take("::=")) wrong("'::=' is missing behind '{}'", own.substr(0, kShown));
    RuleId rule = rule_of(own);
    if (rules_.rule(rule).defined) wrong("the rule '{}' is defined twice", own.substr(0, kShown));
    skip(Lines::all);
    rules_.define(rule, alternatives(0));
    skip(Lines::this_one);
    if (!at_end() && next() != '\n') wrong("'{}' was not expected here", next());
  }

  Expr alternatives(int depth) {
    if (depth > kMostDepth) wrong("groups are nested deeper than {} levels", kMostDepth);
    std::vector<Expr> list = {sequence(depth)};
    for (;;) {
      // An alternative may stand on a line of its own.
      size_t position = position_;
      int line = line_;
      skip(Lines::all);
      if (!take("|")) {
        if (depth == 0) {
          position_ = position;
          line_ = line;
        }
        break;
      }
      skip(Lines::all);
      list.push_back(sequence(depth));
    }
    return list.size() == 1 ? list[0] : rules_.choice(std::move(list));
  }

  Expr sequence(int depth) {
    std::vector<Expr> parts;
    for (;;) {
      skip(depth > 0 ? Lines::all : Lines::this_one);
      auto part = atom(depth);
      if (!part) break;
      parts.push_back(repeated(*part));
    }
    return rules_.sequence(std::move(parts));
  }

  std::optional<Expr> atom(int depth) {
    if (take("\"")) return literal();
    if (take("[")) return rules_.chars(char_class());
    if (take(".")) return rules_.chars(CharSet::all());
    if (take("(")) {
      skip(Lines::all);
      Expr inside = alternatives(depth + 1);
      skip(Lines::all);
      if (!take(")")) wrong("a ( has no )");
      return inside;
    }
    if (is_name(next())) return rules_.call(rule_of(name()));
    if (next() == '<') wrong("tokens in < > are not supported");
    return std::nullopt;
  }

  Expr repeated(Expr part) {
    const std::optional<Counts> counts = take_counts();
    if (!counts) return part;
    if (counts_of(next()) || next() == '{') wrong("a repetition follows a repetition; use ( )");
    return rules_.repeat(part, counts->least, counts->most);
  }

  std::optional<Counts> take_counts() {
    std::optional<Counts> counts = counts_of(next());
    if (counts) ++position_;
    if (counts || !take("{")) return counts;
    const int least = number();
    int most = least;
    if (take(",")) most = next() == '}' ? kNoLimit : number();
    if (!take("}")) wrong("a {{ has no }}");
    if (most != kNoLimit && most < least) wrong("the counts {{{},{}}} are out of order", least, most);
    return Counts{least, most};
  }

  int number() {
    int value = 0;
    size_t begin = position_;
    for (; next() >= '0' && next() <= '9'; ++position_) {
      value = value * 10 + (next() - '0');
      if (value > kMostCount) wrong("a count above {} is not supported", kMostCount);
    }
    if (begin == position_) wrong("a number is missing behind {{");
    return value;
  }

  Expr literal() {
    std::string text;
    while (!take("\"")) {
      if (at_end() || next() == '\n') wrong("a \" has no end");
      text::append_utf8(text, character());
    }
    return rules_.bytes(text);
  }

  CharSet char_class() {
    std::vector<CharRange> ranges;
    bool complement = take("^");
    while (!take("]")) {
      if (at_end() || next() == '\n') wrong("a [ has no ]");
      char32_t first = character(), last = first;
      if (next() == '-' && !source_.substr(position_).starts_with("-]")) {
        ++position_;
        if (at_end()) wrong("a [ has no ]");
        last = character();
      }
      if (first > last) wrong("a range in [ ] is out of order");
      ranges.push_back({first, last});
    }
    CharSet set(std::move(ranges));
    return complement ? set.complement() : set;
  }

  char32_t character() {
    if (!take("\\")) {
      text::Utf8Step step = text::read_utf8(source_.substr(position_));
      position_ += step.bytes;
      return step.character;
    }
    char c = next();
    if (!at_end()) ++position_;
    switch (c) {
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'x':
        return hex(2);
      case 'u':
        return hex(4);
      case 'U':
        return hex(8);
      case '"':
      case '\\':
      case '[':
      case ']':
      case '-':
      case '^':
        return char32_t(c);
      default:
        wrong("the escape \\{} is not known", c);
    }
  }

  char32_t hex(int count) {
    char32_t value = 0;
    for (int i = 0; i < count; ++i, ++position_) {
      char c = next();
      int digit = c >= '0' && c <= '9'   ? c - '0'
                  : c >= 'a' && c <= 'f' ? c - 'a' + 10
                  : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                         : -1;
      if (digit < 0) wrong("{} hexadecimal digits are missing", count);
      value = value * 16 + char32_t(digit);
    }
    if (CharSet({{value, value}}).empty()) wrong("U+{:04X} is no character", uint32_t(value));
    return value;
  }

  Rules& rules_;
  const std::string_view source_;
  std::map<std::string, Named> named_;
  size_t position_ = 0;
  int line_ = 1;
};

}  // namespace

Expr ebnf(Rules& rules, std::string_view source) { return Parser(rules, source).parse(); }

}  // namespace troika::grammar
