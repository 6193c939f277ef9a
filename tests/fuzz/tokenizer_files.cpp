// Tokenizer files: tokenizer.json beside its configuration, vocab.json with merges.txt, or a SentencePiece model. What
// is taken encodes text, and what it encoded decodes.
#include "fuzz/input.h"
#include "text/tokenizer.h"

namespace troika::text {
namespace {

// The first byte says which kind, then parts end at zero bytes.
TokenizerData read(std::string_view input) {
  const char kind = input.empty() ? 'j' : input.front();
  input.remove_prefix(input.empty() ? 0 : 1);
  if (kind == 's') return read_sentencepiece_model(input, "");
  auto part = [&] {
    const size_t end = std::min(input.find('\0'), input.size());
    const std::string_view part = input.substr(0, end);
    input.remove_prefix(std::min(end + 1, input.size()));
    return part;
  };
  const std::string_view first = part(), second = part();
  return kind == 'v' ? read_vocab_and_merges(first, second, part()) : read_tokenizer_json(first, second);
}

}  // namespace
}  // namespace troika::text

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troika;
  fuzz::survives([&] {
    const auto tokenizer = text::make_tokenizer(text::read(fuzz::text_of(data, size)));
    for (const bool special : {false, true}) {
      const auto ids = tokenizer->encode("Hello, w\xC3\xB6rld <s></s>\n\n 12345\xFF", {.parse_special = special});
      for (const int32_t id : ids) check(id >= 0 && id < tokenizer->vocab_size(), "an id of the vocabulary");
      tokenizer->decode(ids, special);
    }
  });
  return 0;
}
