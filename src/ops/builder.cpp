// The Builder: shape rules stand here, one function per operation.
#include "ops/builder.h"

#include "base/error.h"

namespace troika::ops {

Builder::Builder(int tokens, int outputs) {
  check(tokens > 0 && outputs > 0 && outputs <= tokens, "a bucket has tokens and at most as many outputs");
  program_.tokens = tokens;
  program_.outputs = outputs;
}

Builder::Scope Builder::scope(std::string_view name) {
  size_t length = prefix_.size();
  prefix_ += name;
  prefix_ += '.';
  return Scope(*this, length);
}

Tensor Builder::weight(std::string name, Shape shape) {
  for (uint32_t id = 0; id < program_.tensors.size(); ++id) {
    const TensorInfo& known = program_.tensors[id];
    if (known.role != Role::weight || known.name != name) continue;
    check(known.shape == shape, "a weight has one shape");
    return {id};
  }
  program_.tensors.push_back({std::move(name), shape, Extent::fixed, Role::weight});
  return {static_cast<uint32_t>(program_.tensors.size() - 1)};
}

Tensor Builder::append(OpKind kind, Params params, std::vector<Tensor> in, std::string_view name, Shape shape,
                       Extent extent) {
  Tensor out{static_cast<uint32_t>(program_.tensors.size())};
  program_.tensors.push_back({full_name(name), shape, extent, Role::activation});
  program_.ops.push_back({kind, std::move(params), std::move(in), {out}, full_name(name)});
  return out;
}

Tensor Builder::same_shape(OpKind kind, Params params, std::vector<Tensor> in, std::string_view name) {
  const TensorInfo first = program_[in[0]];
  return append(kind, std::move(params), std::move(in), name, first.shape, first.extent);
}

Tensor Builder::embed(std::string_view name, int vocabulary, int width) {
  Tensor table = weight(full_name(name) + ".weight", {vocabulary, width});
  return append(OpKind::embed, NoParams{}, {table}, name, {program_.tokens, width}, Extent::tokens);
}

Tensor Builder::linear(Tensor x, std::string_view name, int out, Bias bias) {
  const TensorInfo input = program_[x];
  std::vector<Tensor> in{x, weight(full_name(name) + ".weight", {out, input.shape.columns()})};
  if (bias == Bias::yes) in.push_back(weight(full_name(name) + ".bias", {out}));
  return append(OpKind::linear, NoParams{}, std::move(in), name, {input.shape[0], out}, input.extent);
}

Tensor Builder::rms_norm(Tensor x, std::string_view name, float epsilon) {
  Tensor w = weight(full_name(name) + ".weight", {program_[x].shape.columns()});
  return same_shape(OpKind::rms_norm, NormParams{epsilon}, {x, w}, name);
}

Tensor Builder::layer_norm(Tensor x, std::string_view name, float epsilon) {
  Tensor w = weight(full_name(name) + ".weight", {program_[x].shape.columns()});
  Tensor b = weight(full_name(name) + ".bias", {program_[x].shape.columns()});
  return same_shape(OpKind::layer_norm, NormParams{epsilon}, {x, w, b}, name);
}

Tensor Builder::add(Tensor a, Tensor b) {
  check(program_[a].shape == program_[b].shape, "add takes two tensors of one shape");
  return same_shape(OpKind::add, NoParams{}, {a, b}, "add");
}

Tensor Builder::mul(Tensor a, Tensor b) {
  check(program_[a].shape == program_[b].shape, "mul takes two tensors of one shape");
  return same_shape(OpKind::mul, NoParams{}, {a, b}, "mul");
}

Tensor Builder::scale(Tensor x, float factor) {
  return same_shape(OpKind::scale, ScaleParams{factor}, {x}, "scale");
}

Tensor Builder::gated(Activation act, Tensor gate, Tensor up) {
  check(program_[gate].shape == program_[up].shape, "gated takes two tensors of one shape");
  return same_shape(OpKind::gated, ActParams{act}, {gate, up}, "gated");
}

Tensor Builder::act(Activation act, Tensor x) {
  return same_shape(OpKind::act, ActParams{act}, {x}, "act");
}

Tensor Builder::softcap(Tensor x, float cap) {
  return same_shape(OpKind::softcap, SoftcapParams{cap}, {x}, "softcap");
}

Tensor Builder::concat(Tensor a, Tensor b) {
  const TensorInfo left = program_[a];
  const Shape right = program_[b].shape;
  check(left.shape[0] == right[0], "concat takes two tensors with as many rows");
  return append(OpKind::concat, NoParams{}, {a, b}, "concat",
                {left.shape[0], left.shape.columns() + right.columns()}, left.extent);
}

Tensor Builder::slice(Tensor x, int first, int count) {
  const TensorInfo input = program_[x];
  check(first >= 0 && count > 0 && first + count <= input.shape.columns(), "slice stays inside its input");
  return append(OpKind::slice, SliceParams{first, count}, {x}, "slice", {input.shape[0], count}, input.extent);
}

Tensor Builder::rope(Tensor x, int heads, std::shared_ptr<const RopeTable> table) {
  int head_dim = program_[x].shape.columns() / heads;
  check(program_[x].extent == Extent::tokens, "rope rotates one row per token");
  check(program_[x].shape.columns() == heads * head_dim && head_dim % 2 == 0, "rope takes whole, even heads");
  check(table->inverse_frequency.size() == size_t(head_dim / 2), "rope has one frequency per pair");
  return same_shape(OpKind::rope, RopeParams{heads, head_dim, std::move(table)}, {x}, "rope");
}

int Builder::kv_cache(int kv_heads, int head_dim) {
  program_.caches.push_back({kv_heads, head_dim});
  return static_cast<int>(program_.caches.size()) - 1;
}

void Builder::kv_write(int cache, Tensor k, Tensor v) {
  const CacheInfo& c = program_.caches.at(cache);
  check(program_[k].shape.columns() == c.kv_heads * c.head_dim, "kv_write stores G·D keys a token");
  check(program_[v].shape == program_[k].shape, "kv_write stores as many values as keys");
  program_.ops.push_back({OpKind::kv_write, KvParams{cache}, {k, v}, {}, full_name("kv_write")});
}

Tensor Builder::attend(Tensor q, AttendParams params) {
  const CacheInfo& c = program_.caches.at(params.cache);
  check(program_[q].shape.columns() == params.heads * c.head_dim, "attend takes H·D queries a token");
  check(params.heads % c.kv_heads == 0, "the query heads are a multiple of the key/value heads");
  return same_shape(OpKind::attend, params, {q}, "attend");
}

Tensor Builder::pick_rows(Tensor x) {
  check(program_[x].extent == Extent::tokens, "pick_rows picks among the step's tokens");
  return append(OpKind::pick_rows, NoParams{}, {x}, "pick_rows", {program_.outputs, program_[x].shape.columns()},
                Extent::outputs);
}

Program Builder::finish(Tensor logits) {
  check(program_[logits].extent == Extent::outputs, "logits have one row per output");
  program_.logits = logits;
  return std::move(program_);
}

}  // namespace troika::ops
