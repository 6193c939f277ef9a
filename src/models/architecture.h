// A family of models: how to read its numbers, name its weights and trace its structure. One row per family in
// registry.cpp; a new family is one file and one row.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "files/model_file.h"
#include "models/spec.h"
#include "models/weight_names.h"
#include "ops/builder.h"

namespace troika::models {

struct Architecture {
  std::string_view family;                     // GGUF's general.architecture
  std::span<const std::string_view> hf_types;  // config.json's model_type, one or more
  WeightNames names;
  ModelSpec (*read)(const files::ModelFile& file);
  ops::Tensor (*build)(const ModelSpec& spec, ops::Builder& b);  // returns the logits [O, V]
  std::vector<std::string> (*spare)(const ModelSpec& spec) = nullptr;  // weights of ours that files hold for nobody
};

// The row that fits the file; Error when no family does (it lists those there are).
const Architecture& architecture_of(const files::ModelFile& file);

// Traces the model for a bucket of `tokens` tokens and `outputs` output rows.
ops::Program trace(const Architecture& architecture, const ModelSpec& spec, int tokens, int outputs);

}  // namespace troika::models
