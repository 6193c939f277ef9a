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
  // "bpe": byte-level BPE ("gpt2" in GGUF). "sentencepiece": BPE over characters ("llama" in GGUF), by `scores` where
  // there are any and by `merges` otherwise.
  std::string model = "bpe";
  std::vector<std::string> tokens;  // by id; byte-level alphabet or ▁ for spaces in normal ones, added ones literally
  std::vector<TokenType> types;     // by id
  std::vector<std::pair<std::string, std::string>> merges;  // by rank
  std::vector<float> scores;                                // by id; the best is joined first
  bool ignore_merges = false;                               // a piece that is a token is taken without merging

  // byte-level BPE
  std::string pre = "qwen2";  // name of a pre-tokeniser pattern, see pre_tokenizer.cpp
  bool nfc = true;            // normalise text to form C first

  // sentencepiece
  bool space_prefix = false;         // every run of text gets a space in front
  bool strip_leading_space = false;  // decoding takes one space from the front
  bool added_in_raw_text = false;    // user-defined tokens are found before spaces become ▁, as tokenizer.json has it
  bool fuse_unk = true;              // neighbouring unknown characters are one unknown token

  std::optional<int32_t> bos, eos, pad, unk;
  bool add_bos = false;          // what the file asks for; encode() does what its options say
  bool add_eos = false;          // the same behind a text whose states are wanted
  std::vector<int32_t> end_ids;  // every id that ends a generation
  std::string chat_template;     // may be empty
};

// From the text of files; tokenizer_config_json may be empty. Throws Error on anything malformed.
TokenizerData read_tokenizer_json(std::string_view tokenizer_json, std::string_view tokenizer_config_json);
TokenizerData read_vocab_and_merges(std::string_view vocab_json, std::string_view merges_txt,
                                    std::string_view tokenizer_config_json);
// `bytes` of a tokenizer.model as SentencePiece writes it.
TokenizerData read_sentencepiece_model(std::string_view bytes, std::string_view tokenizer_config_json);

// The template of a chat_template.json, "" when it has none.
std::string read_chat_template_json(std::string_view json);

// eos and every added token that by its name ends a generation (<|im_end|>, <|endoftext|>, ...), sorted.
// Never `</s>` by its name, which in Qwen's and Gemma's vocabularies is an HTML tag.
std::vector<int32_t> find_end_ids(const TokenizerData& data);

struct EncodeOptions {
  // Recognise added tokens in the text. Without it byte-level BPE takes all text as plain; SentencePiece still finds
  // its user-defined pieces (runs of newlines, Gemma's turn markers), which it knows no text without.
  bool parse_special = false;
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
  // The control or user-defined token of exactly this text, "<image_soft_token>" or "<|vision_start|>"; looks at every
  // token, so keep the answer.
  std::optional<int32_t> id_of(std::string_view added_token) const;
  int32_t vocab_size() const { return static_cast<int32_t>(data().tokens.size()); }
  TokenType type(int32_t id) const;               // unused for ids outside the vocabulary
  virtual const TokenizerData& data() const = 0;  // without merges and scores, which are not kept

  // Always UTF-8. A run of tokens of type byte that is no UTF-8 as a whole becomes one U+FFFD for every byte; from other
  // tokens, one for each maximal invalid subpart. skip_control leaves control tokens out.
  std::string decode(std::span<const int32_t> ids, bool skip_control) const;
};

// The text of consecutive tokens of type byte: see Tokenizer::decode.
std::string decode_byte_run(std::string_view run);

// Throws Error on data that contradicts itself.
std::unique_ptr<Tokenizer> make_tokenizer(TokenizerData data);

}  // namespace troika::text
