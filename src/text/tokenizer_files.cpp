// The files of a Hugging Face tokenizer: tokenizer.json, or vocab.json with merges.txt, and
// tokenizer_config.json. Foreign bytes: simdjson bounds nesting and checks UTF-8, we check every type and
// every number. What would make us encode differently from the original is refused, not ignored.
#include <simdjson.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer.h"
#include "text/unicode.h"

namespace troika::text {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr int64_t kLargestId = 10'000'000;

// For messages: the beginning of a foreign text, on one line.
std::string shown(std::string_view text) {
  std::string out = sanitize_utf8(text.substr(0, 60));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return text.size() > 60 ? out + "..." : out;
}

// One parsed file; elements live as long as it does.
class Document {
 public:
  Document(std::string_view name, std::string_view json) : name_(name) {
    element root;
    const auto error = parser_.parse(json.data(), json.size()).get(root);
    if (error) fail("{}: {}", name, simdjson::error_message(error));
    root_ = as_object(root, "the file");
  }
  Document(const Document&) = delete;  // root_ points into parser_
  Document& operator=(const Document&) = delete;

  std::string_view name() const { return name_; }
  object root() const { return root_; }

  // What a key holds; nothing when it is absent or null.
  static std::optional<element> find(object in, std::string_view key) {
    element value;
    if (in.at_key(key).get(value) || value.is_null()) return std::nullopt;
    return value;
  }
  object as_object(element value, std::string_view what) const {
    object result;
    if (value.get(result)) fail("{}: {} is not an object", name_, what);
    return result;
  }
  array as_array(element value, std::string_view what) const {
    array result;
    if (value.get(result)) fail("{}: {} is not an array", name_, what);
    return result;
  }
  std::string_view as_string(element value, std::string_view what) const {
    std::string_view result;
    if (value.get(result)) fail("{}: {} is not a string", name_, what);
    return result;
  }
  bool as_bool(element value, std::string_view what) const {
    bool result = false;
    if (value.get(result)) fail("{}: {} is neither true nor false", name_, what);
    return result;
  }
  int32_t as_id(element value, std::string_view token) const {
    int64_t id = -1;
    if (value.get(id) || id < 0 || id > kLargestId) {
      fail("{}: the id of '{}' is not a whole number from 0 to {}", name_, shown(token), kLargestId);
    }
    return static_cast<int32_t>(id);
  }
  std::string_view string_at(object in, std::string_view key) const {
    const auto value = find(in, key);
    return value ? as_string(*value, key) : std::string_view();
  }
  bool flag_at(object in, std::string_view key) const {
    const auto value = find(in, key);
    return value && as_bool(*value, key);
  }
  // A component's "type", which names what it does.
  std::string_view type_of(object component, std::string_view what) const {
    const std::string_view type = string_at(component, "type");
    if (type.empty()) fail("{}: the {} has no type", name_, what);
    return type;
  }

 private:
  simdjson::dom::parser parser_;
  std::string_view name_;
  object root_;
};

// Collects tokens in any order of ids and hands them out as a list without holes.
class TokenList {
 public:
  void add(const Document& from, std::string_view text, int32_t id, TokenType type) {
    entries_.push_back({id, std::string(text), type, from.name()});
  }

  void fill(TokenizerData& data) {
    // Later entries, the added tokens, turn what stands at their id into theirs, if the text agrees.
    std::stable_sort(entries_.begin(), entries_.end(),
                     [](const auto& a, const auto& b) { return a.id < b.id; });
    if (entries_.empty()) fail("the tokenizer's vocabulary is empty");
    const size_t size = static_cast<size_t>(entries_.back().id) + 1;
    if (size > 2 * entries_.size() + 65536) {
      fail("{}: the largest id is {} but there are only {} tokens", entries_.back().file, size - 1,
           entries_.size());
    }
    data.tokens.assign(size, {});
    data.types.assign(size, TokenType::unused);
    for (Entry& entry : entries_) {
      std::string& text = data.tokens[entry.id];
      TokenType& type = data.types[entry.id];
      const bool both_plain = type == TokenType::normal && entry.type == TokenType::normal;
      if (type != TokenType::unused && (both_plain || text != entry.text)) {
        fail("{}: '{}' and '{}' share the id {}", entry.file, shown(text), shown(entry.text), entry.id);
      }
      if (type != TokenType::control) type = entry.type;
      text = std::move(entry.text);
    }
  }

