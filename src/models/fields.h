// Reading a ModelSpec's numbers: one call names a field in both dialects, GGUF's key (after the architecture's
// prefix) and config.json's, with the range that makes sense. A multimodal config.json keeps the text model's keys
// under text_config, or flat. A missing or absurd count is an Error naming the key.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "files/model_file.h"

namespace troika::models {

struct Field {
  std::string_view gguf;  // "block_count", without the "qwen2." prefix
  std::string_view hf;    // "num_hidden_layers"
};

class Fields {
 public:
  explicit Fields(const files::ModelFile& file);

  int required(Field field, int least, int most) const;
  int optional(Field field, int fallback, int least, int most) const;
  // One for all layers, or one a layer.
  std::vector<int> list(Field field, int least, int most) const;
  double number(Field field, double fallback) const;
  double number(Field field, double fallback, double least, double most) const;  // Error outside
  bool flag(std::string_view hf_key, bool fallback) const;
  std::optional<std::string_view> text(Field field) const;
  bool is_null(std::string_view hf_key) const;
  // Settings of config.json that Troika has one way for: any other is an Error, not another model in silence.
  void must_be_off(std::string_view hf_key) const;
  void must_be(std::string_view hf_key, std::string_view value) const;
  std::string key(Field field) const;  // as it is spelled in this file
  // config.json's layer_types: which layers have a window. Empty when it has none.
  std::vector<bool> sliding_layers() const;

  bool gguf() const { return gguf_; }
  const files::Metadata& metadata() const { return file_.metadata(); }
  const files::ModelFile& file() const { return file_; }

 private:
  const files::ModelFile& file_;
  bool gguf_;
  std::string prefix_;  // "qwen2." for GGUF, "" for config.json
};

}  // namespace troika::models
