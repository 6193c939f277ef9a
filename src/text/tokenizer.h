// Tokenizers: text to token ids and back. `TokenizerData` is what any file says about a tokenizer, as plain
// data; `make_tokenizer` checks it and builds the thing that encodes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troika::text {

// Numbered as in GGUF's tokenizer.ggml.token_type.
enum class TokenType : uint8_t {
  normal = 1,
  unknown = 2,
  control = 3,
  user_defined = 4,
  unused = 5,
  byte = 6
};

struct TokenizerData {
  std::string model = "bpe";        // "bpe": byte-level BPE ("gpt2" in GGUF)
  std::string pre = "qwen2";        // name of a pre-tokeniser pattern, see pre_tokenizer.cpp
  bool nfc = true;                  // normalise text to form C first
  std::vector<std::string> tokens;  // by id; byte-level alphabet for normal ones, literal text for added ones
  std::vector<TokenType> types;     // by id
  std::vector<std::pair<std::string, std::string>> merges;  // by rank
  std::optional<int32_t> bos, eos, pad;
  bool add_bos = false;          // what the file asks for; encode() does what its options say
  std::vector<int32_t> end_ids;  // every id that ends a generation
  std::string chat_template;     // may be empty
};

// From the text of files; tokenizer_config_json may be empty. Throws Error on anything malformed.
TokenizerData read_tokenizer_json(std::string_view tokenizer_json, std::string_view tokenizer_config_json);
TokenizerData read_vocab_and_merges(std::string_view vocab_json, std::string_view merges_txt,
                                    std::string_view tokenizer_config_json);

// eos and every added token that by its name ends a generation (<|im_end|>, <|endoftext|>, ...), sorted.
// Never
// `</s>`, which in Qwen's and Gemma's vocabularies is an HTML tag.
std::vector<int32_t> find_end_ids(const TokenizerData& data);

struct EncodeOptions {
  bool parse_special = false;  // recognise added tokens in the text; without it all text is plain
  bool add_bos = false;        // put BOS in front, where the tokenizer has one
};

// Thread-safe after construction.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  // Bytes that are not UTF-8 count as U+FFFD.
  virtual std::vector<int32_t> encode(std::string_view utf8, EncodeOptions options) const = 0;
  // The raw bytes a token stands for, perhaps a part of a character; the literal text of added tokens;
  // nothing for padding and for ids outside the vocabulary.
  virtual std::string_view bytes(int32_t id) const = 0;
  virtual int32_t vocab_size() const = 0;
  virtual TokenType type(int32_t id) const = 0;   // unused for ids outside the vocabulary
  virtual const TokenizerData& data() const = 0;  // without the merges, which are not kept

  // One U+FFFD for each maximal invalid subpart. skip_control leaves control tokens out.
  std::string decode(std::span<const int32_t> ids, bool skip_control) const;
};

// Throws Error on data that contradicts itself.
std::unique_ptr<Tokenizer> make_tokenizer(TokenizerData data);

}  // namespace troika::text
