// Holds back the unfinished tail of the bytes so far.
#include "text/detokenizer.h"

#include <utility>

#include "text/unicode.h"

namespace troika::text {

std::string Detokenizer::append(int32_t id) {
  const TokenType type = tokenizer_.type(id);
  const std::string_view bytes = tokenizer_.bytes(id);
  if ((skip_control_ && type == TokenType::control) || bytes.empty()) return {};
  if (type == TokenType::byte) {
    run_ += bytes;
    return {};
  }
  waiting_ += decode_byte_run(std::exchange(run_, {}));
  waiting_ += bytes;
  return take_settled();
}

// The whole characters of `waiting_`.
std::string Detokenizer::take_settled() {
  if (at_start_ && tokenizer_.data().strip_leading_space && waiting_.starts_with(' ')) waiting_.erase(0, 1);
  at_start_ = false;
  std::string out;
  std::string_view rest = waiting_;
  while (!rest.empty()) {
    const Utf8Step step = read_utf8(rest);
    if (step.kind == Utf8::incomplete) break;
    out += step.kind == Utf8::character ? rest.substr(0, step.bytes) : kReplacement;
    rest.remove_prefix(step.bytes);
  }
  waiting_ = std::string(rest);
  return out;
}

std::string Detokenizer::flush() {
  waiting_ += decode_byte_run(std::exchange(run_, {}));
  return take_settled() + sanitize_utf8(std::exchange(waiting_, {}));
}

}  // namespace troika::text
