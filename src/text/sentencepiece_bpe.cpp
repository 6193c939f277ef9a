// Encoding: cut out added tokens, write ▁ as a space, cut out user-defined pieces, cut the rest at its seams, merge
// each stretch. Most stretches are a piece as they stand, as in byte_level_bpe.cpp.
//
// Inside, "▁" (U+2581) is a plain space: SentencePiece takes both for the same character, so pieces are kept as the
// text they stand for and most texts need no copy.
#include "text/sentencepiece_bpe.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <unordered_map>

#include "base/error.h"
#include "text/added_tokens.h"
#include "text/byte_pair_merger.h"
#include "text/merge_seams.h"
#include "text/piece_cache.h"
#include "text/token_texts.h"
#include "text/unicode.h"

namespace troika::text {
namespace {

constexpr std::string_view kSpaceSign = "\xE2\x96\x81";  // ▁
constexpr size_t kLongestPiece = 256;                    // bytes; bounds the time to find all ways to make a piece
constexpr size_t kMostMergesEach = 16, kMostMerges = 1 << 20;  // real vocabularies have 2 a piece; bounds memory

std::string with_spaces(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t sign = std::min(text.find(kSpaceSign, at), text.size());
    out += text.substr(at, sign - at);
    if (sign == text.size()) break;
    out += ' ';
    at = sign + kSpaceSign.size();
  }
  return out;
}

// Bytes of the character that starts with this byte, in valid UTF-8.
size_t character_bytes(char first) {
  const auto byte = static_cast<uint8_t>(first);
  return byte < 0xC0 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

bool is_added(TokenType type) { return type == TokenType::control || type == TokenType::user_defined; }

// Gemma's SentencePiece models have these as user-defined pieces, found in any text. GGUF and tokenizer.json call most
// of them control tokens, which is right when text is made of tokens; the ids of plain text stay SentencePiece's.
bool is_piece_in_any_text(std::string_view token) {
  constexpr std::array<std::string_view, 8> names = {
      "<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>",
      "<mask>",          "<2mass>",       "[@BOS@]",          "<start_of_audio>",
  };
  return std::find(names.begin(), names.end(), token) != names.end() || token.starts_with("<unused");
}

// What a token stands for when text is made of it.
std::string text_of(const TokenizerData& data, size_t id) {
  const std::string& token = data.tokens[id];
  switch (data.types[id]) {
    case TokenType::unused:
      return {};
    case TokenType::control:
    case TokenType::unknown:
      return token;
    case TokenType::byte:
      if (const auto byte = byte_of_token(token)) return std::string(1, static_cast<char>(*byte));
      fail("tokenizer: token {} is of type byte but spelled '{}', not <0x00> to <0xFF>", id,
           sanitize_utf8(std::string_view(token).substr(0, 60)));
    case TokenType::normal:
    case TokenType::user_defined:
      break;
  }
  return with_spaces(token);
}

// Pieces that merges can lead to. SentencePiece's own list leaves out user-defined ones: they are cut out before.
TokenTexts read_texts(const TokenizerData& data) {
  TokenTexts texts(data.tokens.size());
  for (size_t id = 0; id < data.tokens.size(); ++id) texts.add(text_of(data, id));
  const auto enter = [&](auto wanted) {
    for (size_t id = 0; id < data.tokens.size(); ++id) {
      const bool spaced = data.types[id] == TokenType::normal && data.tokens[id].find(' ') != std::string::npos;
      if (wanted(data.types[id]) && !spaced) texts.enter(static_cast<int32_t>(id));  // no text leads to a real space
    }
  };
  enter([](TokenType type) { return type == TokenType::normal; });
  if (data.scores.empty()) enter(is_added);
  return texts;
}

// All merges of a vocabulary, and the characters that are no pieces but parts of one: symbols behind the last id.
struct Rules {
  std::vector<Merge> merges;
  std::unordered_map<std::string, int32_t> extra_symbols;
  std::vector<std::string> extra_texts;  // by symbol, from the last id on
};

// From SentencePiece's scores: each way to cut a piece in two is a merge; equal scores have equal ranks.
Rules rules_of_scores(const TokenizerData& data, const TokenTexts& texts) {
  std::vector<int32_t> pieces;
  for (size_t id = 0; id < data.tokens.size(); ++id) {
    const auto piece = static_cast<int32_t>(id);
    if (data.types[id] != TokenType::normal || texts.find(texts.bytes(piece)) != piece) continue;
    if (!std::isfinite(data.scores[id])) fail("tokenizer: the score of token {} is not a number", id);
    if (texts.bytes(piece).size() > kLongestPiece) {
      fail("tokenizer: token {} has {} bytes; at most {} are supported", id, texts.bytes(piece).size(), kLongestPiece);
    }
    if (valid_utf8(texts.bytes(piece))) pieces.push_back(piece);
  }
  std::stable_sort(pieces.begin(), pieces.end(), [&](int32_t a, int32_t b) { return data.scores[a] > data.scores[b]; });

  Rules rules;
  const auto symbol = [&](std::string_view part) {
    if (const int32_t id = texts.find(part); id >= 0) return id;
    if (part.size() != character_bytes(part[0])) return -1;
    const auto next = static_cast<int32_t>(data.tokens.size() + rules.extra_texts.size());
    const auto [place, is_new] = rules.extra_symbols.try_emplace(std::string(part), next);
    if (is_new) rules.extra_texts.emplace_back(part);
    return place->second;
  };
  uint32_t rank = 0;
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (i > 0 && data.scores[pieces[i]] < data.scores[pieces[i - 1]]) ++rank;
    const std::string_view piece = texts.bytes(pieces[i]);
    for (size_t cut = character_bytes(piece[0]); cut < piece.size(); cut += character_bytes(piece[cut])) {
      const int32_t left = symbol(piece.substr(0, cut)), right = symbol(piece.substr(cut));
      if (left >= 0 && right >= 0) rules.merges.push_back({left, right, pieces[i], rank});
    }
    if (rules.merges.size() > kMostMergesEach * pieces.size() + kMostMerges) {
      fail("tokenizer: the pieces can be put together in more ways than Troika takes on");
    }
  }
  return rules;
}

// From the list of a tokenizer.json.
Rules rules_of_merges(const TokenizerData& data, const TokenTexts& texts) {
  Rules rules;
  rules.merges.reserve(data.merges.size());
  for (size_t i = 0; i < data.merges.size(); ++i) {
    const auto& [left, right] = data.merges[i];
    const auto id_of = [&](const std::string& text) {
      const int32_t id = texts.find(with_spaces(text));
      if (id < 0) {
        fail("tokenizer: merge {} needs the token '{}', which is not in the vocabulary", i,
             sanitize_utf8(std::string_view(text).substr(0, 80)));
      }
      return id;
    };
    if (!valid_utf8(left) || !valid_utf8(right)) fail("tokenizer: merge {} is not UTF-8", i);
    if (byte_of_token(left + right)) continue;  // spelled-out bytes: conversion lists them, no text leads there
    rules.merges.push_back(
        {.left = id_of(left), .right = id_of(right), .result = id_of(left + right), .rank = static_cast<uint32_t>(i)});
  }
  return rules;
}

Rules rules_of(const TokenizerData& data, const TokenTexts& texts) {
  return data.scores.empty() ? rules_of_merges(data, texts) : rules_of_scores(data, texts);
}

class SentencePieceBpe final : public Tokenizer {
 public:
  explicit SentencePieceBpe(TokenizerData data)
      : data_(std::move(data)),
        texts_(read_texts(data_)),
        rules_(rules_of(data_, texts_)),
        merger_(rules_.merges),
        seams_(rules_.merges.size()),
        whole_(std::make_unique<std::atomic<Whole>[]>(data_.tokens.size())) {
    find_seams();
    find_bytes();
    fill_added();
    data_.merges = {};
    data_.scores = {};
    rules_.merges = {};
  }

