// Pre-tokenisers of byte-level BPE: a pattern that cuts text into pieces, within which (only) bytes are
// merged. One table row per name.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

namespace troika::text {

struct PreTokenizerRow {
  std::string_view name;     // as in GGUF's tokenizer.ggml.pre
  std::string_view pattern;  // as in tokenizer.json
  // What goes with it and GGUF files need not say: text is brought to normal form C; a piece that is a token is not
  // merged; a text begins with BOS.
  bool nfc = false, ignore_merges = false, add_bos = false;
};

// Throws Error for a name without a row.
const PreTokenizerRow& pre_tokenizer_row(std::string_view name);

// The name of the row with exactly this pattern, as tokenizer.json spells it; nothing when we have none.
std::optional<std::string_view> pre_tokenizer_of(std::string_view pattern);

// Thread-safe after construction.
class PreTokenizer {
 public:
  // Throws Error for a name without a row.
  explicit PreTokenizer(std::string_view name);
  ~PreTokenizer();

  // Walks over the pieces of one text, which must be valid UTF-8 and outlive the walk. The pieces joined are
  // the text.
  class Pieces {
   public:
    Pieces(const PreTokenizer& owner, std::string_view text);
    ~Pieces();
    // The next piece, never empty; empty at the end.
    std::string_view next();

   private:
    struct Match;
    const PreTokenizer& owner_;
    std::string_view text_;
    size_t at_ = 0;
    std::unique_ptr<Match> match_;
  };

 private:
  struct Pattern;
  std::unique_ptr<Pattern> pattern_;
};

}  // namespace troika::text
