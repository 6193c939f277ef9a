// A model in memory: its file, its numbers, its weights on their devices. Models and devices meet here, and only
// here. Immutable once loaded.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "device/device.h"
#include "engine/engine.h"
#include "engine/held_weights.h"
#include "engine/vision_tower.h"
#include "files/model_file.h"
#include "models/architecture.h"
#include "models/weight_names.h"

namespace troika::engine {

using Formats = std::map<std::string, Format, std::less<>>;  // of weights, by our names

struct Model {
  std::unique_ptr<files::ModelFile> file;
  const models::Architecture* architecture = nullptr;
  models::ModelSpec spec;   // of the whole model, whose weights these are
  models::ModelSpec slice;  // of what is computed with unless a request asks for another slice
  std::vector<std::string> device_names;                 // as --device lists them, the CPU last
  std::vector<std::unique_ptr<device::Device>> devices;  // these, but for the CPU where nothing is left to it
  plan::Pins pins;
  HeldWeights weights;
  Formats formats;
  std::string main_format;  // of most bytes
  std::unique_ptr<VisionTower> tower;  // null: it does not see, because of
  std::string why_blind;
  Format kv_format = Format::f16;
  size_t weight_bytes = 0;
  size_t looked_up_bytes = 0;  // of these, in tables of which a token reads one row
  int64_t multiplied_weights = 0;  // with which every token of a prompt is multiplied
  size_t streamed_bytes = 0;  // of weights that each step of the slice reads whole
  int64_t parameters = 0;
};

// Maps the file, checks that every weight is there in the right shape (all problems are named at once) and
// prepares each on the devices that use it. Throws Error.
Model load_model(const std::filesystem::path& path, const EngineOptions& options, const LoadProgress& progress = {});

// Opens the devices of --device for a model whose numbers are known, and reads --place: the CPU, which is the list's last,
// only where an op or a pin needs it. Throws Error.
void open_devices(Model& model, const EngineOptions& options);

// The formats that weights of a file have once they are loaded: --quant rounds float matrices that are multiplied with.
// `whole` is the tape of the whole model. Throws Error when --quant names no format that Troika writes.
Formats loaded_formats(const std::vector<models::FoundWeight>& weights, const ops::Program& whole,
                       const EngineOptions& options);

// Bytes that the weights of ops take at most in layouts of these devices' own, but for tables: one that several of them may hold
// counts once, where it takes the most. Of ops for which `counts`; what has no format counts nothing.
size_t most_bytes(const ops::Program& whole, const Formats& formats, std::span<const std::string> devices,
                  const std::function<bool(const ops::Op&)>& counts = [](const ops::Op&) { return true; });

// The cache's format: what --kv says, or what suits these weights of a file.
Format kv_format(const EngineOptions& options, const std::vector<models::FoundWeight>& weights, int head_dim);

// The tape for a bucket and the device of each op, fused as far as devices have the fused ops.
Tape trace_bucket(const Model& model, int tokens);
Tape trace_bucket(const Model& model, const models::ModelSpec& slice, int tokens);

// Its device's name; of several devices what each does: "vulkan: 310 ops, npu: 48 products, cpu: 12 ops".
std::string device_text(const Model& model);

// The numbers of a slice of the model (models::sliced). Throws Error when it cuts a weight inside a block.
models::ModelSpec slice_of(const Model& model, std::string_view slice);

inline constexpr int kBuckets[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};
inline constexpr int kMostTokens = kBuckets[std::size(kBuckets) - 1];  // of a step
inline constexpr int kMaxOutputs = 64;  // rows of logits of a step: the head of a large vocabulary is big

}  // namespace troika::engine
