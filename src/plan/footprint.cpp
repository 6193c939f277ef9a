#include "plan/footprint.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "plan/pins.h"

namespace troika::plan {
namespace {

using ops::OpKind;
using ops::TensorInfo;

// Values of each weight, by tensor id, that some op other than a look-up reads.
std::vector<int64_t> values_read(const ops::Program& program) {
  std::vector<int64_t> values(program.tensors.size(), 0);
  for (const ops::Op& op : program.ops) {
    if (op.kind == OpKind::embed) continue;
    for (size_t i = 0; i < op.in.size(); ++i) {
      const TensorInfo& tensor = program[op.in[i]];
      if (tensor.role != ops::Role::weight) continue;
      bool part_of = ops::multiplies(op) && i == 1;
      int64_t part = part_of ? int64_t{program[op.in[0]].shape.columns()} * program[op.out[0]].shape.columns()
                             : tensor.shape.values();
      values[op.in[i].id] = std::min(tensor.shape.values(), values[op.in[i].id] + part);
    }
  }
  return values;
}

// The matrix of the last linear op that has one row per output: the head.
uint32_t head_of(const ops::Program& program) {
  uint32_t head = UINT32_MAX;
  for (const ops::Op& op : program.ops) {
    if (op.kind == OpKind::linear && program[op.out[0]].extent == ops::Extent::outputs) head = op.in[1].id;
  }
  return head;
}

int layers_of(const ops::Program& program) {
  int layers = 0;
  for (const TensorInfo& tensor : program.tensors) {
    if (tensor.role == ops::Role::weight) layers = std::max(layers, layer_of(tensor.name) + 1);
  }
  return layers;
}

// The layers whose values and second MLP matrices Q4_K_M keeps in q6_k: the first and last eighth, and every third
// in between.
bool is_careful_layer(int layer, int layers) {
  int eighth = layers / 8;
  return layer < eighth || layer >= 7 * layers / 8 || (layer - eighth) % 3 == 2;
}

// Blocks of 256 values that do not divide a row give way to formats with blocks of 32, those to f16.
Format fitting(Format wanted, int columns) {
  if (columns % info(wanted).block_values == 0) return wanted;
  Format small = wanted == Format::q4_k ? Format::q5_0 : Format::q8_0;
  return columns % info(small).block_values == 0 ? small : Format::f16;
}

// Matrices that are not rounded to blocks: a router, and what Gemma 3n has between its streams.
std::optional<Format> kept_format(std::string_view name) {
  if (name.ends_with("mlp.router.weight")) return Format::f32;
  for (std::string_view part : {"altup.", "laurel.", "stream.", "ple.project"}) {
    if (name.find(part) != name.npos) return Format::f16;
  }
  return std::nullopt;
}

Format format_in_gguf(const TensorInfo& tensor, Recipe recipe, bool is_head, int layers) {
  if (tensor.shape.rank < 2) return Format::f32;
  if (auto format = kept_format(tensor.name)) return *format;
  Format wanted = recipe == Recipe::q8_0 ? Format::q8_0 : Format::q4_k;
  if (recipe == Recipe::q4_k_m) {
    std::string_view name = tensor.name;
    bool precious = name.ends_with(".attn.v.weight") || name.ends_with(".down.weight");
    if (is_head || (precious && is_careful_layer(layer_of(name), layers))) wanted = Format::q6_k;
  }
  return fitting(wanted, tensor.shape.columns());
}

}  // namespace

Parameters parameters(const ops::Program& program) {
  std::vector<int64_t> read = values_read(program);
  uint32_t head = head_of(program);
  Parameters sum;
  for (uint32_t id = 0; id < program.tensors.size(); ++id) {
    const TensorInfo& tensor = program.tensors[id];
    if (tensor.role != ops::Role::weight) continue;
    if (read[id] == 0) sum.looked_up += tensor.shape.values();
    sum.total += read[id] > 0 ? read[id] : tensor.shape.values();
    if (id == head) sum.head += read[id];
  }
  return sum;
}

std::string_view name_of(Recipe recipe) {
  switch (recipe) {
    case Recipe::bf16: return "bf16";
    case Recipe::q8_0: return "Q8_0";
    case Recipe::q4_k_m: return "Q4_K_M";
  }
  return "?";
}

Formats formats_of(const ops::Program& program, Recipe recipe, Part part) {
  uint32_t head = head_of(program);
  int layers = layers_of(program);
  Formats formats;
  for (uint32_t id = 0; id < program.tensors.size(); ++id) {
    const TensorInfo& tensor = program.tensors[id];
    if (tensor.role != ops::Role::weight) continue;
    Format format = Format::bf16;
    if (recipe != Recipe::bf16 && part == Part::tower) format = tensor.shape.rank < 2 ? Format::f32 : Format::f16;
    if (recipe != Recipe::bf16 && part == Part::decoder) format = format_in_gguf(tensor, recipe, id == head, layers);
    formats.emplace(tensor.name, format);
  }
  return formats;
}

size_t weight_bytes(const ops::Program& program, Recipe recipe, Part part) {
  const Formats formats = formats_of(program, recipe, part);
  size_t bytes = 0;
  for (const TensorInfo& tensor : program.tensors) {
    if (tensor.role != ops::Role::weight) continue;
    bytes += static_cast<size_t>(tensor.shape.rows()) * row_bytes(formats.at(tensor.name), tensor.shape.columns());
  }
  return bytes;
}

size_t cache_bytes(const ops::Program& program, Format format, int tokens) {
  size_t bytes = 0;
  for (const ops::CacheInfo& cache : program.caches) bytes += cache_bytes(program, cache, format, tokens);
  return bytes;
}

size_t cache_bytes(const ops::Program& program, const ops::CacheInfo& cache, Format format, int tokens) {
  int window = program.windows[cache.group], pages = ops::pages_for(tokens);
  if (window > 0) pages = std::min(pages, ops::pages_for(window) + 1);
  size_t rows = static_cast<size_t>(pages) * ops::kPageTokens * cache.kv_heads;
  return 2 * rows * row_bytes(format, cache.head_dim);
}

}  // namespace troika::plan
