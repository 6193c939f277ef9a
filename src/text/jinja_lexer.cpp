// Two modes, as in Jinja: outside of tags text runs up to the next {{, {% or {#; inside there are names,
// constants and operators up to the matching end, which counts only where all brackets are closed.
#include "text/jinja_lexer.h"

#include <array>
#include <charconv>
#include <utility>

#include "text/jinja_string.h"

namespace troika::text::jinja {

namespace {

constexpr size_t kMaxSource =
    512u << 10;  // real templates have up to some 30 KB; a tree is about 100 times as large
constexpr size_t kLongestName = 256;

constexpr std::array<std::string_view, 26> kOperators = {"**", "//", "==", "!=", ">=", "<=", "+", "-", "*",
                                                         "/",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                                         ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};

bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// Line ends become \n, and one at the very end of the file is not part of the template.
std::string with_plain_line_ends(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      out += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    } else {
      out += source[i];
    }
  }
  if (out.ends_with('\n')) out.pop_back();
  return out;
}

class Lexer {
 public:
  explicit Lexer(std::string source) : source_(std::move(source)) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) text();
    add(TokenKind::end);
    return std::move(tokens_);
  }

 private:
  std::string_view rest() const { return std::string_view(source_).substr(at_); }
  bool starts(std::string_view text) const { return rest().starts_with(text); }
  void add(TokenKind kind, std::string text = {}, Value value = {}) {
    tokens_.push_back({kind, line_, std::move(text), std::move(value)});
  }
  void advance(size_t bytes) {
    for (; bytes > 0; --bytes) line_ += source_[at_++] == '\n';
  }
  void skip_space() {
    while (at_ < source_.size() && is_space(first_character(rest()).code)) {
      advance(size_t(first_character(rest()).bytes));
    }
  }
  bool skip(std::string_view text) {
    if (!starts(text)) return false;
    advance(text.size());
    return true;
  }
  char skip_sign() {
    if (starts("-") || starts("+")) {
      char sign = source_[at_];
      advance(1);
      return sign;
    }
    return 0;
  }

  // Text up to the next tag, and the tag.
  void text() {
    size_t begin = at_, tag = at_;
    while ((tag = source_.find('{', tag)) != std::string::npos &&
           (tag + 1 == source_.size() ||
            std::string_view("{%#").find(source_[tag + 1]) == std::string_view::npos)) {
      ++tag;
    }
    if (tag == std::string::npos) {
      add(TokenKind::text, source_.substr(begin));
      advance(source_.size() - begin);
      return;
    }
    char kind = source_[tag + 1];
    char sign = tag + 2 < source_.size() ? source_[tag + 2] : 0;
    add_stripped(std::string_view(source_).substr(begin, tag - begin), sign, kind != '{');
    advance(tag + 2 - begin);
    skip_sign();
    if (kind == '#') return comment();
    if (kind == '{') return tag_body(TokenKind::print_begin, TokenKind::print_end, "}}");
    if (!raw()) tag_body(TokenKind::block_begin, TokenKind::block_end, "%}");
  }

  // Text before a tag: "-" takes all space before it; blocks and comments take the indent of their own line.
  void add_stripped(std::string_view text, char sign, bool is_block) {
    size_t size = text.size();
    if (sign == '-') {
      size = strip_space(text, Side::right).size();
    } else if (sign != '+' && is_block) {
      size_t line = text.rfind('\n') + 1;  // 0 when there is none
      if ((line > 0 || line_starting_) && strip_space(text.substr(line)).empty()) size = line;
    }
    if (size > 0) add(TokenKind::text, std::string(text.substr(0, size)));
  }

  // The end of a tag with what it takes behind itself: "-" all space, blocks and comments one line end.
  bool tag_end(std::string_view end, bool is_block) {
    size_t before = at_;
    if (rest().size() > end.size() && rest()[0] == '-' && rest().substr(1).starts_with(end)) {
      advance(1 + end.size());
      skip_space();
    } else if (is_block && rest().size() > end.size() && rest()[0] == '+' &&
               rest().substr(1).starts_with(end)) {
      advance(1 + end.size());
    } else if (skip(end)) {
      if (is_block) skip("\n");
    } else {
      return false;
    }
    line_starting_ = at_ > before && source_[at_ - 1] == '\n';
    return true;
  }

  void comment() {
    int line = line_;
    while (at_ < source_.size()) {
      if (tag_end("#}", true)) return;
      advance(1);
    }
    fail_at(line, "this comment has no end");
  }

  // {% raw %} … {% endraw %}, when that is what the tag at hand begins.
  bool raw() {
    size_t at = at_;
    int line = line_;
    skip_space();
    if (skip("raw")) {
      skip_space();
      bool trims = skip("-%}");
      if (trims) skip_space();
      if (trims || skip("%}")) {
        line_starting_ = source_[at_ - 1] == '\n';
        raw_text(line);
        return true;
      }
    }
    at_ = at;
    line_ = line;
    return false;
  }

  void raw_text(int line) {
    size_t begin = at_;
    for (size_t tag = begin; (tag = source_.find("{%", tag)) != std::string::npos; ++tag) {
      advance(tag - at_);
      size_t back_to = at_;
      int back_line = line_;
      advance(2);
      char sign = skip_sign();
      skip_space();
      if (skip("endraw")) {
        skip_space();
        bool starting = line_starting_;
        if (tag_end("%}", true)) {
          std::swap(starting, line_starting_);
          add_stripped(std::string_view(source_).substr(begin, tag - begin), sign, true);
          line_starting_ = starting;
          return;
        }
      }
      at_ = back_to;
      line_ = back_line;
    }
    fail_at(line, "this raw block has no end");
  }

  void tag_body(TokenKind begin, TokenKind end, std::string_view end_text) {
    int line = line_;
    add(begin);
    std::string open;  // brackets that wait for their partner
    while (true) {
      if (open.empty() && tag_end(end_text, end == TokenKind::block_end)) return add(end);
      skip_space();
      if (open.empty() && tag_end(end_text, end == TokenKind::block_end)) return add(end);
      if (at_ >= source_.size()) fail_at(line, "this tag has no end");
      char c = source_[at_];
      if (is_ascii_digit(c)) {
        number();
      } else if (is_name_start(c)) {
        name();
      } else if (c == '\'' || c == '"') {
        string();
      } else {
        symbol(open);
      }
    }
  }

  void name() {
    size_t begin = at_;
    while (at_ < source_.size() && (is_name_start(source_[at_]) || is_ascii_digit(source_[at_]))) advance(1);
    if (at_ - begin > kLongestName)
      fail_at(line_, fmt::format("a name of {} bytes is too long", at_ - begin));
    add(TokenKind::name, source_.substr(begin, at_ - begin));
  }

  void symbol(std::string& open) {
    for (std::string_view symbol : kOperators) {
      if (!starts(symbol)) continue;
      char c = symbol[0];
      if (c == '(' || c == '[' || c == '{') {
        open += c == '(' ? ')' : c == '[' ? ']' : '}';
      } else if (c == ')' || c == ']' || c == '}') {
        if (open.empty() || open.back() != c) fail_at(line_, fmt::format("'{}' closes nothing", c));
        open.pop_back();
      }
      add(TokenKind::op, std::string(symbol));
      return advance(symbol.size());
    }
    fail_at(line_,
            fmt::format("'{}' has no meaning here", rest().substr(0, size_t(first_character(rest()).bytes))));
  }

  // 12, 1_000, 0x1f, 0o17, 0b1, 1.5, 1e3; "1.x" is a number, a dot and a name.
  void number() {
    std::string digits;
    int base = 10;
    auto is_digit_here = [&](char c) {
      if (base == 16) return is_ascii_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
      return c >= '0' && c < '0' + base;
    };
    auto run_of_digits = [&] {
      while (at_ < source_.size() &&
             (is_digit_here(source_[at_]) ||
              (source_[at_] == '_' && at_ + 1 < source_.size() && is_digit_here(source_[at_ + 1])))) {
        if (source_[at_] != '_') digits += source_[at_];
        advance(1);
      }
    };
    if (source_[at_] == '0' && at_ + 2 < source_.size()) {
      char mark = char(source_[at_ + 1] | 0x20);
      base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 10;
      if (base != 10 && !is_digit_here(source_[at_ + 2])) base = 10;
      if (base != 10) advance(2);
    }
    run_of_digits();
    bool is_real = false;
    bool member = !tokens_.empty() && tokens_.back().kind == TokenKind::op && tokens_.back().text == ".";
    auto digit_at = [&](size_t offset) {
      return at_ + offset < source_.size() && is_ascii_digit(source_[at_ + offset]);
    };
    if (base == 10 && !member && at_ < source_.size()) {
      if (source_[at_] == '.' && digit_at(1)) {
        is_real = true;
        digits += '.';
        advance(1);
        run_of_digits();
      }
      if (at_ < source_.size() && (source_[at_] | 0x20) == 'e') {
        size_t sign = at_ + 1 < source_.size() && (source_[at_ + 1] == '+' || source_[at_ + 1] == '-');
        if (digit_at(1 + sign)) {
          is_real = true;
          digits += 'e';
          if (sign && source_[at_ + 1] == '-') digits += '-';
          advance(1 + sign);
          run_of_digits();
        }
      }
    }
    const char* end = digits.data() + digits.size();
    if (is_real) {
      double value = 0;
      if (std::from_chars(digits.data(), end, value).ec != std::errc())
        fail_at(line_, digits + " is out of range");
      return add(TokenKind::constant, {}, value);
    }
    int64_t value = 0;
    if (std::from_chars(digits.data(), end, value, base).ec != std::errc())
      fail_at(line_, digits + " is too large");
    add(TokenKind::constant, {}, value);
  }

  void string() {
    int line = line_;
    char quote = source_[at_];
    advance(1);
    std::string out;
    while (true) {
      if (at_ >= source_.size()) fail_at(line, "this string has no end");
      char c = source_[at_];
      advance(1);
      if (c == quote) break;
      if (c != '\\') {
        out += c;
      } else if (at_ < source_.size()) {
        escape(out);
      }
    }
    tokens_.push_back({TokenKind::constant, line, {}, std::move(out)});
  }

  // What follows a backslash, as in Python; one that means nothing stays as it is.
  void escape(std::string& out) {
    char c = source_[at_];
    advance(1);
    switch (c) {
      case '\n':
        return;
      case '\\':
      case '\'':
      case '"':
        out += c;
        return;
      case 'a':
        out += '\a';
        return;
      case 'b':
        out += '\b';
        return;
      case 'f':
        out += '\f';
        return;
      case 'n':
        out += '\n';
        return;
      case 'r':
        out += '\r';
        return;
      case 't':
        out += '\t';
        return;
      case 'v':
        out += '\v';
        return;
      case 'x':
        return append_character(out, code(16, 2, 2));
      case 'u':
        return append_character(out, paired(code(16, 4, 4)));
      case 'U':
        return append_character(out, code(16, 8, 8));
      default:
        break;
    }
    if (c >= '0' && c < '8') {
      --at_;
      return append_character(out, code(8, 1, 3));
    }
    out += '\\';
    out += c;
  }

  uint32_t code(int base, int least, int most) {
    uint32_t value = 0;
    int count = 0;
    for (; count < most && at_ < source_.size(); ++count) {
      unsigned digit = 0;
      auto end = source_.data() + at_ + 1;
      if (std::from_chars(end - 1, end, digit, base).ec != std::errc()) break;
      value = value * unsigned(base) + digit;
      advance(1);
    }
    if (count < least || value > 0x10FFFF) fail_at(line_, "this string has a wrong \\ escape");
    return value;
  }

  // \ud83c\udf89 is one character.
  uint32_t paired(uint32_t high) {
    if (high < 0xD800 || high >= 0xDC00 || !starts("\\u")) return high;
    size_t at = at_;
    advance(2);
    uint32_t low = code(16, 4, 4);
    if (low >= 0xDC00 && low < 0xE000) return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    at_ = at;
    return high;
  }

  std::string source_;
  size_t at_ = 0;
  int line_ = 1;
  bool line_starting_ = true;  // the text at hand follows a line end, or is the first
  std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> tokenize(std::string_view source) {
  if (source.size() > kMaxSource)
    fail_at(1, fmt::format("{} bytes are too many for a template", source.size()));
  return Lexer(with_plain_line_ends(source)).run();
}

void fail_at(int line, std::string_view what) { fail("chat template, line {}: {}", line, what); }

}  // namespace troika::text::jinja
