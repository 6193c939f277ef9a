// Our weight names in the words of each file format.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "files/model_file.h"

namespace troika::models {

// One row of a family's table; inside a layer the part after "layer.N.".
struct WeightName {
  std::string_view ours;  // "attn.q"
  std::string_view gguf;  // "attn_q"
  std::string_view hf;    // "self_attn.q_proj"
};

// "layer.3.attn.q.weight" → "blk.3.attn_q.weight" or "model.layers.3.self_attn.q_proj.weight".
std::string translate(std::string_view ours, files::FileKind kind, std::span<const WeightName> table);

}  // namespace troika::models
