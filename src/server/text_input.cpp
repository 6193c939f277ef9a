#include "server/text_input.h"

#include "server/api_error.h"

namespace troika::server {
namespace {

std::vector<int32_t> read_text(const Json& text, const std::string& path, const engine::Engine& engine) {
  std::vector<int32_t> ids;
  if (text.is_string()) {
    const text::Tokenizer& tokenizer = *engine.text().tokenizer;
    ids = tokenizer.encode(text.get_ref<const std::string&>(),
                           {.parse_special = true, .add_bos = tokenizer.data().add_bos});
  } else if (text.is_array()) {
    const int vocabulary = engine.model().vocabulary;
    for (size_t i = 0; i < text.size(); ++i)
      ids.push_back(read_token_id(text[i], fmt::format("{}[{}]", path, i), vocabulary));
  } else {
    refuse(path, "{} must be a string or an array, not {}.", path, kind_of(text));
  }
  if (ids.empty()) refuse(path, "{} must not be empty.", path);
  return ids;
}

}  // namespace

std::vector<std::vector<int32_t>> read_texts(const Fields& fields, std::string_view name, size_t most,
                                             const engine::Engine& engine) {
  const Json& value = fields.required(name);
  const std::string path = fields.path(name);
  const bool several = value.is_array() && !value.empty() && !value[0].is_number();
  if (!several) return {read_text(value, path, engine)};
  if (value.size() > most) refuse(path, "{} must have at most {} entries, not {}.", path, most, value.size());
  std::vector<std::vector<int32_t>> texts;
  for (size_t i = 0; i < value.size(); ++i)
    texts.push_back(read_text(value[i], fmt::format("{}[{}]", path, i), engine));
  return texts;
}

}  // namespace troika::server