  std::vector<int32_t> encode(std::string_view utf8, EncodeOptions options) const override {
    std::string repaired;
    if (!valid_utf8(utf8)) {
      repaired = sanitize_utf8(utf8);
      utf8 = repaired;
    }
    std::vector<int32_t> ids;
    ids.reserve(utf8.size() / 3 + 2);
    if (options.add_bos && data_.bos) ids.push_back(*data_.bos);
    const AddedTokens& added = options.parse_special ? added_ : added_in_plain_text_;
    PieceCache cache(has_all_bytes_ ? utf8.size() : 0);  // what an unknown token becomes depends on its neighbour
    for_each_part(added, utf8, ids, [&](std::string_view between) { encode_text(between, cache, ids); });
    return ids;
  }

  std::string_view bytes(int32_t id) const override { return texts_.bytes(id); }
  const TokenizerData& data() const override { return data_; }

 private:
  // Does merging the characters of a piece give this piece? See byte_level_bpe.cpp.
  enum class Whole : uint8_t { unknown, yes, no };

  void find_seams() {
    const auto text_of_symbol = [&](int32_t symbol) {
      return symbol < vocab_size() ? texts_.bytes(symbol) : std::string_view(rules_.extra_texts[symbol - vocab_size()]);
    };
    for (const Merge& merge : rules_.merges) seams_.add_merge(text_of_symbol(merge.left), text_of_symbol(merge.right));
  }

