// The Builder: shape rules stand here, one function per operation.
#include "ops/builder.h"

#include <algorithm>

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
  auto [known, is_new] = weights_.try_emplace(name, static_cast<uint32_t>(program_.tensors.size()));
  if (is_new) program_.tensors.push_back({std::move(name), shape, Extent::fixed, Role::weight});
  check(program_.tensors[known->second].shape == shape, "a weight has one shape");
  return {known->second};
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
  return append(OpKind::linear, LinearParams{}, std::move(in), name, {input.shape[0], out}, input.extent);
}

Tensor Builder::linear_part(Tensor x, std::string_view name, int out, Part part) {
  const TensorInfo input = program_[x];
  check(part.first >= 0 && out > 0 && part.first + out <= part.whole[0], "linear takes rows that its weight has");
  check(input.shape.columns() <= part.whole.columns(), "linear takes columns that its weight has");
  Tensor w = weight(full_name(name) + ".weight", part.whole);
  return append(OpKind::linear, LinearParams{part.first}, {x, w}, name, {input.shape[0], out}, input.extent);
}

Tensor Builder::linear_where(Tensor x, std::string_view name, Tensor gate, Part part) {
  const TensorInfo input = program_[x], wanted = program_[gate];
  check(input.shape[0] == wanted.shape[0], "linear_where has a gate for each row");
  check(part.first >= 0 && part.first + wanted.shape.columns() <= part.whole[0], "linear takes rows that its weight has");
  check(input.shape.columns() <= part.whole.columns(), "linear takes columns that its weight has");
  Tensor w = weight(full_name(name) + ".weight", part.whole);
  return append(OpKind::linear_where, LinearParams{part.first}, {x, w, gate}, name, wanted.shape, input.extent);
}

Tensor Builder::features(int width) {
  return append(OpKind::features, NoParams{}, {}, "features", {program_.tokens, width}, Extent::tokens);
}

Tensor Builder::insert_features(Tensor x) {
  check(program_[x].extent == Extent::tokens, "features stand in for tokens");
  return same_shape(OpKind::insert_features, NoParams{}, {x}, "insert_features");
}

Tensor Builder::rms_norm(Tensor x, std::string_view name, float epsilon, int width) {
  int columns = program_[x].shape.columns();
  if (width == 0) width = columns;
  check(columns % width == 0, "rms_norm takes rows of whole groups");
  Tensor w = weight(full_name(name) + ".weight", {width});
  return same_shape(OpKind::rms_norm, NormParams{epsilon, width}, {x, w}, name);
}

