#include "server/models.h"

#include <algorithm>

#include "base/error.h"
#include "server/api_error.h"
#include "text/reasoning.h"

namespace troika::server {
namespace {

// Ollama's clients put a tag behind every name.
std::string_view without_latest(std::string_view name) {
  constexpr std::string_view kTag = ":latest";
  return name.ends_with(kTag) ? name.substr(0, name.size() - kTag.size()) : name;
}

}  // namespace

bool can_reason(const engine::Engine& engine) {
  const auto& tokenizer = engine.text().tokenizer;
  return tokenizer && text::reasoning_after("", tokenizer->data().chat_template) != text::Reasoning::none;
}

Models::Models(std::vector<ServedModel> models, ImageOptions images, std::string version)
    : models_(std::move(models)), pictures_(std::move(images)), version_(std::move(version)) {
  check(!models_.empty(), "a server needs a model");
}

const ServedModel& Models::find(const std::optional<std::string>& name) const {
  if (!name) return models_.front();
  std::vector<std::string_view> ids;
  const std::string_view untagged = without_latest(*name);
  for (const ServedModel& model : models_) {
    for (const std::string_view wanted : {std::string_view(*name), untagged})
      if (model.id == wanted || std::ranges::find(model.aliases, wanted) != model.aliases.end()) return model;
    ids.push_back(model.id);
  }
  throw ApiError(
      404, "not_found_error",
      fmt::format("The model '{}' is not served here. Served: {}.", shown(*name), fmt::join(ids, ", ")),
      "model", "model_not_found");
}

}  // namespace troika::server