  void find_bytes() {
    byte_ids_.fill(-1);
    for (size_t id = 0; id < data_.tokens.size(); ++id) {
      if (data_.types[id] != TokenType::byte) continue;
      int32_t& place = byte_ids_[*byte_of_token(data_.tokens[id])];
      if (place < 0) place = static_cast<int32_t>(id);
    }
    has_all_bytes_ = std::find(byte_ids_.begin(), byte_ids_.end(), -1) == byte_ids_.end();
    if (!has_all_bytes_ && !data_.unk) fail("tokenizer: the vocabulary has neither all 256 bytes nor an unknown token");
  }

  // In tokenizer.json all added tokens are found in the raw text. SentencePiece finds its user-defined pieces when
  // spaces are written as ▁ already, and knows nothing of control tokens, which others cut out before.
  void fill_added() {
    for (size_t i = 0; i < data_.tokens.size(); ++i) {
      const auto id = static_cast<int32_t>(i);
      const std::string& token = data_.tokens[i];
      const bool anywhere = data_.types[i] == TokenType::user_defined ||
                            (data_.types[i] == TokenType::control && is_piece_in_any_text(token));
      const bool unknown = data_.types[i] == TokenType::unknown && data_.unk == id;
      const bool known = is_added(data_.types[i]) || unknown;
      if (data_.added_in_raw_text) {
        if (known) added_.add(token, id);
        if (anywhere) added_in_plain_text_.add(token, id);
      } else if (anywhere) {
        pieces_.add(with_spaces(token), id);
      } else if (known) {
        added_.add(token, id);
      }
    }
  }

  // Pushes the ids of the tokens found in `text` and calls encode(what lies between).
  template <typename Encode>
  static void for_each_part(const AddedTokens& tokens, std::string_view text, std::vector<int32_t>& ids,
                            const Encode& encode) {
    for (size_t at = 0; at < text.size();) {
      const AddedTokens::Found found = tokens.find(text, at);
      const size_t end = found.id < 0 ? text.size() : found.begin;
      if (end > at) encode(text.substr(at, end - at));
      if (found.id < 0) return;
      ids.push_back(found.id);
      at = found.begin + found.bytes;
    }
  }

  void encode_text(std::string_view text, PieceCache& cache, std::vector<int32_t>& ids) const {
    std::string spaced;
    if (data_.space_prefix || text.find(kSpaceSign) != text.npos) {
      spaced = (data_.space_prefix ? " " : "") + with_spaces(text);
      text = spaced;
    }
    for_each_part(pieces_, text, ids, [&](std::string_view between) {
      const size_t begin = ids.size();
      while (!between.empty()) {
        const size_t bytes = seams_.first_stretch(between);
        const std::string_view stretch = between.substr(0, bytes);
        between.remove_prefix(bytes);
        if (cache.take(stretch, ids)) continue;
        const size_t from = ids.size();
        encode_stretch(stretch, begin, ids);
        cache.keep(stretch, ids, from);
      }
    });
  }