Tensor Builder::rms_norm_plain(Tensor x, float epsilon, int width) {
  int columns = program_[x].shape.columns();
  if (width == 0) width = columns;
  check(columns % width == 0, "rms_norm takes rows of whole groups");
  return same_shape(OpKind::rms_norm, NormParams{epsilon, width}, {x}, "rms_norm");
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

Tensor Builder::mul_by(Tensor x, std::string_view name) {
  Tensor w = weight(full_name(name) + ".weight", {program_[x].shape.columns()});
  return same_shape(OpKind::mul, NoParams{}, {x, w}, name);
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

int Builder::kv_cache(int kv_heads, int head_dim, int window) {
  std::vector<int>& windows = program_.windows;
  auto group = std::find(windows.begin(), windows.end(), window);
  if (group == windows.end()) group = windows.insert(group, window);
  program_.caches.push_back({kv_heads, head_dim, static_cast<int>(group - windows.begin())});
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
  int kept = program_.windows[c.group];
  check(kept == 0 || (params.window > 0 && params.window <= kept), "a cache keeps what its readers look at");
  return same_shape(OpKind::attend, params, {q}, "attend");
}

Tensor Builder::attend_spans(Tensor q, Tensor k, Tensor v, SpanParams params) {
  check(program_[q].shape.columns() % params.heads == 0, "attend_spans takes whole heads");
  int head_dim = program_[q].shape.columns() / params.heads;
  check(params.heads % params.kv_heads == 0, "the query heads are a multiple of the key/value heads");
  check(program_[k].shape.columns() == params.kv_heads * head_dim, "attend_spans takes G·D keys a row");
  check(program_[v].shape == program_[k].shape, "attend_spans takes as many values as keys");
  check(program_[q].extent == Extent::tokens, "attend_spans joins the step's rows");
  return same_shape(OpKind::attend_spans, params, {q, k, v}, "attend_spans");
}

Tensor Builder::join_rows(Tensor x) {
  check(program_[x].extent == Extent::tokens && program_.tokens % program_.outputs == 0, "join_rows takes whole groups");
  int group = program_.tokens / program_.outputs;
  return append(OpKind::join_rows, NoParams{}, {x}, "join_rows",
                {program_.outputs, program_[x].shape.columns() * group}, Extent::outputs);
}

Tensor Builder::mean_rows(Tensor x) {
  check(program_[x].extent == Extent::tokens && program_.tokens % program_.outputs == 0, "mean_rows takes whole groups");
  return append(OpKind::mean_rows, NoParams{}, {x}, "mean_rows", {program_.outputs, program_[x].shape.columns()},
                Extent::outputs);
}

Tensor Builder::mix(Tensor weights, int first, std::vector<Tensor> x) {
  check(!x.empty() && first >= 0 && first + int(x.size()) <= program_[weights].shape.columns(),
        "mix has a weight for each of its tensors");
  const TensorInfo like = program_[x[0]];
  for (Tensor t : x) check(program_[t].shape == like.shape, "mix takes tensors of one shape");
  check(program_[weights].shape[0] == like.shape[0], "mix has a row of weights for each row");
  x.insert(x.begin(), weights);
  return append(OpKind::mix, MixParams{first}, std::move(x), "mix", like.shape, like.extent);
}

Tensor Builder::moe(Tensor x, Tensor router, std::string_view name, int width, MoeParams params) {
  const TensorInfo input = program_[x];
  int experts = program_[router].shape.columns(), columns = input.shape.columns();
  check(program_[router].shape[0] == input.shape[0], "moe has a row of router values for each row");
  check(params.used > 0 && params.used <= std::min(experts, kMostExpertsUsed), "moe uses a few of its experts");
  std::vector<Tensor> in{x, router};
  for (int e = 0; e < experts; ++e) {
    std::string expert = full_name(name) + "." + std::to_string(e);
    in.push_back(weight(expert + ".gate.weight", {width, columns}));
    in.push_back(weight(expert + ".up.weight", {width, columns}));
    in.push_back(weight(expert + ".down.weight", {columns, width}));
  }
  return append(OpKind::moe, params, std::move(in), "moe", input.shape, input.extent);
}

Tensor Builder::match_rms(Tensor x, Tensor like, float floor) {
  check(program_[x].shape == program_[like].shape, "match_rms takes two tensors of one shape");
  return same_shape(OpKind::match_rms, MatchParams{floor}, {x, like}, "match_rms");
}

Tensor Builder::cut_below(Tensor x, float deviations) {
  return same_shape(OpKind::cut_below, CutParams{deviations}, {x}, "cut_below");
}

Tensor Builder::pick_rows(Tensor x) {
  if (program_[x].extent == Extent::outputs) return x;
  check(program_[x].extent == Extent::tokens, "pick_rows picks among the step's tokens");
  return append(OpKind::pick_rows, NoParams{}, {x}, "pick_rows", {program_.outputs, program_[x].shape.columns()},
                Extent::outputs);
}

void Builder::keep_states(Tensor states) {
  check(program_[states].extent == Extent::outputs, "states have one row per output");
  program_.states = states;
}

Program Builder::finish(Tensor logits) {
  check(program_[logits].extent == Extent::outputs, "logits have one row per output");
  program_.logits = logits;
  return std::move(program_);
}

}  // namespace troika::ops
