// Holds back the unfinished tail of the bytes so far.
#include "text/detokenizer.h"

#include <utility>

#include "text/unicode.h"

namespace troika::text {

std::string Detokenizer::append(int32_t id) {
  if (skip_control_ && tokenizer_.type(id) == TokenType::control) return {};
  waiting_ += tokenizer_.bytes(id);
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

std::string Detokenizer::flush() { return sanitize_utf8(std::exchange(waiting_, {})); }

}  // namespace troika::text
