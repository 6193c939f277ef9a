// What a model's tape says of its structure.
#pragma once

#include <climits>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "models/spec.h"
#include "ops/program.h"

namespace troika::apps {

bool norms_heads(const ops::Program& program);
bool has_attention_biases(const ops::Program& program);
std::string activation(const ops::Program& program);  // of the MLPs

// Layers by window, 0 last: {512: 22, 0: 4}.
std::map<int, int, std::greater<>> layers_by_window(const models::ModelSpec& spec);

// What a MatFormer model can be cut down to.
struct Slice {
  std::string name;
  int layers = 0, narrowest = INT_MAX, widest = 0;  // of the MLPs

  std::string widths() const;  // "8192", "8192 to 16384"
};

// What is computed of a model; all of it where nothing is cut away.
Slice slice_of(std::string_view name, const models::ModelSpec& spec);
std::vector<Slice> slices(const models::ModelSpec& spec);

}  // namespace troika::apps
