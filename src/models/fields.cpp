#include "models/fields.h"

#include "base/error.h"

namespace troika::models {

Fields::Fields(const files::ModelFile& file) : file_(file), gguf_(file.kind() == files::FileKind::gguf) {
  if (gguf_) prefix_ = std::string(metadata().text("general.architecture").value_or("")) + ".";
}

std::string Fields::key(Field field) const {
  if (gguf_) return prefix_ + std::string(field.gguf);
  std::string nested = "text_config." + std::string(field.hf);
  return metadata().has(nested) ? nested : std::string(field.hf);
}

int Fields::required(Field field, int least, int most) const {
  std::string name = key(field);
  auto value = metadata().integer(name);
  if (!value) fail("{}: the key {} is missing; is this a whole model?", file_.path().string(), name);
  if (*value < least || *value > most) {
    fail("{}: {} is {}, expected {} to {}", file_.path().string(), name, *value, least, most);
  }
  return static_cast<int>(*value);
}

int Fields::optional(Field field, int fallback, int least, int most) const {
  return metadata().integer(key(field)) ? required(field, least, most) : fallback;
}

std::vector<int> Fields::list(Field field, int least, int most) const {
  std::string name = key(field);
  auto values = metadata().integers(name);
  if (values.empty()) fail("{}: the key {} is missing; is this a whole model?", file_.path().string(), name);
  for (int64_t value : values) {
    if (value < least || value > most) {
      fail("{}: {} holds {}, expected {} to {}", file_.path().string(), name, value, least, most);
    }
  }
  return {values.begin(), values.end()};
}

std::vector<bool> Fields::sliding_layers() const {
  std::vector<bool> sliding;
  for (std::string_view type : metadata().strings(key({"", "layer_types"}))) {
    if (type != "sliding_attention" && type != "full_attention") {
      fail("{}: the layer type '{}' is not known", file_.path().string(), type);
    }
    sliding.push_back(type == "sliding_attention");
  }
  return sliding;
}

double Fields::number(Field field, double fallback) const {
  return metadata().number(key(field)).value_or(fallback);
}

double Fields::number(Field field, double fallback, double least, double most) const {
  double value = number(field, fallback);
  if (!(value >= least && value <= most)) {
    fail("{}: {} is {}, expected {} to {}", file_.path().string(), key(field), value, least, most);
  }
  return value;
}

bool Fields::is_null(std::string_view hf_key) const {
  return !gguf_ && (metadata().is_null("text_config." + std::string(hf_key)) || metadata().is_null(hf_key));
}

void Fields::must_be_off(std::string_view hf_key) const {
  if (gguf_ || !flag(hf_key, false)) return;
  fail("{}: {} is on, which Troika does not compute", file_.path().string(), key({"", hf_key}));
}

void Fields::must_be(std::string_view hf_key, std::string_view value) const {
  auto found = gguf_ ? std::nullopt : text({"", hf_key});
  if (!found || *found == value) return;
  fail("{}: {} is '{}'; Troika computes this family with '{}' only", file_.path().string(), key({"", hf_key}), *found,
       value);
}

bool Fields::flag(std::string_view hf_key, bool fallback) const {
  return metadata().boolean(key({"", hf_key})).value_or(fallback);
}

std::optional<std::string_view> Fields::text(Field field) const { return metadata().text(key(field)); }

}  // namespace troika::models
