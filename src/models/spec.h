// The numbers of a model: sizes, norms, RoPE, windows. Structure is code, in each family's build function.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ops/program.h"

namespace troika::models {

// What only Gemma 3n has. By layer: its number in the file, whatever a slice leaves out.
struct Gemma3nSpec {
  int streams = 4;       // of the residual (AltUp)
  int active = 0;        // the stream that layers work on
  int own_layers = 0;    // these have keys and values of their own; later layers borrow
  int ple_width = 0;     // P: of the per-layer embeddings
  int ple_rows = 0;
  int laurel_rank = 0;
  bool scales_corrected = true;
  std::vector<float> cut;       // by layer: deviations above its mean that a gate has to reach; -∞: none
  std::vector<int> mlp_stored;  // by layer: F
  std::vector<int> mlp_used;    // of these, the first ones that are computed with (MatFormer)
  std::vector<bool> skipped;    // by layer
};

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
  float embedding_scale = 1;    // token embeddings are multiplied by it
  float attention_scale = 0;    // scores are
  float attention_softcap = 0;  // 0: none
  float logit_softcap = 0;      // 0: none
  bool tied_head = false;       // the output head is the embedding
  std::vector<int> windows;     // by layer; 0: attention over everything before
  std::shared_ptr<const ops::RopeTable> rope;
  std::shared_ptr<const ops::RopeTable> local_rope;  // of layers with a window, where they have their own; else null

  int experts = 0;              // X: of a sparse MLP; 0: none
  int experts_used = 0;         // by each token
  int expert_width = 0;         // F of one expert
  bool normalise_experts = false;  // the shares of the experts used are made to sum to 1
  std::vector<bool> sparse;     // by layer: experts in place of the MLP; empty where there are none

  bool sees_images = false;     // image features may stand in for tokens
  bool image_runs = false;      // tokens of an image see each other both ways

  std::shared_ptr<const Gemma3nSpec> gemma3n;  // null for other families

  const std::shared_ptr<const ops::RopeTable>& rope_of(int layer) const {
    return windows[layer] > 0 && local_rope ? local_rope : rope;
  }
};

}  // namespace troika::models
