// A model's text side: tokenizer and chat template, read from a GGUF's metadata or a safetensors folder.
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "files/model_file.h"
#include "text/chat_repair.h"
#include "text/chat_template.h"
#include "grammar/token_grammar.h"
#include "text/tokenizer.h"

namespace troika::engine {

struct TextModel {
  std::unique_ptr<text::Tokenizer> tokenizer;
  std::unique_ptr<text::ChatTemplate> chat_template;  // null: the model has none
  text::ChatRepairs repairs;                          // what this template cannot take
  std::unique_ptr<grammar::GrammarCache> grammars;    // compiled for this tokenizer; null without one

  // Reads both; throws Error when the file has no tokenizer that we know.
  static TextModel load(const files::ModelFile& file);

  // The same from a GGUF file, or from a folder that need not hold more than the tokenizer's files.
  static TextModel load(const std::filesystem::path& path);

  // The prompt text of a chat. `variables` holds messages, tools, add_generation_prompt and any other variable of
  // the template; bos_token and eos_token are added. Messages are mended where the template cannot take them (system
  // text with Gemma 2, see text/chat_repair.h). Throws Error (no template, or the template's own refusal).
  std::string render(nlohmann::ordered_json variables) const;
  // The same without mending.
  std::string render_as_is(nlohmann::ordered_json variables) const;
};

// What the file says about its tokenizer, without building one. Throws Error when it has none that we know.
text::TokenizerData read_tokenizer(const files::ModelFile& file);

// True when the file carries a tokenizer at all (golden folders do not).
bool has_tokenizer(const files::ModelFile& file);

}  // namespace troika::engine
