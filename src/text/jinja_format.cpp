// Python's two ways to fill in text: "%s" % value and "{}".format(value). The common conversions only: what
// is rare in templates is refused, not guessed.
#include "text/jinja_format.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "text/jinja_access.h"
#include "text/jinja_print.h"
#include "text/jinja_string.h"

namespace troika::text::jinja {

namespace {

constexpr int kMaxWidth = 10'000;

bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

// %[flags][width][.precision]conversion
struct Conversion {
  bool left = false, zero = false, plus = false, space = false, alternate = false;
  int width = 0;
  int precision = -1;
  char type = 's';
};

class PercentFormatter {
 public:
  PercentFormatter(Machine& machine, std::string_view format, const Value& arguments)
      : machine_(machine), format_(format), arguments_(arguments) {}

  std::string run() {
    machine_.meter.make(format_.size());
    while (at_ < format_.size()) {
      char c = format_[at_++];
      if (c != '%') {
        out_ += c;
      } else if (at_ < format_.size() && format_[at_] == '%') {
        out_ += format_[at_++];
      } else {
        conversion();
      }
    }
    size_t given = is_tuple() ? arguments_.list().items.size() : is_container() ? 0 : 1;
    if (used_ < given) fail("more values than the text has places for");
    return std::move(out_);
  }

 private:
  bool is_tuple() const { return arguments_.is(Kind::list) && arguments_.list().flavor == ListFlavor::tuple; }
  bool is_container() const {
    return arguments_.is(Kind::list) || arguments_.is(Kind::dict);
  }  // may stay unused

  Value next() {
    if (is_tuple() && used_ < arguments_.list().items.size()) return arguments_.list().items[used_++];
    if (!is_tuple() && used_++ == 0) return arguments_;
    fail("fewer values than the text has places for");
  }

  int number() {
    int value = 0;
    while (at_ < format_.size() && is_ascii_digit(format_[at_])) {
      value = value * 10 + (format_[at_++] - '0');
      if (value > kMaxWidth) fail("a width above {} in a format", kMaxWidth);
    }
    return value;
  }

  void conversion() {
    Value named;
    if (at_ < format_.size() && format_[at_] == '(') {
      size_t end = format_.find(')', at_);
      if (end == format_.npos) fail("a format ends in the middle");
      named = item(machine_, arguments_, Value(format_.substr(at_ + 1, end - at_ - 1)));
      at_ = end + 1;
    }
    Conversion how;
    for (; at_ < format_.size(); ++at_) {
      char c = format_[at_];
      if (c == '-')
        how.left = true;
      else if (c == '0')
        how.zero = true;
      else if (c == '+')
        how.plus = true;
      else if (c == ' ')
        how.space = true;
      else if (c == '#')
        how.alternate = true;
      else
        break;
    }
    how.width = number();
    if (at_ < format_.size() && format_[at_] == '.') {
      ++at_;
      how.precision = number();
    }
    if (at_ == format_.size()) fail("a format ends in the middle");
    how.type = format_[at_++];
    put(how, named.is(Kind::missing) ? next() : named);
  }

  void put(const Conversion& how, const Value& value) {
    std::string sign, body;
    switch (how.type) {
      case 's':
      case 'r':
        if (how.type == 's')
          print(machine_.meter, value, body);
        else
          print_repr(machine_.meter, value, body);
        if (how.precision >= 0) body.resize(byte_offset(body, size_t(how.precision)));
        break;
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o':
        body = whole(how, value, sign);
        break;
      case 'f':
      case 'F':
      case 'e':
      case 'E':
      case 'g':
      case 'G':
        body = real(how, value, sign);
        break;
      case 'c':
        if (value.is_integer())
          append_character(body, uint32_t(std::clamp<int64_t>(value.integer(), 0, 0x110000)));
        else
          print(machine_.meter, value, body);
        break;
      default:
        fail("'%{}' is not supported in a format", how.type);
    }
    bool numeric = how.type != 's' && how.type != 'r' && how.type != 'c';
    size_t used = sign.size() + count_characters(body);
    size_t padding = size_t(how.width) > used ? size_t(how.width) - used : 0;
    machine_.meter.make(body.size() + padding);
    if (!how.left && !(how.zero && numeric)) out_.append(padding, ' ');
    out_ += sign;
    if (!how.left && how.zero && numeric) out_.append(padding, '0');
    out_ += body;
    if (how.left) out_.append(padding, ' ');
  }

