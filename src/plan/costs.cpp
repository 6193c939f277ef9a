#include "plan/costs.h"

#include <algorithm>

namespace troika::plan {
namespace {

using ops::Op;
using ops::OpKind;
using ops::Program;

constexpr double kKeptGates = 0.05;   // of linear_where: what Gemma 3n's Gaussian cut leaves of a row
constexpr double kOperations = 2;     // of a weight and a row
constexpr int kWindowPatches = 64;    // of SpanKind::window: 112 pixels, patches of 14

bool is_weight(const Program& program, ops::Tensor t) { return program[t].role == ops::Role::weight; }

double values(const Program& program, ops::Tensor t) { return double(program[t].shape.values()); }

// Part of a matrix: `out` rows of `in` columns.
double matrix_bytes(Format format, int64_t out, int64_t in) { return double(out) * double(row_bytes(format, in)); }

OpWork products(const Program& program, const Op& op, const Formats& formats) {
  const Format format = formats.at(program[op.in[1]].name);
  const int64_t in = program[op.in[0]].shape.columns(), out = program[op.out[0]].shape.columns();
  const int matrices = op.kind == OpKind::linear_gated ? 2 : 1;
  OpWork work{.work = std::string(info(format).name),
              .rows = int(program[op.in[0]].shape.rows()),
              .bytes = matrices * matrix_bytes(format, out, in),
              .per_row = matrices * 2.0 * double(out) * double(in)};
  if (op.kind == OpKind::linear_where) {
    work.bytes *= std::min(1.0, work.rows * kKeptGates);
    work.per_row *= kKeptGates;
  }
  return work;
}

// Every token goes to `used` experts; a step of many reads all of them.
OpWork experts(const Program& program, const Op& op, const Formats& formats) {
  OpWork work{.work = "rows", .rows = int(program[op.in[0]].shape.rows())};
  const double used = op.as<ops::MoeParams>().used, all = program[op.in[1]].shape.columns();
  for (size_t i = 2; i < op.in.size(); ++i) {
    const ops::TensorInfo& weight = program[op.in[i]];
    const Format format = formats.at(weight.name);
    work.work = info(format).name;
    work.bytes += matrix_bytes(format, weight.shape.rows(), weight.shape.columns()) * std::min(1.0, work.rows * used / all);
    work.per_row += 2 * values(program, op.in[i]) * used / all;
  }
  return work;
}

OpWork attention(const Program& program, const Op& op, Format format, Load load) {
  const auto& a = op.as<ops::AttendParams>();
  const ops::CacheInfo& cache = program.caches[size_t(a.cache)];
  const int each = std::max(1, program.tokens / load.sequences);
  double looked_at = 0;  // positions, by all tokens of a sequence
  for (int i = 0; i < each; ++i) {
    const int position = load.depth + i + 1;
    looked_at += a.window > 0 ? std::min(a.window, position) : position;
  }
  const int length = a.window > 0 ? std::min(a.window + each, load.depth + each) : load.depth + each;
  return {.work = "attention",
          .rows = program.tokens,
          .bytes = load.sequences * 2.0 * length * cache.kv_heads * double(row_bytes(format, cache.head_dim)),
          .per_row = 4.0 * a.heads * cache.head_dim * looked_at / each};
}

// Patches look at the whole picture, or at their window.
OpWork picture_attention(const Program& program, const Op& op) {
  const auto& a = op.as<ops::SpanParams>();
  const int rows = int(program[op.in[0]].shape.rows());
  const int seen = a.kind == ops::SpanKind::frame ? rows : std::min(rows, kWindowPatches);
  return {.work = "attention", .rows = rows, .per_row = 4.0 * program[op.in[0]].shape.columns() * seen};
}

OpWork over_rows(const Program& program, const Op& op) {
  OpWork work{.work = "rows", .rows = program.tokens};
  double bytes = 0;
  for (ops::Tensor t : op.in) bytes += is_weight(program, t) ? 0 : values(program, t) * sizeof(float);
  for (ops::Tensor t : op.out) {
    bytes += values(program, t) * sizeof(float);
    work.rows = int(program[t].shape.rows());
  }
  work.per_row = bytes / work.rows;
  return work;
}

}  // namespace

OpWork work_of(const Program& program, const Op& op, const Formats& formats, Format cache, Load load) {
  switch (op.kind) {
    case OpKind::linear:
    case OpKind::linear_where:
    case OpKind::linear_gated: return products(program, op, formats);
    case OpKind::moe: return experts(program, op, formats);
    case OpKind::attend: return attention(program, op, cache, load);
    case OpKind::attend_spans: return picture_attention(program, op);
    case OpKind::embed: case OpKind::features: case OpKind::insert_features: case OpKind::rms_norm: case OpKind::layer_norm:
    case OpKind::add: case OpKind::mul: case OpKind::scale: case OpKind::gated: case OpKind::act: case OpKind::softcap:
    case OpKind::rope: case OpKind::kv_write: case OpKind::pick_rows: case OpKind::join_rows: case OpKind::mean_rows:
    case OpKind::mix: case OpKind::match_rms: case OpKind::cut_below: case OpKind::concat: case OpKind::slice:
    case OpKind::add_norm: return over_rows(program, op);
  }
  return {};
}

std::optional<double> seconds(const DeviceCosts& device, const OpWork& work) {
  const Speed* speed = device.speed(work.work);
  if (!speed) return std::nullopt;
  const int rows = (work.rows + device.granule - 1) / device.granule * device.granule;
  const double speed_s = rows * work.per_row / speed->at(rows, work.per_row / kOperations);
  return device.launch_s.value + std::max(work.bytes / device.read_bytes_per_s.value, speed_s);
}

}  // namespace troika::plan