  // `begin`: how many ids there were before this run of text.
  void encode_stretch(std::string_view text, size_t begin, std::vector<int32_t>& ids) const {
    const int32_t whole = texts_.find(text);
    Whole known = whole < 0 ? Whole::no : whole_[whole].load(std::memory_order_relaxed);
    if (data_.ignore_merges && whole >= 0 && data_.types[whole] == TokenType::normal) known = Whole::yes;
    if (known == Whole::yes) {
      ids.push_back(whole);
      return;
    }
    const size_t from = ids.size();
    for (size_t at = 0; at < text.size();) {
      const size_t bytes = character_bytes(text[at]);
      push_character(text.substr(at, bytes), begin, ids);
      at += bytes;
    }
    merger_.merge(ids, from);
    if (!rules_.extra_symbols.empty()) dissolve_extra_symbols(begin, from, ids);
    if (known == Whole::unknown) {
      const bool same = ids.size() == from + 1 && ids.back() == whole;
      whole_[whole].store(same ? Whole::yes : Whole::no, std::memory_order_relaxed);
    }
  }

  void push_character(std::string_view character, size_t begin, std::vector<int32_t>& ids) const {
    if (const int32_t id = texts_.find(character); id >= 0) {
      ids.push_back(id);
    } else if (const auto extra = rules_.extra_symbols.find(std::string(character));
               extra != rules_.extra_symbols.end()) {
      ids.push_back(extra->second);
    } else {
      push_unknown(character, begin, ids);
    }
  }

  void push_unknown(std::string_view character, size_t begin, std::vector<int32_t>& ids) const {
    if (character == " ") character = kSpaceSign;  // a vocabulary without ▁ spells it in bytes
    const auto id_of = [&](char byte) { return byte_ids_[static_cast<uint8_t>(byte)]; };
    if (std::all_of(character.begin(), character.end(), [&](char byte) { return id_of(byte) >= 0; })) {
      for (const char byte : character) ids.push_back(id_of(byte));
    } else if (data_.unk && (!data_.fuse_unk || ids.size() == begin || ids.back() != *data_.unk)) {
      ids.push_back(*data_.unk);
    }
  }

  // Characters that were in no merge after all.
  void dissolve_extra_symbols(size_t begin, size_t from, std::vector<int32_t>& ids) const {
    const std::vector<int32_t> merged(ids.begin() + static_cast<ptrdiff_t>(from), ids.end());
    ids.resize(from);
    for (const int32_t id : merged) {
      if (id < vocab_size()) {
        ids.push_back(id);
      } else {
        push_unknown(rules_.extra_texts[id - vocab_size()], begin, ids);
      }
    }
  }

  TokenizerData data_;
  TokenTexts texts_;
  Rules rules_;  // the merges only while this is built
  BytePairMerger merger_;
  MergeSeams seams_;
  std::unique_ptr<std::atomic<Whole>[]> whole_;  // by id; racing writers write the same value
  std::array<int32_t, 256> byte_ids_{};          // -1: this byte has no token
  bool has_all_bytes_ = false;
  AddedTokens added_, added_in_plain_text_;      // found in the raw text, with and without parse_special
  AddedTokens pieces_;                           // found in text whose ▁ are spaces
};

}  // namespace

std::optional<uint8_t> byte_of_token(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') return std::nullopt;
  uint8_t byte = 0;
  for (const char c : text.substr(3, 2)) {
    const bool digit = c >= '0' && c <= '9', letter = c >= 'A' && c <= 'F';
    if (!digit && !letter) return std::nullopt;
    byte = static_cast<uint8_t>(byte << 4 | (digit ? c - '0' : c - 'A' + 10));
  }
  return byte;
}

std::unique_ptr<Tokenizer> make_sentencepiece_bpe(TokenizerData data) {
  return std::make_unique<SentencePieceBpe>(std::move(data));
}

}  // namespace troika::text
