#include "engine/text_model.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file_map.h"

namespace troika::engine {
namespace {

constexpr int64_t kMostTokens = 10'000'000;

std::optional<int32_t> token_id(const files::Metadata& m, std::string_view key, size_t tokens) {
  auto id = m.integer(key);
  if (!id) return std::nullopt;
  if (*id < 0 || *id >= int64_t(tokens)) fail("{} is {}, but there are {} tokens", key, *id, tokens);
  return static_cast<int32_t>(*id);
}

text::TokenizerData from_gguf(const files::ModelFile& file) {
  const files::Metadata& m = file.metadata();
  auto kind = m.text("tokenizer.ggml.model").value_or("");
  if (kind != "gpt2") fail("{}: tokenizer '{}' is not supported; supported: gpt2", file.path().string(), kind);
  text::TokenizerData data{.model = "bpe", .pre = std::string(m.text("tokenizer.ggml.pre").value_or("gpt-2"))};
  data.nfc = m.boolean("tokenizer.ggml.normalizer.nfc").value_or(data.pre != "gpt-2");  // Qwen normalises, GPT-2 does not
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
  for (std::string_view merge : m.strings("tokenizer.ggml.merges")) {
    size_t space = merge.find(' ', 1);  // a merge's left part may begin with a space, never be empty
    if (space == std::string_view::npos) fail("{}: the merge '{}' has no space", file.path().string(), merge);
    data.merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
  data.bos = token_id(m, "tokenizer.ggml.bos_token_id", tokens.size());
  data.eos = token_id(m, "tokenizer.ggml.eos_token_id", tokens.size());
  data.pad = token_id(m, "tokenizer.ggml.padding_token_id", tokens.size());
  data.add_bos = m.boolean("tokenizer.ggml.add_bos_token").value_or(false);
  data.end_ids = text::find_end_ids(data);
  data.chat_template = std::string(m.text("tokenizer.chat_template").value_or(""));
  return data;
}

// generation_config.json may name more ids that end a generation than the tokenizer does.
void add_generation_ends(const files::Metadata& m, text::TokenizerData& data) {
  for (const char* key : {"generation.eos_token_id", "eos_token_id"}) {
    for (int64_t id : m.integers(key)) {
      bool known = std::find(data.end_ids.begin(), data.end_ids.end(), id) != data.end_ids.end();
      if (id >= 0 && id < int64_t(data.tokens.size()) && !known) data.end_ids.push_back(static_cast<int32_t>(id));
    }
  }
}

// `read` gives the contents of a file of the folder, "" when it is absent.
text::TokenizerData from_folder(const std::function<std::string(const char* name)>& read) {
  std::string config = read("tokenizer_config.json");
  std::string whole = read("tokenizer.json");
  text::TokenizerData data = whole.empty() ? text::read_vocab_and_merges(read("vocab.json"), read("merges.txt"), config)
                                           : text::read_tokenizer_json(whole, config);
  if (std::string jinja = read("chat_template.jinja"); !jinja.empty()) data.chat_template = std::move(jinja);
  return data;
}

TextModel assemble(text::TokenizerData data) {
  TextModel model;
  if (!data.chat_template.empty()) model.chat_template = std::make_unique<text::ChatTemplate>(data.chat_template);
  model.tokenizer = text::make_tokenizer(std::move(data));
  return model;
}

}  // namespace

bool has_tokenizer(const files::ModelFile& file) {
  if (file.kind() == files::FileKind::gguf) return file.metadata().has("tokenizer.ggml.tokens");
  return !file.text_file("tokenizer.json").empty() || !file.text_file("vocab.json").empty();
}

TextModel TextModel::load(const files::ModelFile& file) {
  if (!has_tokenizer(file)) fail("{} has no tokenizer", file.path().string());
  if (file.kind() == files::FileKind::gguf) return assemble(from_gguf(file));
  auto data = from_folder([&](const char* name) { return file.text_file(name); });
  add_generation_ends(file.metadata(), data);
  return assemble(std::move(data));
}

TextModel TextModel::load(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return load(*files::ModelFile::open(path));
  if (!std::filesystem::exists(path / "tokenizer.json") && !std::filesystem::exists(path / "vocab.json")) {
    fail("{} has no tokenizer: neither tokenizer.json nor vocab.json", path.string());
  }
  return assemble(from_folder([&](const char* name) {
    return std::filesystem::exists(path / name) ? read_text_file(path / name) : std::string();
  }));
}

std::string TextModel::render(nlohmann::ordered_json variables) const {
  if (!chat_template) fail("this model has no chat template; use plain completions");
  const text::TokenizerData& data = tokenizer->data();
  if (data.bos && !variables.contains("bos_token")) variables["bos_token"] = tokenizer->bytes(*data.bos);
  if (data.eos && !variables.contains("eos_token")) variables["eos_token"] = tokenizer->bytes(*data.eos);
  return chat_template->render(variables);
}

}  // namespace troika::engine
