#include "apps/bench_work.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "engine/model.h"
#include "engine/weights.h"
#include "models/slices.h"

namespace troika::apps {
namespace {

using ops::Op;
using ops::OpKind;

// The part of a matrix that an op multiplies with.
struct Matrix {
  double values, bytes, share;  // share: of it that one token is multiplied with
};
Matrix matrix_of(const ops::Program& program, const Op& op, const ops::TensorInfo& weight, Format format) {
  int64_t rows = weight.shape.rows(), columns = weight.shape.columns();
  if (ops::multiplies(op) && weight.shape.rank == 2) {
    rows = program[op.out[0]].shape.columns();
    columns = program[op.in[0]].shape.columns();
  }
  double share = 1;
  if (op.kind == OpKind::moe) share = double(op.as<ops::MoeParams>().used) / program[op.in[1]].shape.columns();
  return {double(rows) * double(columns), double(rows) * double(row_bytes(format, columns)), share};
}

}  // namespace

Work::Work(const ModelOptions& options) {
  const engine::EngineOptions o = options.engine_options();
  auto file = files::ModelFile::open(find_model(options.model));
  const models::Architecture& architecture = models::architecture_of(*file);
  models::ModelSpec whole = architecture.read(*file);
  ops::Program whole_program = models::trace(architecture, whole, 1, 1);
  std::vector<models::FoundWeight> weights =
      engine::find_weights(*file, architecture.names, whole.head_dim, whole_program);
  engine::Formats formats = engine::loaded_formats(weights, whole_program, o);
  const FormatInfo& cached = info(engine::kv_format(o, weights, whole.head_dim));
  double cached_bytes = double(cached.block_bytes) / cached.block_values;  // of a number
  models::ModelSpec spec = models::sliced(whole, o.slice);
  ops::Program program = models::trace(architecture, spec, 1, 1);
  std::set<std::pair<std::string, int>> read;  // a matrix that serves twice is read once
  for (const Op& op : program.ops) {
    if (op.kind == OpKind::attend) {
      const auto& a = op.as<ops::AttendParams>();
      const ops::CacheInfo& cache = program.caches[a.cache];
      attention_.push_back(
          {4.0 * a.heads * cache.head_dim, 2.0 * cache.kv_heads * cache.head_dim * cached_bytes, a.window});
      has_windows_ |= a.window > 0;
    }
    if (op.kind == OpKind::embed || op.kind == OpKind::linear_where) continue;  // of these few rows are read
    int first = std::holds_alternative<ops::LinearParams>(op.params) ? op.as<ops::LinearParams>().first : 0;
    for (ops::Tensor t : op.in) {
      const ops::TensorInfo& weight = program[t];
      if (weight.role != ops::Role::weight) continue;
      Format format = formats.at(weight.name);
      Matrix m = matrix_of(program, op, weight, format);
      if (read.emplace(weight.name, first).second) per_token_.bytes += m.bytes * m.share;
      if (weight.shape.rank != 2) continue;
      Cost& cost = program[op.in[0]].extent == ops::Extent::outputs ? per_output_ : per_token_;
      auto arithmetic = arithmetic_of(o.device, o.isa, format);
      if (o.halves && arithmetic == kernels::Arithmetic::int8) arithmetic = kernels::Arithmetic::int16;  // of 16 bits
      if (o.float32) arithmetic = kernels::Arithmetic::float32;
      cost.products(arithmetic) += 2 * m.values * m.share;
    }
  }
  for (const ops::CacheInfo& cache : program.caches) {
    cache_bytes_per_token_ += 2.0 * cache.kv_heads * cache.head_dim * cached_bytes;
  }
}

double Work::Attention::positions(int position) const {
  int all = position + 1;
  return window > 0 ? std::min(all, window) : all;
}

Cost Work::attention(int position) const {
  Cost cost;
  for (const Attention& a : attention_) {
    cost.bytes += a.bytes * a.positions(position);
    cost.attention += a.operations * a.positions(position);
  }
  return cost;
}

Cost Work::prompt(int tokens, int depth) const {
  constexpr int kStep = engine::kBuckets[std::size(engine::kBuckets) - 1];
  Cost cost = per_output_;
  for (int t = 0; t < tokens; ++t) {
    bool ends_step = (t + 1) % kStep == 0 || t + 1 == tokens;
    Cost seen = attention(depth + t);
    cost += {.bytes = ends_step ? per_token_.bytes + seen.bytes : 0,
             .int8 = per_token_.int8,
             .bits16 = per_token_.bits16,
             .fp32 = per_token_.fp32,
             .attention = seen.attention};
  }
  return cost;
}

Cost Work::step(int users, int depth) const {
  Cost cost{.bytes = per_token_.bytes};
  for (int u = 0; u < users; ++u) {
    cost += attention(depth);
    cost += per_output_;
    cost += {.int8 = per_token_.int8, .bits16 = per_token_.bits16, .fp32 = per_token_.fp32};
  }
  return cost;
}

}  // namespace troika::apps
