// A model in memory: its file, its numbers, its weights on their devices. Models and devices meet here, and only
// here. Immutable once loaded.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "device/device.h"
#include "engine/engine.h"
#include "files/model_file.h"
#include "models/architecture.h"

namespace troika::engine {

struct Model {
  std::unique_ptr<files::ModelFile> file;
  const models::Architecture* architecture = nullptr;
  models::ModelSpec spec;
  std::unique_ptr<device::Device> device;
  std::map<std::string, std::shared_ptr<device::Weight>, std::less<>> weights;  // by our names
  Format kv_format = Format::f16;
  size_t weight_bytes = 0;
  int64_t multiplied_weights = 0;  // with which every token of a prompt is multiplied
  size_t streamed_bytes = 0;  // of weights that each step reads whole
  int64_t parameters = 0;
};

// Maps the file, checks that every weight is there in the right shape (all problems are named at once) and
// prepares each on the device. Throws Error.
Model load_model(const std::filesystem::path& path, const EngineOptions& options);

// The tape for a bucket, fused as far as the device has the fused ops.
ops::Program trace_bucket(const Model& model, int tokens);

inline constexpr int kBuckets[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};
inline constexpr int kMaxOutputs = 64;  // rows of logits of a step: the head of a large vocabulary is big

}  // namespace troika::engine