 private:
  struct Entry {
    int32_t id;
    std::string text;
    TokenType type;
    std::string_view file;
  };
  std::vector<Entry> entries_;
};

void read_vocabulary(const Document& file, object vocabulary, TokenList& tokens) {
  for (const auto& [text, id] : vocabulary) tokens.add(file, text, file.as_id(id, text), TokenType::normal);
}

void read_added_token(const Document& file, object token, int32_t id, TokenList& tokens) {
  const std::string_view text = file.string_at(token, "content");
  if (text.empty()) fail("{}: the added token {} has no content", file.name(), id);
  for (const std::string_view option : {"lstrip", "rstrip", "single_word"}) {
    if (file.flag_at(token, option)) {
      fail("{}: the added token '{}' wants {}, which is not supported", file.name(), shown(text), option);
    }
  }
  tokens.add(file, text, id, file.flag_at(token, "special") ? TokenType::control : TokenType::user_defined);
}

// tokenizer_config.json names tokens by their text, alone or as an added token.
std::optional<int32_t> id_named(const Document& config, std::string_view key, const TokenizerData& data) {
  const auto value = Document::find(config.root(), key);
  if (!value) return std::nullopt;
  const std::string_view text = value->is_object()
                                    ? config.string_at(config.as_object(*value, key), "content")
                                    : config.as_string(*value, key);
  const auto found =
      std::find(data.tokens.rbegin(), data.tokens.rend(), text);  // added tokens stand at the end
  if (found == data.tokens.rend() || text.empty()) {
    fail("{}: {} is '{}', which is no token of this vocabulary", config.name(), key, shown(text));
  }
  return static_cast<int32_t>(data.tokens.rend() - found - 1);
}

std::string read_chat_template(const Document& config) {
  const auto value = Document::find(config.root(), "chat_template");
  if (!value) return {};
  if (!value->is_array()) return std::string(config.as_string(*value, "chat_template"));
  for (const element item : config.as_array(*value, "chat_template")) {
    const object named = config.as_object(item, "an entry of chat_template");
    if (config.string_at(named, "name") == "default") return std::string(config.string_at(named, "template"));
  }
  return {};
}

// Added tokens first, since names refer to them.
void read_config(const std::optional<Document>& config, TokenList& tokens, TokenizerData& data) {
  if (config) {
    if (const auto added = Document::find(config->root(), "added_tokens_decoder")) {
      for (const auto& [key, token] : config->as_object(*added, "added_tokens_decoder")) {
        const bool digits =
            !key.empty() && key.size() <= 8 && key.find_first_not_of("0123456789") == key.npos;
        const int64_t id = digits ? std::stoll(std::string(key)) : -1;
        if (id < 0 || id > kLargestId) fail("{}: '{}' is not a token id", config->name(), shown(key));
        read_added_token(*config, config->as_object(token, "an added token"), static_cast<int32_t>(id),
                         tokens);
      }
    }
  }
  tokens.fill(data);
  if (config) {
    data.bos = id_named(*config, "bos_token", data);
    data.eos = id_named(*config, "eos_token", data);
    data.pad = id_named(*config, "pad_token", data);
    data.add_bos = config->flag_at(config->root(), "add_bos_token");
    data.chat_template = read_chat_template(*config);
  }
  data.end_ids = find_end_ids(data);
}

std::optional<Document> open_config(std::string_view json) {
  if (json.empty()) return std::nullopt;
  return std::optional<Document>(std::in_place, "tokenizer_config.json", json);
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

bool read_normalizer(const Document& file) {
  bool nfc = false;
  for (const object part :
       parts_of(file, Document::find(file.root(), "normalizer"), "normalizer", "normalizers")) {
    const std::string_view type = file.type_of(part, "normalizer");
    if (type != "NFC") fail("{}: the normalizer '{}' is not supported", file.name(), shown(type));
    nfc = true;
  }
  return nfc;
}

// Either ByteLevel alone, which brings GPT-2's pattern, or a Split by a pattern that we know, then ByteLevel.
std::string read_pre_tokenizer(const Document& file) {
  std::string_view name;
  bool byte_level = false;
  for (const object part :
       parts_of(file, Document::find(file.root(), "pre_tokenizer"), "pre_tokenizer", "pretokenizers")) {
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
  for (const std::string_view option : {"byte_fallback", "ignore_merges"}) {
    if (file.flag_at(model, option)) fail("{}: {} is not supported", file.name(), option);
  }
  for (const std::string_view affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!file.string_at(model, affix).empty()) fail("{}: {} is not supported", file.name(), affix);
  }
  const auto vocabulary = Document::find(model, "vocab"), merges = Document::find(model, "merges");
  if (!vocabulary || !merges) fail("{}: the model lacks its vocab or its merges", file.name());
  read_vocabulary(file, file.as_object(*vocabulary, "vocab"), tokens);
  read_merges(file, file.as_array(*merges, "merges"), data);
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
  read_model(file, tokens, data);
  data.nfc = read_normalizer(file);
  data.pre = read_pre_tokenizer(file);
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
  read_vocabulary(file, file.root(), tokens);
  read_merges_txt(merges_txt, data);
  read_config(config, tokens, data);
  return data;
}

}  // namespace troika::text
