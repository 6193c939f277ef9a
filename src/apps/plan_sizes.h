// What of a model takes memory, and how much: weights in the file's formats or in common recipes, keys and values, what a step
// works with.
#pragma once

#include <string>
#include <vector>

#include "apps/plan_subject.h"

namespace troika::apps {

struct WeightSize {
  std::string format;  // "bf16", "Q4_K_M"; "file": as the file has them
  size_t bytes;
};
std::vector<WeightSize> weight_sizes(const Subject& s);

// What weights take once they are loaded, beside `available` free bytes of memory.
struct LoadedSize {
  size_t bytes = 0;
  size_t in_place = 0;  // of these, of matrices for whose panels memory is short
};
LoadedSize loaded(const Subject& s, const ModelOptions& o, const WeightSize& weights, size_t available);

// Contexts to show the cache at: what was asked for, or a usual one and the model's own.
std::vector<int> contexts(const ModelOptions& o, const models::ModelSpec& spec);

size_t bytes_per_token(const Subject& s);  // of keys and values

// While a step runs: its activations, and what layers with a window keep for its tokens beyond the window.
size_t working_bytes(const Subject& s, int context);

}  // namespace troika::apps
