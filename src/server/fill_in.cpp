#include "server/fill_in.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "server/api_error.h"

namespace troika::server {
namespace {

constexpr std::string_view kPrefix = "<|fim_prefix|>", kSuffix = "<|fim_suffix|>", kMiddle = "<|fim_middle|>";

struct FillInTokens {
  int32_t prefix, suffix, middle;
};

std::optional<FillInTokens> fill_in_tokens(const text::Tokenizer& tokenizer) {
  const auto prefix = tokenizer.id_of(kPrefix);
  const auto suffix = tokenizer.id_of(kSuffix);
  const auto middle = tokenizer.id_of(kMiddle);
  if (!prefix || !suffix || !middle) return std::nullopt;
  return FillInTokens{*prefix, *suffix, *middle};
}

}  // namespace

bool can_fill_in(const text::TokenizerData& tokenizer) {
  return std::ranges::all_of(std::array{kPrefix, kSuffix, kMiddle}, [&](std::string_view token) {
    return std::ranges::find(tokenizer.tokens, token) != tokenizer.tokens.end();
  });
}

std::vector<int32_t> fill_in_prompt(const text::Tokenizer& tokenizer, std::span<const int32_t> prefix,
                                    const std::string& suffix) {
  const auto tokens = fill_in_tokens(tokenizer);
  if (!tokens)
    throw ApiError(400, "invalid_request_error",
                   "suffix needs a model with fill-in-the-middle tokens (<|fim_prefix|> and so on), such as "
                   "Qwen2.5-Coder; this one has none.",
                   "suffix", "unsupported_parameter");
  std::vector<int32_t> prompt = {tokens->prefix};
  prompt.insert(prompt.end(), prefix.begin(), prefix.end());
  prompt.push_back(tokens->suffix);
  const std::vector<int32_t> after = tokenizer.encode(suffix, {});
  prompt.insert(prompt.end(), after.begin(), after.end());
  prompt.push_back(tokens->middle);
  return prompt;
}

}  // namespace troika::server
