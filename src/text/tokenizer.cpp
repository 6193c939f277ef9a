// What all tokenizers share: the choice by model name, decoding, and the names of tokens that end a
// generation.
#include "text/tokenizer.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "text/byte_level_bpe.h"
#include "text/unicode.h"

namespace troika::text {
namespace {

// Tokens after which a chat or a fill-in-the-middle answer is over.
constexpr std::array<std::string_view, 12> kEndNames = {
    "<|im_end|>", "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>",  "<|eom_id|>",    "<end_of_turn>",
    "<|end|>",    "<|EOT|>",       "<EOT>",           "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>",
};

bool is_added(TokenType type) { return type == TokenType::control || type == TokenType::user_defined; }

void check_id(const TokenizerData& data, std::optional<int32_t> id, std::string_view what) {
  if (id && (*id < 0 || static_cast<size_t>(*id) >= data.tokens.size())) {
    fail("tokenizer: the {} id {} is outside the vocabulary of {} tokens", what, *id, data.tokens.size());
  }
}

}  // namespace

std::vector<int32_t> find_end_ids(const TokenizerData& data) {
  std::vector<int32_t> ids;
  if (data.eos) ids.push_back(*data.eos);
  for (size_t id = 0; id < data.tokens.size() && id < data.types.size(); ++id) {
    const bool ends = std::find(kEndNames.begin(), kEndNames.end(), data.tokens[id]) != kEndNames.end();
    if (ends && is_added(data.types[id])) ids.push_back(static_cast<int32_t>(id));
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_control) const {
  std::string raw;
  for (const int32_t id : ids) {
    if (skip_control && type(id) == TokenType::control) continue;
    raw += bytes(id);
  }
  return valid_utf8(raw) ? raw : sanitize_utf8(raw);
}

std::unique_ptr<Tokenizer> make_tokenizer(TokenizerData data) {
  if (data.tokens.empty()) fail("tokenizer: the vocabulary is empty");
  if (data.types.size() != data.tokens.size()) {
    fail("tokenizer: {} tokens but {} token types", data.tokens.size(), data.types.size());
  }
  check_id(data, data.bos, "bos");
  check_id(data, data.eos, "eos");
  check_id(data, data.pad, "padding");
  for (const int32_t id : data.end_ids) check_id(data, id, "end");
  if (data.model == "bpe") return make_byte_level_bpe(std::move(data));
  fail("tokenizer: the model '{}' is not supported; supported is byte-level BPE", data.model);
}

}  // namespace troika::text
