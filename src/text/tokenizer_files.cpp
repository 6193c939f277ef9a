// The files of a Hugging Face tokenizer: tokenizer.json, or vocab.json with merges.txt. What would make us encode
// differently from the original is refused, not ignored.
#include <algorithm>

#include "base/error.h"
#include "text/pre_tokenizer.h"
#include "text/sentencepiece_bpe.h"
#include "text/tokenizer.h"
#include "text/tokenizer_source.h"
#include "text/unicode.h"

namespace troika::text {
namespace {

void read_vocabulary(const Document& file, object vocabulary, bool byte_tokens, TokenList& tokens) {
  for (const auto& [text, id] : vocabulary) {
    const bool is_byte = byte_tokens && byte_of_token(text);
    tokens.add(file.name(), text, file.as_id(id, text), is_byte ? TokenType::byte : TokenType::normal);
  }
}

// The parts of a Sequence, or the component itself.
std::vector<object> parts_of(const Document& file, std::optional<element> component, std::string_view what,
                             std::string_view list) {
  std::vector<object> parts;
  if (!component) return parts;
  const object whole = file.as_object(*component, what);
  if (file.type_of(whole, what) != "Sequence") return {whole};
  const auto items = Document::find(whole, list);
  if (!items) fail("{}: the {} sequence has no {}", file.name(), what, list);
  for (const element item : file.as_array(*items, list)) parts.push_back(file.as_object(item, what));
  return parts;
}

std::vector<object> normalizers_of(const Document& file) {
  return parts_of(file, Document::find(file.root(), "normalizer"), "normalizer", "normalizers");
}

std::vector<object> pre_tokenizers_of(const Document& file) {
  return parts_of(file, Document::find(file.root(), "pre_tokenizer"), "pre_tokenizer", "pretokenizers");
}

// byte-level BPE

bool read_byte_level_normalizer(const Document& file) {
  bool nfc = false;
  for (const object part : normalizers_of(file)) {
    const std::string_view type = file.type_of(part, "normalizer");
    if (type != "NFC") fail("{}: the normalizer '{}' is not supported", file.name(), shown(type));
    nfc = true;
  }
  return nfc;
}

// Either ByteLevel alone, which brings GPT-2's pattern, or a Split by a pattern that we know, then ByteLevel.
std::string read_byte_level_pre_tokenizer(const Document& file) {
  std::string_view name;
  bool byte_level = false;
  for (const object part : pre_tokenizers_of(file)) {
    const std::string_view type = file.type_of(part, "pre_tokenizer");
    if (type == "Split" && name.empty() && !byte_level) {
      const auto pattern = Document::find(part, "pattern");
      const std::string_view regex =
          pattern ? file.string_at(file.as_object(*pattern, "pattern"), "Regex") : std::string_view();
      const auto known = pre_tokenizer_of(regex);
      if (!known || file.string_at(part, "behavior") != "Isolated" || file.flag_at(part, "invert")) {
        fail("{}: the pre-tokeniser pattern '{}' is not supported", file.name(), shown(regex));
      }
      name = *known;
    } else if (type == "ByteLevel" && !byte_level) {
      if (file.flag_at(part, "add_prefix_space")) fail("{}: add_prefix_space is not supported", file.name());
      const auto use_regex = Document::find(part, "use_regex");
      if (!use_regex || file.as_bool(*use_regex, "use_regex")) {
        if (!name.empty()) fail("{}: splitting by two patterns is not supported", file.name());
        name = "gpt-2";
      }
      byte_level = true;
    } else {
      fail("{}: the pre-tokeniser '{}' is not supported here", file.name(), shown(type));
    }
  }
  if (!byte_level || name.empty()) fail("{}: the pre-tokeniser is not that of a byte-level BPE", file.name());
  return std::string(name);
}

// SentencePiece's BPE, as conversion writes it: the normaliser turns spaces into ▁ (and may put one in front), so that
// nothing is left to split; the decoder turns them back.

constexpr std::string_view kSpaceSign = "\xE2\x96\x81";  // ▁

// What a "pattern" of a component matches when it is a plain text.
std::string_view plain_pattern(const Document& file, object part) {
  const auto pattern = Document::find(part, "pattern");
  return pattern ? file.string_at(file.as_object(*pattern, "pattern"), "String") : std::string_view();
}

bool replaces_spaces(const Document& file, object part) {
  return file.type_of(part, "normalizer") == "Replace" && plain_pattern(file, part) == " " &&
         file.string_at(part, "content") == kSpaceSign;
}

bool is_sentencepiece(const Document& file) {
  for (const object part : normalizers_of(file)) {
    if (replaces_spaces(file, part)) return true;
  }
  return false;
}

void read_sentencepiece_normalizer(const Document& file, TokenizerData& data) {
  bool replaced = false;
  for (const object part : normalizers_of(file)) {
    const std::string_view type = file.type_of(part, "normalizer");
    if (type == "Prepend" && !replaced && file.string_at(part, "prepend") == kSpaceSign) {
      data.space_prefix = true;
    } else if (replaces_spaces(file, part)) {
      replaced = true;
    } else {
      fail("{}: the normalizer '{}' is not supported beside that of spaces", file.name(), shown(type));
    }
  }
  for (const object part : pre_tokenizers_of(file)) {
    const std::string_view type = file.type_of(part, "pre_tokenizer");
    if (type != "Split" || plain_pattern(file, part) != " ") {  // there are no spaces to split by
      fail("{}: the pre-tokeniser '{}' is not supported here", file.name(), shown(type));
    }
  }
}

void read_sentencepiece_decoder(const Document& file, TokenizerData& data) {
  for (const object part : parts_of(file, Document::find(file.root(), "decoder"), "decoder", "decoders")) {
    const std::string_view type = file.type_of(part, "decoder");
    if (type == "Replace" && plain_pattern(file, part) == kSpaceSign && file.string_at(part, "content") == " ") continue;
    if (type == "ByteFallback" || type == "Fuse") continue;
    const auto number = [&](std::string_view key) {
      const auto value = Document::find(part, key);
      int64_t count = -1;
      return value && !value->get(count) ? count : -1;
    };
    if (type == "Strip" && file.string_at(part, "content") == " " && number("start") <= 1 && number("start") >= 0 &&
        number("stop") == 0) {
      data.strip_leading_space = number("start") == 1;
      continue;
    }
    fail("{}: the decoder '{}' is not supported as it is set", file.name(), shown(type));
  }
}

// merges and model

std::pair<std::string, std::string> split_merge(std::string_view file, std::string_view line, size_t number) {
  const size_t space = line.find(' ');
  if (space == line.npos || space == 0 || space + 1 == line.size() ||
      line.find(' ', space + 1) != line.npos) {
    fail("{}: merge {} is '{}', not two tokens with one space between", file, number, shown(line));
  }
  return {std::string(line.substr(0, space)), std::string(line.substr(space + 1))};
}

void read_merges(const Document& file, array merges, TokenizerData& data) {
  data.merges.reserve(merges.size());
  for (const element merge : merges) {
    const size_t number = data.merges.size();
    if (merge.is_string()) {
      data.merges.push_back(split_merge(file.name(), file.as_string(merge, "a merge"), number));
      continue;
    }
    const array pair = file.as_array(merge, "a merge");
    if (pair.size() != 2) fail("{}: merge {} has {} parts instead of 2", file.name(), number, pair.size());
    data.merges.emplace_back(file.as_string(pair.at(0).value_unsafe(), "a part of a merge"),
                             file.as_string(pair.at(1).value_unsafe(), "a part of a merge"));
  }
}

void read_model(const Document& file, TokenList& tokens, TokenizerData& data) {
  const auto found = Document::find(file.root(), "model");
  if (!found) fail("{}: there is no model", file.name());
  const object model = file.as_object(*found, "model");
  const std::string_view type = file.string_at(model, "type");
  if (!type.empty() && type != "BPE") fail("{}: the model '{}' is not supported", file.name(), shown(type));
  for (const std::string_view affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!file.string_at(model, affix).empty()) fail("{}: {} is not supported", file.name(), affix);
  }
  const bool byte_fallback = file.flag_at(model, "byte_fallback"), sentencepiece = data.model == "sentencepiece";
  if (byte_fallback && !sentencepiece) fail("{}: byte_fallback is not supported with byte-level BPE", file.name());
  data.ignore_merges = file.flag_at(model, "ignore_merges");
  data.fuse_unk = file.flag_at(model, "fuse_unk");
  const auto vocabulary = Document::find(model, "vocab"), merges = Document::find(model, "merges");
  if (!vocabulary || !merges) fail("{}: the model lacks its vocab or its merges", file.name());
  const object ids = file.as_object(*vocabulary, "vocab");
  read_vocabulary(file, ids, byte_fallback, tokens);
  read_merges(file, file.as_array(*merges, "merges"), data);
  if (const std::string_view unknown = file.string_at(model, "unk_token"); sentencepiece && !unknown.empty()) {
    const auto id = Document::find(ids, unknown);
    if (!id) fail("{}: unk_token is '{}', which is no token of this vocabulary", file.name(), shown(unknown));
    data.unk = file.as_id(*id, unknown);
  }
}

// A text begins with a special token when the template of single texts does.
bool read_adds_bos(const Document& file) {
  for (const object part :
       parts_of(file, Document::find(file.root(), "post_processor"), "post_processor", "processors")) {
    if (file.type_of(part, "post_processor") != "TemplateProcessing") continue;
    const auto single = Document::find(part, "single");
    if (!single) continue;
    for (const element item : file.as_array(*single, "single")) {
      return Document::find(file.as_object(item, "an entry of single"), "SpecialToken").has_value();
    }
  }
  return false;
}

void read_merges_txt(std::string_view text, TokenizerData& data) {
  if (!valid_utf8(text)) fail("merges.txt: not UTF-8");
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const bool version = data.merges.empty() && line.starts_with("#version");
    if (!line.empty() && !version) data.merges.push_back(split_merge("merges.txt", line, data.merges.size()));
  }
}

}  // namespace

