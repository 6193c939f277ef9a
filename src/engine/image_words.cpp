#include "engine/image_words.h"

#include <array>

#include "base/error.h"

namespace troika::engine {
namespace {

struct Words {
  std::string_view family;      // ModelSpec::family
  std::string_view image, begin, end;  // tokens; "" where the family has none that matters
  std::string_view placeholder;  // what a chat template writes for a picture
  std::string_view dressed;      // what its processor makes of that; "": nothing
  const char* image_key;         // config.json
};

constexpr std::array kWords = {
    Words{"qwen2vl", "<|image_pad|>", "", "", "<|vision_start|><|image_pad|><|vision_end|>", "", "image_token_id"},
    Words{"gemma3", "<image_soft_token>", "<start_of_image>", "<end_of_image>", "<start_of_image>",
          "\n\n<start_of_image><end_of_image>\n\n", "image_token_index"},
};

const Words& words_of(const models::ModelSpec& spec) {
  for (const Words& words : kWords) {
    if (words.family == spec.family) return words;
  }
  fail("models of the family {} read text only", spec.family);
}

int32_t read_token(const files::ModelFile& file, const char* key, std::string_view word, const text::Tokenizer* tokenizer) {
  constexpr int64_t kMost = 1 << 30;
  if (file.kind() == files::FileKind::safetensors && key[0] != '\0') {
    if (auto id = file.metadata().integer(key); id && *id >= 0 && *id < kMost) return static_cast<int32_t>(*id);
  }
  return tokenizer && !word.empty() ? tokenizer->id_of(word).value_or(-1) : -1;
}

}  // namespace

ImageTokens read_image_tokens(const files::ModelFile& file, const models::ModelSpec& spec,
                              const text::Tokenizer* tokenizer) {
  const Words& words = words_of(spec);
  bool marks = !words.begin.empty();
  ImageTokens tokens{.image = read_token(file, words.image_key, words.image, tokenizer),
                     .begin = read_token(file, marks ? "boi_token_index" : "", words.begin, tokenizer),
                     .end = read_token(file, marks ? "eoi_token_index" : "", words.end, tokenizer)};
  // Its id is never looked up: any that is not text's will do where the tokenizer does not know it.
  if (tokens.image < 0 && tokens.begin >= 0) tokens.image = spec.vocabulary;
  return tokens;
}

std::string image_placeholder(const models::ModelSpec& spec) { return std::string(words_of(spec).placeholder); }

size_t count_placeholders(const models::ModelSpec& spec, std::string_view text) {
  const Words& words = words_of(spec);
  std::string_view word = words.begin.empty() ? words.image : words.begin;
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + word.size())) ++count;
  return count;
}

std::string dress_images(const models::ModelSpec& spec, std::string_view text, std::span<const int> crops) {
  const Words& words = words_of(spec);
  if (words.dressed.empty()) return std::string(text);
  std::string out;
  size_t image = 0;
  while (true) {
    size_t at = text.find(words.placeholder);
    out += text.substr(0, at);
    if (at == std::string_view::npos) break;
    text.remove_prefix(at + words.placeholder.size());
    int parts = image < crops.size() ? crops[image] : 0;
    if (parts > 0) out += "Here is the original image ";
    out += words.dressed;
    if (parts > 0) out += " and here are some crops to help you see better ";
    for (int i = 0; i < parts; ++i) out.append(i > 0 ? " " : "").append(words.dressed);
    ++image;
  }
  if (!crops.empty() && image != crops.size()) {
    fail("the prompt has {} image placeholders for {} pictures; each picture wants one", image, crops.size());
  }
  return out;
}

}  // namespace troika::engine
