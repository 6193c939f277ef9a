// The tokenizer of Gemma and Llama 2: characters joined to pieces, over the whole text, a space being a character like
// others; what no piece covers becomes bytes. Two kinds of file describe it. SentencePiece gives every piece a score,
// and the pair with the best piece is joined first; Hugging Face's tokenizer.json lists the merges.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "text/tokenizer.h"

namespace troika::text {

// Called by make_tokenizer, which has checked sizes and ids. Throws Error on scores and merges that make no sense, on
// tokens of type byte that are not spelled <0x00> to <0xFF>, and when there is no way to write unknown characters.
std::unique_ptr<Tokenizer> make_sentencepiece_bpe(TokenizerData data);

// The byte of "<0x0A>"; nothing for any other text.
std::optional<uint8_t> byte_of_token(std::string_view text);

}  // namespace troika::text
