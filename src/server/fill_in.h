// Fill-in-the-middle: prompts of models that write what stands between two texts (Qwen2.5-Coder, CodeGemma), with the
// tokens that such models have for it. Bavarian et al. 2022, arXiv:2207.14255.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "text/tokenizer.h"

namespace troika::server {

bool can_fill_in(const text::TokenizerData& tokenizer);

// The prompt for what comes after `prefix` and before `suffix`. Throws ApiError for the field `suffix` when the model
// has no such tokens.
std::vector<int32_t> fill_in_prompt(const text::Tokenizer& tokenizer, std::span<const int32_t> prefix,
                                    const std::string& suffix);

}  // namespace troika::server
