#include "store/pull_choice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>

#include "base/error.h"
#include "store/gguf_names.h"

namespace troika::store {
namespace {

bool contains(std::span<const std::string> files, std::string_view file) {
  return std::ranges::find(files, file) != files.end();
}

// Weights in the folder itself; some repositories have the same once more in their maker's own format.
bool is_weight_file(std::string_view file) {
  return file.ends_with(".safetensors") && file.find('/') == file.npos && !file.starts_with("consolidated");
}

// All shards, if the names say that there are several.
bool has_all_shards(std::span<const std::string> weights) {
  for (const std::string& file : weights) {
    unsigned number = 0, count = 0;
    size_t at = file.rfind("-of-");
    if (at == file.npos || at < 5 || std::sscanf(file.c_str() + at - 5, "%5u-of-%5u", &number, &count) != 2) continue;
    std::string stem = file.substr(0, at - 5);
    for (unsigned i = 1; i <= count; ++i) {
      if (!contains(weights, fmt::format("{}{:05}-of-{:05}.safetensors", stem, i, count))) return false;
    }
  }
  return true;
}

PullChoice choose_gguf(std::span<const std::string> files, std::span<const GgufModel> models, const GgufModel& model,
                       const std::string& projector_pattern) {
  PullChoice choice{.files = model.parts, .quantisation = model.quantisation};
  std::string projector = choose_projector(files, model, projector_pattern);
  if (!projector.empty()) choice.files.push_back(projector);
  auto alike = std::ranges::count(models, model.quantisation, &GgufModel::quantisation);
  if (alike > 1) choice.note = fmt::format("it has {} models of that quantisation; {} was taken", alike, model.parts.front());
  return choice;
}

}  // namespace

std::vector<std::string> safetensors_folder(std::span<const std::string> files) {
  std::vector<std::string> chosen, weights;
  for (const std::string& file : files) {
    if (file.find('/') != file.npos) continue;
    if (is_weight_file(file)) weights.push_back(file);
    bool text = file.ends_with(".json") || file.ends_with(".jinja") || file == "merges.txt" || file == "tokenizer.model";
    if (text) chosen.push_back(file);
  }
  if (weights.empty() || !contains(chosen, "config.json") || !has_all_shards(weights)) return {};
  chosen.insert(chosen.end(), weights.begin(), weights.end());
  return chosen;
}

PullChoice choose_files(std::span<const std::string> files, const Name& name, const std::string& usual,
                        const std::string& projector) {
  std::string where = name.repository();
  std::vector<GgufModel> models = models_among(files);
  if (!name.file.empty()) {
    for (const GgufModel& model : models) {
      if (contains(model.parts, name.file)) return choose_gguf(files, {}, model, projector);
    }
    if (!contains(files, name.file)) fail("{} has no file {}; it has {}", where, name.file, models.empty() ? "no GGUF files" : list_of(models));
    fail("{} in {} is no whole model: a projector, or a split file of which parts are missing", name.file, where);
  }
  if (models.empty()) {
    std::vector<std::string> folder = safetensors_folder(files);
    if (folder.empty()) fail("{} has neither GGUF files nor a config.json with all its *.safetensors: nothing that Troika reads", where);
    if (!name.quantisation.empty()) {
      fail("{} has safetensors and no quantisations to choose from: pull {} and load it with --quant {}", where, where,
           lower(name.quantisation));
    }
    return {.files = std::move(folder), .folder = true};
  }
  if (!name.quantisation.empty()) {
    const GgufModel* model = choose(models, name.quantisation);
    if (!model) fail("{} has no {}; it has {}", where, name.quantisation, list_of(models));
    return choose_gguf(files, models, *model, projector);
  }
  if (const GgufModel* model = choose(models, usual)) return choose_gguf(files, models, *model, projector);
  const GgufModel* model = choose(models, "");
  PullChoice choice = choose_gguf(files, models, *model, projector);
  choice.note = fmt::format("it has no {}; {} was taken (it has {})", usual,
                            model->quantisation.empty() ? model->parts.front() : model->quantisation, list_of(models));
  return choice;
}

}  // namespace troika::store