TokenizerData read_tokenizer_json(std::string_view tokenizer_json, std::string_view tokenizer_config_json) {
  const Document file("tokenizer.json", tokenizer_json);
  const std::optional<Document> config = open_config(tokenizer_config_json);
  TokenizerData data;
  TokenList tokens;
  if (is_sentencepiece(file)) {
    data.model = "sentencepiece";
    data.added_in_raw_text = true;
    read_sentencepiece_normalizer(file, data);
    read_sentencepiece_decoder(file, data);
  } else {
    data.nfc = read_byte_level_normalizer(file);
    data.pre = read_byte_level_pre_tokenizer(file);
  }
  data.add_bos = read_adds_bos(file);
  read_model(file, tokens, data);
  if (const auto added = Document::find(file.root(), "added_tokens")) {
    for (const element item : file.as_array(*added, "added_tokens")) {
      const object token = file.as_object(item, "an added token");
      const auto id = Document::find(token, "id");
      const std::string_view text = file.string_at(token, "content");
      if (!id) fail("{}: the added token '{}' has no id", file.name(), shown(text));
      read_added_token(file, token, file.as_id(*id, text), tokens);
    }
  }
  read_config(config, tokens, data);
  return data;
}

TokenizerData read_vocab_and_merges(std::string_view vocab_json, std::string_view merges_txt,
                                    std::string_view tokenizer_config_json) {
  const Document file("vocab.json", vocab_json);
  const std::optional<Document> config = open_config(tokenizer_config_json);
  TokenizerData data;
  TokenList tokens;
  const std::string_view family = config ? config->string_at(config->root(), "tokenizer_class") : "";
  if (family.starts_with("GPT2Tokenizer")) {
    data.pre = "gpt-2";
    data.nfc = false;
  } else if (!family.empty() && !family.starts_with("Qwen2Tokenizer")) {
    fail("{}: the tokenizer_class '{}' is not supported without a tokenizer.json", config->name(),
         shown(family));
  }
  read_vocabulary(file, file.root(), false, tokens);
  read_merges_txt(merges_txt, data);
  read_config(config, tokens, data);
  return data;
}

}  // namespace troika::text
