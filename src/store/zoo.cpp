#include "store/zoo.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/file_map.h"
#include "store/gguf_names.h"
#include "store/name.h"

namespace troika::store {
namespace {

using nlohmann::json;

// "qwen2.5:7b" and "qwen2.5-7b" are one name.
std::string folded(std::string_view name) {
  std::string result = lower(name);
  std::ranges::replace(result, ':', '-');
  return result;
}

ZooModel read_model(const json& entry) {
  static const std::set<std::string> kKeys = {"name",       "aliases",         "repository",        "community", "quantisation", "mmproj",
                                              "parameters", "parameters_read", "approximate_bytes", "licence",   "gated"};
  for (const auto& [key, value] : entry.items()) {
    if (!kKeys.contains(key)) fail("it has the unknown key '{}'", key);
  }
  ZooModel model{.name = entry.at("name"),
                 .aliases = entry.at("aliases"),
                 .repository = entry.at("repository"),
                 .community = entry.at("community"),
                 .quantisation = entry.at("quantisation"),
                 .mmproj = entry.at("mmproj"),
                 .parameters = entry.at("parameters"),
                 .parameters_read = entry.at("parameters_read"),
                 .approximate_bytes = entry.at("approximate_bytes"),
                 .licence = entry.at("licence"),
                 .gated = entry.at("gated")};
  if (!is_plain_name(model.name) || model.name != lower(model.name)) fail("'{}' is no name", shown(model.name));
  for (const std::string& alias : model.aliases) {
    if (!is_plain_name(alias) || alias != lower(alias)) fail("{}: '{}' is no name", model.name, shown(alias));
  }
  if (!is_repository(model.repository)) fail("{}: '{}' is no repository", model.name, shown(model.repository));
  if (!is_quantisation(model.quantisation)) fail("{}: '{}' is no quantisation", model.name, shown(model.quantisation));
  if (model.parameters == 0 || model.parameters_read > model.parameters || model.approximate_bytes == 0)
    fail("{}: its numbers cannot be right", model.name);
  return model;
}

void refuse_doubles(const std::vector<ZooModel>& models) {
  std::set<std::string> names;
  auto add = [&](const std::string& name) {
    if (!names.insert(folded(name)).second) fail("the name '{}' stands there twice", name);
  };
  for (const ZooModel& model : models) {
    add(model.name);
    for (const std::string& alias : model.aliases) add(alias);
  }
}

}  // namespace

std::string ZooMatch::name() const {
  return quantisation.empty() ? model->name : fmt::format("{}-{}", model->name, lower(quantisation));
}

Zoo::Zoo(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) return;
  try {
    json list = json::parse(read_text_file(file));
    for (const json& entry : list.at("models")) models_.push_back(read_model(entry));
    refuse_doubles(models_);
  } catch (const std::exception& problem) {
    fail("{} is no list of models: {}", file.string(), shown(problem.what()));
  }
}

ZooMatch Zoo::find(std::string_view plain_name) const {
  std::string wanted = folded(plain_name);
  if (wanted.ends_with("-latest")) wanted.resize(wanted.size() - std::string_view("-latest").size());
  for (const ZooModel& model : models_) {
    std::vector<std::string> names = model.aliases;
    names.push_back(model.name);
    for (const std::string& name : names) {
      std::string own = folded(name);
      if (wanted == own) return {&model, ""};
      if (!wanted.starts_with(own + "-")) continue;
      std::string rest = wanted.substr(own.size() + 1);
      if (is_quantisation(rest)) {
        for (char& c : rest) c = char(std::toupper(static_cast<unsigned char>(c)));
        return {&model, rest};
      }
    }
  }
  return {};
}

}  // namespace troika::store
