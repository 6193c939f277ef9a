// What all tokenizers share: the choice by model name, decoding, and the names of tokens that end a
// generation.
#include "text/tokenizer.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "text/byte_level_bpe.h"
#include "text/sentencepiece_bpe.h"
#include "text/unicode.h"

namespace troika::text {
namespace {

// Tokens after which a chat or a fill-in-the-middle answer is over.
constexpr std::array<std::string_view, 13> kEndNames = {
    "<|im_end|>", "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>",  "<|eom_id|>",    "<end_of_turn>",
    "<|end|>",    "<|EOT|>",       "<EOT>",           "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>",
    "<eos>",
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

std::optional<int32_t> Tokenizer::id_of(std::string_view added_token) const {
  const TokenizerData& d = data();
  for (size_t id = 0; id < d.tokens.size(); ++id) {
    if (is_added(d.types[id]) && d.tokens[id] == added_token) return static_cast<int32_t>(id);
  }
  return std::nullopt;
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_control) const {
  std::string raw, run;
  const auto end_run = [&] {
    raw += decode_byte_run(run);
    run.clear();
  };
  for (const int32_t id : ids) {
    const TokenType kind = type(id);
    const std::string_view own = bytes(id);
    if ((skip_control && kind == TokenType::control) || own.empty()) continue;
    if (kind != TokenType::byte) end_run();
    (kind == TokenType::byte ? run : raw) += own;
  }
  end_run();
  if (data().strip_leading_space && raw.starts_with(' ')) raw.erase(0, 1);
  return valid_utf8(raw) ? raw : sanitize_utf8(raw);
}

TokenType Tokenizer::type(int32_t id) const {
  const std::vector<TokenType>& types = data().types;
  return id >= 0 && static_cast<size_t>(id) < types.size() ? types[id] : TokenType::unused;
}

std::string decode_byte_run(std::string_view run) {
  if (valid_utf8(run)) return std::string(run);
  std::string out;
  for (size_t i = 0; i < run.size(); ++i) out += kReplacement;
  return out;
}

std::unique_ptr<Tokenizer> make_tokenizer(TokenizerData data) {
  if (data.tokens.empty()) fail("tokenizer: the vocabulary is empty");
  if (data.types.size() != data.tokens.size()) {
    fail("tokenizer: {} tokens but {} token types", data.tokens.size(), data.types.size());
  }
  check_id(data, data.bos, "bos");
  check_id(data, data.eos, "eos");
  check_id(data, data.pad, "padding");
  check_id(data, data.unk, "unknown");
  for (const int32_t id : data.end_ids) check_id(data, id, "end");
  if (!data.scores.empty() && data.scores.size() != data.tokens.size()) {
    fail("tokenizer: {} tokens but {} scores", data.tokens.size(), data.scores.size());
  }
  if (data.model == "bpe") return make_byte_level_bpe(std::move(data));
  if (data.model == "sentencepiece") return make_sentencepiece_bpe(std::move(data));
  fail("tokenizer: the model '{}' is not supported; supported are byte-level and SentencePiece BPE", data.model);
}

}  // namespace troika::text
