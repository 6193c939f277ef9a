// The options that every verb with a model shares, each with its TROIKA_… twin in the environment.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/engine.h"

namespace CLI {
class App;
}

namespace troika::apps {

struct ModelOptions {
  std::string model;  // as typed; empty: the embedded model
  engine::EngineOptions engine;
  std::string dtype = "auto";
  bool no_repack = false, no_tune = false, no_pin = false;
  std::string power = "auto";  // --power, one of power::kProfileNames
  std::optional<double> watts;
  std::string system_root = "/";  // below which sys/ lies; another in tests

  // One for the process, made when it is first asked for: all engines share the machine.
  std::shared_ptr<power::Governor> governor() const;
  engine::EngineOptions engine_options() const;  // with dtype and what is switched off
  std::unique_ptr<engine::Engine> load(const engine::LoadProgress& progress = {}) const;
};

// Adds MODEL (required, or optional with the embedded model as default) and the common options.
enum class ModelArgument { required, optional, none };
void add_model_options(CLI::App& verb, ModelOptions& options, ModelArgument argument);

// The file or folder that a name means: a path, an embedded model, or a model of the store (docs/models.md). Throws Error
// with what to do.
std::filesystem::path find_model(std::string_view name);

// What clients call a model: its name in the store, or that of its file or folder. Throws as find_model does.
std::string id_of_model(std::string_view name);

inline constexpr std::string_view kEmbeddedModel = "troika-mini";
inline constexpr std::string_view kEmbeddedVisionModel = "troika-mini-vl";  // for pictures without a MODEL

}  // namespace troika::apps
