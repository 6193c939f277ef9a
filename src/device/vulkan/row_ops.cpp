// Embeddings, norms, activations, and what moves rows about.
#include <algorithm>
#include <bit>
#include <utility>

#include "device/vulkan/compiler.h"

namespace troika::device::vulkan {
namespace {

constexpr uint32_t kLanes = 256;  // of elementwise, copy, mean_rows and mix
constexpr uint32_t kEmbedLanes = 64;
constexpr size_t kMostMixed = 8;

// As shaders/copy.comp has it.
struct CopyPush {
  VkDeviceAddress step, from, to;
  uint32_t columns, from_stride, from_first, to_stride, to_first;
  int32_t rows;
};

}  // namespace

void Compiler::embed(const Op& op) {
  const GpuWeight& table = weight(op.in[0]);
  const Tensor out = op.out[0];
  struct {
    VkDeviceAddress step, table, tables, to;
    uint32_t columns, vocabulary, panel_bytes;
  } push{step_, table.address, table.tables, at(out), columns(out), uint32_t(table.shape.rows()), uint32_t(table.panel_bytes)};
  const uint32_t stretch = std::min(32u, uint32_t(table.panel->block_values));
  dispatch(fmt::format("embed.{}", table.panel->shader), {}, bytes_of(push),
           {pieces(columns(out), stretch * kEmbedLanes), capacity(out), 1}, {}, {range(out)});
}

void Compiler::elementwise(const Op& op, const Elementwise& e) {
  Range other{};
  if (e.kind == Elementwise::mul_by_vector) other.begin = vector(op.in[1]);
  else if (op.in.size() > 1) other = range(op.in[1]);
  elementwise(e, range(op.in[0]), other, op.out[0]);
}

void Compiler::elementwise(const Elementwise& e, Range a, Range b, Tensor out) {
  struct {
    VkDeviceAddress step, a, b, to;
    uint32_t columns;
    int32_t rows;
    uint32_t act;
    float factor;
  } push{step_, a.begin, b.begin, at(out), columns(out), rows(out), uint32_t(e.activation), e.factor};
  dispatch("elementwise", {e.kind}, bytes_of(push), {pieces(columns(out), kLanes), capacity(out), 1}, {a, b}, {range(out)});
}

// Rows are as many as the result's, or (join_rows) as many numbers.
void Compiler::copy(const Op& op, const Copy& c) {
  const Tensor out = op.out[0];
  const bool features = c.from == Copy::features;
  if (features) compiled_.step->read_all_features();
  const uint32_t from_columns = features || op.kind == OpKind::join_rows ? columns(out) : columns(op.in[0]);
  const CopyPush push{step_, features ? 0 : at(op.in[0]), at(out), columns(out), from_columns, c.from_first, columns(out), 0,
                      rows(out)};
  std::vector<Range> reads;
  if (!features) reads.push_back(range(op.in[0]));
  dispatch("copy", {c.from}, bytes_of(push), {pieces(columns(out), kLanes), capacity(out), 1}, std::move(reads), {range(out)});
}

void Compiler::concat(const Op& op) {
  const Tensor out = op.out[0];
  std::vector<Range> reads;
  for (Tensor in : op.in) reads.push_back(range(in));
  uint32_t first = 0;
  for (Tensor in : op.in) {
    const CopyPush push{step_, at(in), at(out), columns(in), columns(in), 0, columns(out), first, rows(out)};
    // The parts do not meet, so no barrier is wanted between them: the first says what all read and write.
    dispatch("copy", {Copy::same_row}, bytes_of(push), {pieces(columns(in), kLanes), capacity(out), 1},
             std::exchange(reads, {}), first == 0 ? std::vector{range(out)} : std::vector<Range>{});
    first += columns(in);
  }
}

void Compiler::norm(const Op& op, const Norm& n) {
  const Tensor out = op.out.back();  // add_norm: behind the sum
  const uint32_t width = n.width > 0 ? uint32_t(n.width) : columns(out);
  const bool two = n.kind == Norm::add_rms || n.kind == Norm::match_rms;
  std::vector<Range> reads{range(op.in[0])}, writes{range(out)};
  if (two) reads.push_back(range(op.in[1]));
  if (n.kind == Norm::add_rms) writes.push_back(range(op.out[0]));
  struct {
    VkDeviceAddress step, x, other, weight, bias, to, sum, numbers, scales;
    uint32_t width;
    int32_t rows;
    uint32_t parts;
    float number;
    VkDeviceAddress factors;
  } push{.step = step_, .x = at(op.in[0]), .to = at(out), .sum = at(op.out[0]), .width = width, .rows = rows(out),
         .parts = columns(out) / width, .number = n.number};
  if (two) push.other = at(op.in[1]);
  if (n.kind == Norm::rms || n.kind == Norm::layer) push.weight = vector(op.in[1]);
  if (n.kind == Norm::add_rms) push.weight = vector(op.in[2]);
  if (n.kind == Norm::layer) push.bias = vector(op.in[2]);
  enum { as_float, rounded_besides, factor_apart } end = as_float;  // as shaders/norm.comp counts
  const Rounding as = push.parts == 1 ? wanted_rounding(out) : Rounding::none;
  if (as != Rounding::none) {
    end = leave_factor_.contains(&op) ? factor_apart : rounded_besides;
    const Rounded& rounded =
        end == factor_apart ? place_normed(op, as, Rounded::factors) : place_rounded(out.id, as, width, capacity(out));
    push.numbers = rounded.numbers.begin;
    push.scales = rounded.scales.begin;
    push.factors = rounded.factors_at.begin;
    writes.insert(writes.end(), {rounded.numbers, rounded.scales});
    if (end == factor_apart) writes.push_back(rounded.factors_at);
  }
  const uint32_t most = std::min(1024u, std::bit_floor(context_->caps().workgroup_size));
  const uint32_t lanes = std::clamp(std::bit_ceil(pieces(width, 4)), 32u, most);
  const auto [together, classes] = halves_constants(as);
  dispatch("norm", {n.kind, uint32_t(end), lanes, pieces(width, lanes * 4), together, classes}, bytes_of(push),
           {push.parts, capacity(out), 1}, std::move(reads), std::move(writes));
}

void Compiler::mean_rows(const Op& op) {
  const Tensor out = op.out[0];
  struct {
    VkDeviceAddress step, x, to;
    uint32_t columns, group;
    int32_t rows;
  } push{step_, at(op.in[0]), at(out), columns(out), uint32_t(program_.tokens / program_.outputs), rows(out)};
  dispatch("mean_rows", {}, bytes_of(push), {pieces(columns(out), kLanes), capacity(out), 1}, {range(op.in[0])}, {range(out)});
}

void Compiler::mix(const Op& op) {
  const Tensor out = op.out[0];
  check(op.in.size() <= kMostMixed + 1, "mix takes a few tensors");
  struct {
    VkDeviceAddress step, weights, to, x[kMostMixed];
    uint32_t count, columns, weight_columns, first;
    int32_t rows;
  } push{.step = step_, .weights = at(op.in[0]), .to = at(out), .count = uint32_t(op.in.size() - 1), .columns = columns(out),
         .weight_columns = columns(op.in[0]), .first = uint32_t(op.as<ops::MixParams>().first), .rows = rows(out)};
  std::vector<Range> reads{range(op.in[0])};
  for (size_t j = 1; j < op.in.size(); ++j) {
    push.x[j - 1] = at(op.in[j]);
    reads.push_back(range(op.in[j]));
  }
  dispatch("mix", {}, bytes_of(push), {pieces(columns(out), kLanes), capacity(out), 1}, std::move(reads), {range(out)});
}

}  // namespace troika::device::vulkan
