#include "apps/plan_structure.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "models/slices.h"

namespace troika::apps {
namespace {

bool any_op(const ops::Program& program, auto&& condition) {
  return std::any_of(program.ops.begin(), program.ops.end(), condition);
}

bool is_skipped(const models::ModelSpec& spec, int layer) { return spec.gemma3n && spec.gemma3n->skipped[layer]; }

}  // namespace

bool norms_heads(const ops::Program& program) {
  return any_op(program,
                [](const ops::Op& op) { return op.kind == ops::OpKind::rms_norm && op.name.ends_with("attn.q_norm"); });
}

bool has_attention_biases(const ops::Program& program) {
  return any_op(program, [](const ops::Op& op) {
    return op.kind == ops::OpKind::linear && op.name.ends_with("attn.q") && op.in.size() > 2;
  });
}

std::string activation(const ops::Program& program) {
  for (const ops::Op& op : program.ops) {
    if (op.kind != ops::OpKind::gated && op.kind != ops::OpKind::moe) continue;
    switch (op.kind == ops::OpKind::moe ? op.as<ops::MoeParams>().act : op.as<ops::ActParams>().act) {
      case ops::Activation::silu: return "silu";
      case ops::Activation::gelu_tanh: return "gelu_tanh";
      case ops::Activation::gelu_erf: return "gelu_erf";
      case ops::Activation::relu: return "relu";
      case ops::Activation::tanh: return "tanh";
    }
  }
  return "";
}

std::map<int, int, std::greater<>> layers_by_window(const models::ModelSpec& spec) {
  std::map<int, int, std::greater<>> count;
  for (int i = 0; i < spec.layers; ++i) {
    if (!is_skipped(spec, i)) ++count[spec.windows[i]];
  }
  return count;
}

std::string Slice::widths() const {
  return narrowest == widest ? fmt::format("{}", widest) : fmt::format("{} to {}", narrowest, widest);
}

Slice slice_of(std::string_view name, const models::ModelSpec& spec) {
  Slice slice{std::string(name)};
  for (int i = 0; i < spec.layers; ++i) {
    if (is_skipped(spec, i)) continue;
    int width = spec.gemma3n ? spec.gemma3n->mlp_used[i] : spec.mlp_width;
    ++slice.layers;
    slice.narrowest = std::min(slice.narrowest, width);
    slice.widest = std::max(slice.widest, width);
  }
  return slice;
}

std::vector<Slice> slices(const models::ModelSpec& spec) {
  std::vector<Slice> all;
  if (!spec.gemma3n) return all;
  for (const models::PublishedSlice& published : models::published_slices()) {
    try {
      all.push_back(slice_of(published.name, models::sliced(spec, published.name)));
    } catch (const Error&) {  // of another model than this
    }
  }
  return all;
}

}  // namespace troika::apps
