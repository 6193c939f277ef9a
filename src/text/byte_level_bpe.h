// The tokenizer of GPT-2, Qwen and Llama 3: pieces of text, as bytes, joined by merge rank.
#pragma once

#include <memory>

#include "text/tokenizer.h"

namespace troika::text {

// Called by make_tokenizer, which has checked sizes and ids. Throws Error on merges that name unknown tokens
// and on vocabularies that lack a byte.
std::unique_ptr<Tokenizer> make_byte_level_bpe(TokenizerData data);

}  // namespace troika::text
