// Our weight names in the words of each file format, and how a weight is got from what the file holds.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "files/model_file.h"

namespace troika::models {

// What must be done to a tensor of one of the two formats to get the weight that the equations mean.
enum class Adjust : uint8_t {
  none,
  hf_plus_one,   // safetensors hold w, the norm multiplies by 1 + w (Gemma 2 and 3; GGUF holds 1 + w)
  gguf_unpair,   // rows of q and k lie in the order of interleaved pairs (Llama); we rotate halves
  transpose,     // both formats hold it as [in, out]
  flatten,       // a convolution's kernel [out, channel, …] is a matrix [out, rest]
};

// One row of a family's table; inside a layer the part after "layer.N.". A "*" in our name is any number and stands
// for the same one in the file's names ("mlp.expert.*.gate", "ffn_gate_exps[*]"). A file's name may end in
//   "[i]"    the i-th slice of the stacked tensor's first axis,
//   "[i/n]"  the i-th of n equal stretches of rows,
//   "[:i]"   time i of a Conv3D's kernel [out, channel, time, …],
//   "$"      the tensor's whole name ends here: neither ".weight" nor ".bias" follows.
struct WeightName {
  std::string_view ours;  // "attn.q"
  std::string_view gguf;  // "attn_q"
  std::string_view hf;    // "self_attn.q_proj"
  Adjust adjust = Adjust::none;
};

struct WeightNames {
  std::span<const WeightName> rows;
  std::string_view gguf_layer = "blk.";        // what stands for our "layer."
  std::string_view hf_layer = "model.layers.";
};

// "layer.3.attn.q.weight" → "blk.3.attn_q.weight" or "model.layers.3.self_attn.q_proj.weight".
std::string name_in_file(std::string_view ours, files::FileKind kind, const WeightNames& names);

struct FoundWeight {
  WeightView view;     // named in our words
  std::string name;    // of the file's tensor that it comes from
};

// Finds a weight under any of the prefixes that published multimodal files put before their text model's names.
// `head_dim` serves gguf_unpair. Throws Error when the tensor has a type that cannot be read or adjusted.
std::optional<FoundWeight> find_weight(const files::ModelFile& file, const WeightNames& names, std::string_view ours,
                                       int head_dim);

}  // namespace troika::models
