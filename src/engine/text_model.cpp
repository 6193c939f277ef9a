#include "engine/text_model.h"

#include <algorithm>
#include <array>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file_map.h"
#include "text/pre_tokenizer.h"

namespace troika::engine {
namespace {

constexpr int64_t kMostTokens = 10'000'000;

std::optional<int32_t> token_id(const files::Metadata& m, std::string_view key, size_t tokens) {
  auto id = m.integer(key);
  if (!id) return std::nullopt;
  if (*id < 0 || *id >= int64_t(tokens)) fail("{} is {}, but there are {} tokens", key, *id, tokens);
  return static_cast<int32_t>(*id);
}

void add_end(text::TokenizerData& data, int64_t id) {
  bool known = std::find(data.end_ids.begin(), data.end_ids.end(), id) != data.end_ids.end();
  if (id >= 0 && id < int64_t(data.tokens.size()) && !known) data.end_ids.push_back(static_cast<int32_t>(id));
}

void read_tokens(const files::ModelFile& file, text::TokenizerData& data) {
  const files::Metadata& m = file.metadata();
  auto tokens = m.strings("tokenizer.ggml.tokens");
  if (int64_t(tokens.size()) > kMostTokens) fail("{}: {} tokens are too many", file.path().string(), tokens.size());
  data.tokens.assign(tokens.begin(), tokens.end());
  auto types = m.integers("tokenizer.ggml.token_type");
  if (!types.empty() && types.size() != tokens.size()) {
    fail("{}: {} tokens but {} token types", file.path().string(), tokens.size(), types.size());
  }
  data.types.assign(tokens.size(), text::TokenType::normal);
  for (size_t i = 0; i < types.size(); ++i) {
    if (types[i] < 1 || types[i] > 6) fail("{}: token {} has the unknown type {}", file.path().string(), i, types[i]);
    data.types[i] = static_cast<text::TokenType>(types[i]);
  }
}

// "gpt2": the pattern's name says what goes with it.
void read_byte_level(const files::ModelFile& file, text::TokenizerData& data) {
  const files::Metadata& m = file.metadata();
  data.model = "bpe";
  data.pre = m.text("tokenizer.ggml.pre").value_or("gpt-2");
  const text::PreTokenizerRow& row = text::pre_tokenizer_row(data.pre);
  data.nfc = m.boolean("tokenizer.ggml.normalizer.nfc").value_or(row.nfc);
  data.ignore_merges = row.ignore_merges;
  data.add_bos = row.add_bos;
  for (std::string_view merge : m.strings("tokenizer.ggml.merges")) {
    size_t space = merge.find(' ', 1);  // a merge's left part may begin with a space, never be empty
    if (space == std::string_view::npos) fail("{}: the merge '{}' has no space", file.path().string(), merge);
    data.merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
}

// "llama": SentencePiece's pieces with their scores. Absent keys have the defaults of Llama 2, the first such file.
void read_sentencepiece(const files::ModelFile& file, text::TokenizerData& data) {
  const files::Metadata& m = file.metadata();
  data.model = "sentencepiece";
  auto scores = m.numbers("tokenizer.ggml.scores");
  if (scores.size() != data.tokens.size() || !m.has("tokenizer.ggml.token_type")) {
    fail("{}: a SentencePiece tokenizer of {} tokens needs as many scores and token types, but there are {} scores",
         file.path().string(), data.tokens.size(), scores.size());
  }
  if (m.boolean("tokenizer.ggml.remove_extra_whitespaces").value_or(false) ||
      m.has("tokenizer.ggml.precompiled_charsmap")) {
    fail("{}: normalisation by a table of characters and removal of white space are not supported",
         file.path().string());
  }
  data.scores.assign(scores.begin(), scores.end());
  data.space_prefix = m.boolean("tokenizer.ggml.add_space_prefix").value_or(true);
  data.strip_leading_space = data.space_prefix;
  data.add_bos = true;
}

text::TokenizerData from_gguf(const files::ModelFile& file) {
  const files::Metadata& m = file.metadata();
  auto kind = m.text("tokenizer.ggml.model").value_or("");
  text::TokenizerData data;
  read_tokens(file, data);
  if (kind == "gpt2") {
    read_byte_level(file, data);
  } else if (kind == "llama") {
    read_sentencepiece(file, data);
  } else {
    fail("{}: tokenizer '{}' is not supported; supported: gpt2, llama", file.path().string(), kind);
  }
  size_t tokens = data.tokens.size();
  data.bos = token_id(m, "tokenizer.ggml.bos_token_id", tokens);
  data.eos = token_id(m, "tokenizer.ggml.eos_token_id", tokens);
  data.pad = token_id(m, "tokenizer.ggml.padding_token_id", tokens);
  data.unk = token_id(m, "tokenizer.ggml.unknown_token_id", tokens);
  data.add_bos = m.boolean("tokenizer.ggml.add_bos_token").value_or(data.add_bos);
  data.add_eos = m.boolean("tokenizer.ggml.add_eos_token").value_or(false);
  data.end_ids = text::find_end_ids(data);
  for (const char* key : {"tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"}) {
    if (auto id = token_id(m, key, tokens)) add_end(data, *id);
  }
  data.chat_template = std::string(m.text("tokenizer.chat_template").value_or(""));
  return data;
}

// generation_config.json may name more ids that end a generation than the tokenizer does.
void add_generation_ends(const files::Metadata& m, text::TokenizerData& data) {
  for (const char* key : {"generation.eos_token_id", "eos_token_id"}) {
    for (int64_t id : m.integers(key)) add_end(data, id);
  }
}

// `read` gives the contents of a file of the folder, "" when it is absent. The first of these that is there wins:
// tokenizer.json, tokenizer.model, vocab.json with merges.txt.
text::TokenizerData tokenizer_of_folder(const std::function<std::string(const char* name)>& read) {
  std::string config = read("tokenizer_config.json");
  if (std::string whole = read("tokenizer.json"); !whole.empty()) return text::read_tokenizer_json(whole, config);
  if (std::string pieces = read("tokenizer.model"); !pieces.empty()) {
    return text::read_sentencepiece_model(pieces, config);
  }
  return text::read_vocab_and_merges(read("vocab.json"), read("merges.txt"), config);
}

// The template may lie in a file of its own, which wins, or in that of the processor of a model with images.
text::TokenizerData from_folder(const std::function<std::string(const char* name)>& read) {
  text::TokenizerData data = tokenizer_of_folder(read);
  if (std::string jinja = read("chat_template.jinja"); !jinja.empty()) {
    data.chat_template = std::move(jinja);
  } else if (data.chat_template.empty()) {
    if (std::string json = read("chat_template.json"); !json.empty()) data.chat_template = text::read_chat_template_json(json);
  }
  return data;
}

constexpr std::array kTokenizerFiles = {"tokenizer.json", "tokenizer.model", "vocab.json"};

TextModel assemble(text::TokenizerData data) {
  TextModel model;
  if (!data.chat_template.empty()) {
    model.chat_template = std::make_unique<text::ChatTemplate>(data.chat_template);
    model.repairs = text::find_repairs(*model.chat_template);
  }
  model.tokenizer = text::make_tokenizer(std::move(data));
  model.grammars = std::make_unique<grammar::GrammarCache>(*model.tokenizer);
  return model;
}

}  // namespace

bool has_tokenizer(const files::ModelFile& file) {
  if (file.kind() == files::FileKind::gguf) return file.metadata().has("tokenizer.ggml.tokens");
  return std::any_of(kTokenizerFiles.begin(), kTokenizerFiles.end(),
                     [&](const char* name) { return !file.text_file(name).empty(); });
}

text::TokenizerData read_tokenizer(const files::ModelFile& file) {
  if (!has_tokenizer(file)) fail("{} has no tokenizer", file.path().string());
  if (file.kind() == files::FileKind::gguf) return from_gguf(file);
  auto data = from_folder([&](const char* name) { return file.text_file(name); });
  add_generation_ends(file.metadata(), data);
  return data;
}

TextModel TextModel::load(const files::ModelFile& file) { return assemble(read_tokenizer(file)); }

TextModel TextModel::load(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return load(*files::ModelFile::open(path));
  if (std::none_of(kTokenizerFiles.begin(), kTokenizerFiles.end(),
                   [&](const char* name) { return std::filesystem::exists(path / name); })) {
    fail("{} has no tokenizer: neither tokenizer.json nor tokenizer.model nor vocab.json", path.string());
  }
  return assemble(from_folder([&](const char* name) {
    return std::filesystem::exists(path / name) ? read_text_file(path / name) : std::string();
  }));
}

std::string TextModel::render(nlohmann::ordered_json variables) const {
  if (variables.is_object() && variables.contains("messages")) text::repair_messages(repairs, variables["messages"]);
  return render_as_is(std::move(variables));
}

std::string TextModel::render_as_is(nlohmann::ordered_json variables) const {
  if (!chat_template) fail("this model has no chat template; use plain completions");
  const text::TokenizerData& data = tokenizer->data();
  if (data.bos && !variables.contains("bos_token")) variables["bos_token"] = tokenizer->bytes(*data.bos);
  if (data.eos && !variables.contains("eos_token")) variables["eos_token"] = tokenizer->bytes(*data.eos);
  return chat_template->render(variables);
}

}  // namespace troika::engine
