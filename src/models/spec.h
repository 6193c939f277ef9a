// The numbers of a model: sizes, norms, RoPE, windows. Structure is code, in each family's build function.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/program.h"

namespace troika::models {

struct ModelSpec {
  std::string family;   // the registry row it was read by: "qwen2"
  int layers = 0;       // L
  int width = 0;        // E
  int heads = 0;        // H
  int kv_heads = 0;     // G
  int head_dim = 0;     // D
  int mlp_width = 0;    // F
  int vocabulary = 0;   // V: rows of the embedding, which may outnumber the tokenizer's entries
  int context = 0;      // tokens it was made for
  float norm_epsilon = 1e-6f;
  bool tied_head = false;     // the output head is the embedding
  std::vector<int> windows;   // by layer; 0: attention over everything before
  std::shared_ptr<const ops::RopeTable> rope;
};

}  // namespace troika::models
