// Text to tokens and back. The first byte says which pattern cuts the text.
#include <array>
#include <memory>

#include "fuzz/input.h"
#include "text/byte_alphabet.h"
#include "text/detokenizer.h"
#include "text/unicode.h"

namespace troika::text {
namespace {

// All bytes, and some pairs of letters that are joined.
std::unique_ptr<Tokenizer> make(const char* pre) {
  TokenizerData data{.pre = pre, .nfc = false};
  auto add = [&](std::string token, TokenType type) {
    data.tokens.push_back(std::move(token));
    data.types.push_back(type);
  };
  for (int byte = 0; byte < 256; ++byte) add(to_byte_alphabet(std::string(1, char(byte))), TokenType::normal);
  for (const std::pair<const char*, const char*> merge :
       {std::pair("e", "r"), {"i", "n"}, {" ", "t"}, {" t", "h"}, {"\xC3", "\xA9"}, {"in", "g"}, {"\n", "\n"}}) {
    data.merges.emplace_back(to_byte_alphabet(merge.first), to_byte_alphabet(merge.second));
    add(data.merges.back().first + data.merges.back().second, TokenType::normal);
  }
  add("<|end|>", TokenType::control);
  return make_tokenizer(std::move(data));
}

}  // namespace
}  // namespace troika::text

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troika;
  static const std::array tokenizers = {text::make("qwen2"), text::make("llama-bpe"), text::make("gpt-2")};
  if (size == 0) return 0;
  const text::Tokenizer& tokenizer = *tokenizers[data[0] % tokenizers.size()];
  const std::string_view input = fuzz::text_of(data + 1, size - 1);
  for (const bool special : {false, true}) {
    const auto ids = tokenizer.encode(input, {.parse_special = special});
    const std::string whole = tokenizer.decode(ids, false);
    text::Detokenizer detokenizer(tokenizer, false);
    std::string pieces;
    for (const int32_t id : ids) pieces += detokenizer.append(id);
    pieces += detokenizer.flush();
    check(pieces == whole, "what streams is what decodes at once");
    check(whole == text::sanitize_utf8(input), "text comes back as it went in");
  }
  return 0;
}
