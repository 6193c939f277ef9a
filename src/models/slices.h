// MatFormer: Gemma 3n was trained so that the first part of each MLP, and the model without some layers, are smaller
// models by themselves (Devvrit et al. 2023, arXiv:2310.07707). A slice is a choice of both: the same weights, fewer
// of them read.
#pragma once

#include <span>
#include <string_view>

#include "models/spec.h"

namespace troika::models {

// The numbers of `whole` cut down. `slice` is the name of a published slice of E4B ("e2b", "e2.49b"), or JSON:
//   {"skip": [20, 21, 22, 23, 24], "ffn": 8192}
// skip: numbers of layers; ffn: the width of every MLP, or one for each layer or for each that is left.
// "": the whole model. Throws Error.
ModelSpec sliced(const ModelSpec& whole, std::string_view slice);

bool same_slice(const ModelSpec& a, const ModelSpec& b);

struct PublishedSlice {
  std::string_view name;
  std::string_view layers;  // of E4B: F an MLP of 16384, h one of 8192, - left out
};
std::span<const PublishedSlice> published_slices();

}  // namespace troika::models