  static double number_of(const Value& value) {
    if (!value.is_number()) fail("a number is needed in a format, not a value of type {}", value.type_name());
    return value.number();
  }
  static void take_sign(const Conversion& how, bool negative, std::string& sign) {
    sign = negative ? "-" : how.plus ? "+" : how.space ? " " : "";
  }

  std::string whole(const Conversion& how, const Value& value, std::string& sign) {
    double approximate = number_of(value);
    if (!value.is_integer() && !(std::abs(approximate) < 9.2e18))
      fail("a number is out of range in a format");
    int64_t number = value.is_integer() ? value.integer() : int64_t(approximate);
    take_sign(how, number < 0, sign);
    uint64_t size = number < 0 ? 0 - uint64_t(number) : uint64_t(number);
    int base = how.type == 'o' ? 8 : how.type == 'x' || how.type == 'X' ? 16 : 10;
    char digits[64];
    std::string body(digits, std::to_chars(digits, digits + sizeof(digits), size, base).ptr);
    if (how.precision > int(body.size())) body.insert(0, size_t(how.precision) - body.size(), '0');
    if (how.type == 'X') body = upper(body);
    if (how.alternate && base != 10) sign += base == 8 ? "0o" : how.type == 'x' ? "0x" : "0X";
    return body;
  }

  std::string real(const Conversion& how, const Value& value, std::string& sign) {
    double number = number_of(value);
    take_sign(how, std::signbit(number), sign);
    number = std::abs(number);
    int precision = how.precision < 0 ? 6 : how.precision;
    char type = char(how.type | 0x20);
    std::string body = type == 'f'   ? fmt::format("{:.{}f}", number, precision)
                       : type == 'e' ? fmt::format("{:.{}e}", number, precision)
                                     : fmt::format("{:.{}g}", number, precision);
    return how.type == type ? body : upper(body);
  }

  Machine& machine_;
  std::string_view format_;
  const Value& arguments_;
  size_t at_ = 0;
  size_t used_ = 0;
  std::string out_;
};

}  // namespace

Value format_percent(Machine& machine, std::string_view format, const Value& arguments) {
  return PercentFormatter(machine, format, arguments).run();
}

// {} {0} {name}, without conversions.
Value format_braces(Call& call) {
  std::string_view format = call.text();
  call.meter().make(format.size());
  std::string out;
  size_t counter = 0;
  for (size_t at = 0; at < format.size(); ++at) {
    char c = format[at];
    if (c != '{' && c != '}') {
      out += c;
      continue;
    }
    if (at + 1 < format.size() && format[at + 1] == c) {
      out += c;
      ++at;
      continue;
    }
    size_t end = format.find('}', at);
    if (c == '}' || end == format.npos) fail("a single '{}' in a format", c);
    std::string_view field = format.substr(at + 1, end - at - 1);
    if (field.find_first_of("!:.[{") != field.npos) fail("'{{{}}}' is not supported in a format", field);
    at = end;
    call.meter().step(1 + call.named.size() / 16);
    size_t index = 0;
    auto parsed = std::from_chars(field.data(), field.data() + field.size(), index);
    if (field.empty()) index = counter++;
    if (field.empty() || (parsed.ec == std::errc() && parsed.ptr == field.data() + field.size())) {
      if (index >= call.arguments.size()) fail("fewer values than the text has places for");
      print(call.meter(), call.arguments[index], out);
      continue;
    }
    auto found =
        std::find_if(call.named.begin(), call.named.end(), [&](auto& entry) { return entry.first == field; });
    if (found == call.named.end()) fail("the format has no value for '{}'", field);
    print(call.meter(), found->second, out);
  }
  return out;
}

}  // namespace troika::text::jinja
