// Encoding: cut out added tokens, normalise what lies between, cut it into pieces, merge each piece. Most
// pieces are a token as they stand; whether merging leads there is found out once per token and remembered (Llama 3 takes
// such a token without asking).
#include "text/byte_level_bpe.h"

#include <algorithm>
#include <array>
#include <atomic>

#include "base/error.h"
#include "text/added_tokens.h"
#include "text/byte_alphabet.h"
#include "text/byte_pair_merger.h"
#include "text/piece_cache.h"
#include "text/pre_tokenizer.h"
#include "text/token_texts.h"
#include "text/unicode.h"

namespace troika::text {
namespace {

bool is_added(TokenType type) { return type == TokenType::control || type == TokenType::user_defined; }

// Tokens of the byte alphabet as raw bytes; added tokens, and what is not of that alphabet, literally.
TokenTexts read_texts(const TokenizerData& data) {
  TokenTexts texts(data.tokens.size());
  std::vector<bool> spelled(data.tokens.size(), false);  // in the byte alphabet: can be a result of merges
  for (size_t id = 0; id < data.tokens.size(); ++id) {
    const bool unused = data.types[id] == TokenType::unused;
    const std::optional<std::string> bytes = from_byte_alphabet(data.tokens[id]);
    const bool literal = is_added(data.types[id]) || !bytes;
    spelled[id] = !unused && bytes && (!literal || *bytes == data.tokens[id]);
    texts.add(unused ? "" : literal ? data.tokens[id] : *bytes);
  }
  for (const bool added : {false, true}) {  // merges may lead to a token that was added later on; plain ones go first
    for (size_t id = 0; id < data.tokens.size(); ++id) {
      if (spelled[id] && is_added(data.types[id]) == added) texts.enter(static_cast<int32_t>(id));
    }
  }
  return texts;
}

std::vector<Merge> resolve_merges(const TokenizerData& data, const TokenTexts& vocabulary) {
  std::vector<Merge> merges;
  merges.reserve(data.merges.size());
  for (const auto& [left, right] : data.merges) {
    const auto id_of = [&](const std::string& text) {
      const std::optional<std::string> bytes = from_byte_alphabet(text);
      const int32_t id = bytes && !bytes->empty() ? vocabulary.find(*bytes) : -1;
      if (id < 0) {
        fail("tokenizer: merge {} needs the token '{}', which is not in the vocabulary", merges.size(),
             sanitize_utf8(std::string_view(text).substr(0, 80)));
      }
      return id;
    };
    merges.push_back({.left = id_of(left),
                      .right = id_of(right),
                      .result = id_of(left + right),
                      .rank = static_cast<uint32_t>(merges.size())});
  }
  return merges;
}

class ByteLevelBpe final : public Tokenizer {
 public:
  explicit ByteLevelBpe(TokenizerData data)
      : data_(std::move(data)),
        vocabulary_(read_texts(data_)),
        merger_(resolve_merges(data_, vocabulary_)),
        pre_tokenizer_(data_.pre),
        whole_(std::make_unique<std::atomic<Whole>[]>(data_.tokens.size())) {
    data_.merges = {};
    // A byte is an ordinary token here, which decoding need not treat apart.
    std::replace(data_.types.begin(), data_.types.end(), TokenType::byte, TokenType::normal);
    for (int byte = 0; byte < 256; ++byte) {
      const char c = static_cast<char>(byte);
      byte_ids_[byte] = vocabulary_.find({&c, 1});
      if (byte_ids_[byte] < 0) fail("tokenizer: the vocabulary has no token for the byte 0x{:02X}", byte);
    }
    for (size_t id = 0; id < data_.tokens.size(); ++id) {
      if (is_added(data_.types[id])) added_.add(data_.tokens[id], static_cast<int32_t>(id));
    }
  }

  std::vector<int32_t> encode(std::string_view utf8, EncodeOptions options) const override {
    std::string repaired;
    if (!valid_utf8(utf8)) {
      repaired = sanitize_utf8(utf8);
      utf8 = repaired;
    }
    std::vector<int32_t> ids;
    ids.reserve(utf8.size() / 3 + 1);
    if (options.add_bos && data_.bos) ids.push_back(*data_.bos);
    PieceCache cache(utf8.size());
    if (!options.parse_special) {
      encode_text(utf8, cache, ids);
      return ids;
    }
    for (size_t at = 0; at < utf8.size();) {
      const AddedTokens::Found found = added_.find(utf8, at);
      if (found.id < 0) {
        encode_text(utf8.substr(at), cache, ids);
        break;
      }
      encode_text(utf8.substr(at, found.begin - at), cache, ids);
      ids.push_back(found.id);
      at = found.begin + found.bytes;
    }
    return ids;
  }

  std::string_view bytes(int32_t id) const override { return vocabulary_.bytes(id); }
  const TokenizerData& data() const override { return data_; }

 private:
  // Does merging the bytes of a token give this token? Not always: rules of lower rank may lead elsewhere.
  enum class Whole : uint8_t { unknown, yes, no };

  void encode_text(std::string_view text, PieceCache& cache, std::vector<int32_t>& ids) const {
    if (text.empty()) return;
    std::string normal;
    if (data_.nfc && !surely_nfc(text)) {
      normal = nfc(text);
      text = normal;
    }
    PreTokenizer::Pieces pieces(pre_tokenizer_, text);
    for (std::string_view piece = pieces.next(); !piece.empty(); piece = pieces.next()) {
      if (cache.take(piece, ids)) continue;
      const size_t from = ids.size();
      encode_piece(piece, ids);
      cache.keep(piece, ids, from);
    }
  }

  void encode_piece(std::string_view piece, std::vector<int32_t>& ids) const {
    const int32_t whole = vocabulary_.find(piece);
    Whole known = whole < 0 ? Whole::no : whole_[whole].load(std::memory_order_relaxed);
    if (data_.ignore_merges && whole >= 0 && !is_added(data_.types[whole])) known = Whole::yes;
    if (known == Whole::yes) {
      ids.push_back(whole);
      return;
    }
    const size_t from = ids.size();
    for (const char c : piece) ids.push_back(byte_ids_[static_cast<uint8_t>(c)]);
    merger_.merge(ids, from);
    if (known == Whole::unknown) {
      const bool same = ids.size() == from + 1 && ids.back() == whole;
      whole_[whole].store(same ? Whole::yes : Whole::no, std::memory_order_relaxed);
    }
  }

  TokenizerData data_;
  TokenTexts vocabulary_;
  BytePairMerger merger_;
  PreTokenizer pre_tokenizer_;
  std::unique_ptr<std::atomic<Whole>[]> whole_;  // by id; racing writers write the same value
  std::array<int32_t, 256> byte_ids_{};
  AddedTokens added_;
};

}  // namespace

std::unique_ptr<Tokenizer> make_byte_level_bpe(TokenizerData data) {
  return std::make_unique<ByteLevelBpe>(std::move(data));
}

}  // namespace troika::text
