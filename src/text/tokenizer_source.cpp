// Foreign bytes: simdjson bounds nesting and checks UTF-8, we check every type and every number.
#include "text/tokenizer_source.h"

#include <algorithm>

#include "text/unicode.h"

namespace troika::text {
namespace {

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

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Whole numbers that fit no 64 bits, made decimal: simdjson takes them only so. Python writes such ones, "no limit" in
// Gemma's model_max_length is 1e30 in all its digits.
std::string with_large_numbers_decimal(std::string_view json) {
  std::string out;
  bool in_text = false;
  for (size_t i = 0; i < json.size(); ++i) {
    out += json[i];
    if (in_text && json[i] == '\\' && i + 1 < json.size()) out += json[++i];
    else if (json[i] == '"') in_text = !in_text;
    if (in_text || !is_digit(json[i])) continue;
    const size_t first = i;
    while (i + 1 < json.size() && is_digit(json[i + 1])) out += json[++i];
    const char next = i + 1 < json.size() ? json[i + 1] : '\0';
    if (i - first >= 18 && next != '.' && next != 'e' && next != 'E') out += ".0";
    while (i + 1 < json.size() && (is_digit(json[i + 1]) || json[i + 1] == '.')) out += json[++i];  // its decimals
  }
  return out;
}

}  // namespace

Document::Document(std::string_view name, std::string_view json) : name_(name) {
  element root;
  auto error = parser_.parse(json.data(), json.size()).get(root);
  if (error == simdjson::NUMBER_ERROR) error = parser_.parse(with_large_numbers_decimal(json)).get(root);
  if (error) fail("{}: {}", name, simdjson::error_message(error));
  root_ = as_object(root, "the file");
}

// For messages: the beginning of a foreign text, on one line.
std::string shown(std::string_view text) {
  std::string out = sanitize_utf8(text.substr(0, 60));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return text.size() > 60 ? out + "..." : out;
}

void TokenList::fill(TokenizerData& data) {
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

void read_added_token(const Document& file, object token, int32_t id, TokenList& tokens) {
  const std::string_view text = file.string_at(token, "content");
  if (text.empty()) fail("{}: the added token {} has no content", file.name(), id);
  for (const std::string_view option : {"lstrip", "rstrip", "single_word"}) {
    if (file.flag_at(token, option)) {
      fail("{}: the added token '{}' wants {}, which is not supported", file.name(), shown(text), option);
    }
  }
  tokens.add(file.name(), text, id, file.flag_at(token, "special") ? TokenType::control : TokenType::user_defined);
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
    const auto read_name = [&](const char* key, std::optional<int32_t>& id) {
      if (const auto named = id_named(*config, key, data)) id = named;
    };
    read_name("bos_token", data.bos);
    read_name("eos_token", data.eos);
    read_name("pad_token", data.pad);
    if (data.model == "sentencepiece") read_name("unk_token", data.unk);  // bytes cover all text
    data.add_bos = config->flag_at(config->root(), "add_bos_token", data.add_bos);
    data.chat_template = read_chat_template(*config);
  }
  data.end_ids = find_end_ids(data);
}

std::string read_chat_template_json(std::string_view json) {
  return read_chat_template(Document("chat_template.json", json));
}

std::optional<Document> open_config(std::string_view json) {
  if (json.empty()) return std::nullopt;
  return std::optional<Document>(std::in_place, "tokenizer_config.json", json);
}

}  // namespace troika::text
