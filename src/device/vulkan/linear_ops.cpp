// Products with weights, experts among them.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

#include "device/vulkan/compiler.h"

namespace troika::device::vulkan {
namespace {

constexpr uint32_t kRowsAtOnce = 8;       // of x, in one workgroup of linear
constexpr uint32_t kMostRoundedRows = 8;  // of a result that is rounded in turn
constexpr uint32_t kMatmulColumns = 64, kMatmulLanes = 16;  // of a workgroup of matmul_int8; its lanes along rows of x

// Lanes that keep the memory of a GPU busy: some thousands for each of its processors.
uint32_t lanes_wanted(GpuKind kind) { return kind == GpuKind::discrete ? 1u << 18 : kind == GpuKind::software ? 1u << 10 : 1u << 15; }

// Into how many slices linear_int8 cuts the values of a row. Sums depend on it, so it follows from the weight alone.
uint32_t slices(const Caps& caps, const Shape& weight) {
  const uint32_t rows = uint32_t(weight.rows()), stretches = uint32_t(weight.columns()) / 32;
  const uint32_t most = std::min({64u, std::bit_ceil(std::max(4u, stretches)) / 2, std::bit_floor(caps.workgroup_size / kPanelRows)});
  return std::clamp(std::bit_ceil(std::max(1u, lanes_wanted(caps.kind) / rows)), std::min(8u, most), most);
}

}  // namespace

// As shaders/linear.glsl and linear_int8.glsl have it.
struct Compiler::Product {
  enum Kind : uint32_t { plain, gated, where } kind = plain;
  const GpuWeight* weight;
  VkDeviceAddress address = 0, second = 0;  // address 0: the weight's own
  VkDeviceAddress bias = 0, gate = 0, chosen = 0;  // chosen: each row has an expert of its own
  uint32_t first = 0, used = 1, x_rows = 1;
  ops::Activation act{};
  VkDeviceAddress x = 0;
  const Quantised* int8 = nullptr;     // x as such; null: multiply in float32
  const Quantised* to_int8 = nullptr;  // the result as such besides; null: it is not wanted
  VkDeviceAddress to = 0;
  uint32_t depth = 0, columns = 0, capacity = 0;
  int32_t rows = 0;
  std::vector<Range> reads, writes;  // besides `int8`

  uint64_t work() const { return uint64_t(capacity) * columns * depth * (kind == gated ? 2 : 1); }
};

void Compiler::multiply(const Product& p) {
  if (p.int8) return multiply_int8(p);
  struct {
    VkDeviceAddress step, x, to, weight, second, bias, gate, tables, chosen;
    uint32_t depth, columns, first, panel_bytes;
    int32_t rows;
    uint32_t used, x_rows, act, has_bias;
  } push{step_, p.x, p.to, p.address ? p.address : p.weight->address, p.second, p.bias, p.gate, p.weight->tables, p.chosen,
         p.depth, p.columns, p.first, uint32_t(p.weight->panel_bytes), p.rows, p.used, p.x_rows, uint32_t(p.act), p.bias != 0};
  // Experts differ from row to row.
  const uint32_t at_once = p.chosen ? 1 : std::min(kRowsAtOnce, p.capacity);
  dispatch(fmt::format("linear.{}", p.weight->panel->shader), {at_once, p.kind, p.chosen != 0}, bytes_of(push),
           {pieces(p.columns, kPanelRows), pieces(p.capacity, at_once), 1}, p.reads, p.writes, p.work());
}

void Compiler::multiply_int8(const Product& p) {
  struct {
    VkDeviceAddress step, numbers, scales, to, weight, second, other, tables, chosen;
    uint32_t depth, columns, first, panel_bytes;
    int32_t rows;
    uint32_t used, x_rows, act, has_bias;
    VkDeviceAddress to_numbers, to_scales;
  } push{step_, p.int8->numbers.begin, p.int8->scales.begin, p.to, p.address ? p.address : p.weight->address, p.second,
         p.gate ? p.gate : p.bias, p.weight->tables, p.chosen, p.depth, p.columns, p.first, uint32_t(p.weight->panel_bytes),
         p.rows, p.used, p.x_rows, uint32_t(p.act), p.bias != 0, p.to_int8 ? p.to_int8->numbers.begin : 0,
         p.to_int8 ? p.to_int8->scales.begin : 0};
  static_assert(offsetof(decltype(push), to_numbers) % 8 == 0);
  std::vector<Range> reads = p.reads, writes = p.writes;
  if (p.to_int8) writes.insert(writes.end(), {p.to_int8->numbers, p.to_int8->scales});
  reads.insert(reads.end(), {p.int8->numbers, p.int8->scales});
  const std::string_view format = p.weight->panel->shader;
  const uint32_t sliced = slices(context_->caps(), p.weight->shape);
  if (!p.chosen && p.capacity > options_.rows_at_once) {
    const uint32_t each = std::min(4u, pieces(p.capacity, kMatmulLanes));
    dispatch(fmt::format("matmul_int8.{}", format), {each, p.kind, sliced}, bytes_of(push),
             {pieces(p.columns, kMatmulColumns), pieces(p.capacity, kMatmulLanes * each), 1}, std::move(reads), std::move(writes),
             p.work());
    return;
  }
  const uint32_t at_once = p.chosen ? 1 : std::bit_ceil(p.capacity);
  dispatch(fmt::format("linear_int8.{}", format), {at_once, p.kind, p.chosen != 0, kPanelRows * sliced, p.to_int8 != nullptr}, bytes_of(push),
           {pieces(p.columns, kPanelRows * (p.to_int8 ? 2 : 1)), pieces(p.capacity, at_once), 1}, std::move(reads),
           std::move(writes), p.work());
}

// In the place of what was kept longest, with room for the rows that linear_int8 computes in vain.
const Compiler::Quantised& Compiler::place_quantised(uint32_t tensor, uint32_t columns, uint32_t capacity) {
  const size_t slot = next_quantised_++ % quantised_.size(), values = size_t(columns) * std::bit_ceil(capacity);
  quantised_[slot] = {scratch(Scratch::numbers + slot, values), scratch(Scratch::scales + slot, values / 32 * 16), tensor};
  return quantised_[slot];
}

const Compiler::Quantised& Compiler::quantise(uint32_t tensor, Range x, uint32_t columns, uint32_t capacity, int32_t rows,
                                              uint32_t per_row) {
  const Quantised& to = place_quantised(tensor, columns, capacity);
  struct {
    VkDeviceAddress step, x, numbers, scales;
    uint32_t columns;
    int32_t rows;
    uint32_t per_row;
  } push{step_, x.begin, to.numbers.begin, to.scales.begin, columns, rows, per_row};
  dispatch("quantise", {}, bytes_of(push), {pieces(columns / 32, 64), capacity, 1}, {x}, {to.numbers, to.scales});
  return to;
}

const Compiler::Quantised& Compiler::quantised(Tensor x) {
  for (const Quantised& kept : quantised_) {
    if (kept.tensor == x.id) return kept;
  }
  return quantise(x.id, range(x), columns(x), capacity(x), rows(x), 1);
}

void Compiler::linear(const Op& op) {
  const Tensor x = op.in[0], out = op.out[0];
  Product p{.weight = &weight(op.in[1]), .x = at(x), .to = at(out), .depth = columns(x), .columns = columns(out),
            .capacity = capacity(out), .rows = rows(out), .writes = {range(out)}};
  const bool int8 = multiplies_in_int8(*p.weight);
  if (int8) p.int8 = &quantised(x);
  else p.reads.push_back(range(x));
  if (op.kind == OpKind::linear_gated) {
    const GpuWeight& up = weight(op.in[2]);
    if (up.panel != p.weight->panel || (int8 && p.capacity > options_.rows_at_once)) return gated_apart(op);
    p.kind = Product::gated;
    p.second = up.address;
    p.act = op.as<ops::ActParams>().act;
    const bool in_turn = int8 && p.capacity <= kMostRoundedRows && p.columns % 32 == 0 && wants_int8(out);
    if (in_turn) {
      if (&quantised_[next_quantised_ % quantised_.size()] == p.int8) ++next_quantised_;  // not in the place of x
      p.to_int8 = &place_quantised(out.id, p.columns, p.capacity);
    }
  } else {
    p.first = uint32_t(op.as<ops::LinearParams>().first);
    if (op.kind == OpKind::linear_where) {
      p.kind = Product::where;
      p.gate = at(op.in[2]);
      p.reads.push_back(range(op.in[2]));
    } else if (op.in.size() > 2) {
      p.bias = vector(op.in[2]);
    }
  }
  multiply(p);
}

// Two products and what joins them: where gate and up are of two formats, or rows are many.
void Compiler::gated_apart(const Op& op) {
  const Tensor x = op.in[0], out = op.out[0];
  const Range gate = scratch(Scratch::gate, range(out).bytes), up = scratch(Scratch::up, range(out).bytes);
  for (size_t i = 1; i <= 2; ++i) {
    const Range& to = i == 1 ? gate : up;
    const GpuWeight& matrix = weight(op.in[i]);
    const Quantised* int8 = multiplies_in_int8(matrix) ? &quantised(x) : nullptr;
    multiply({.weight = &matrix, .x = at(x), .int8 = int8, .to = to.begin, .depth = columns(x), .columns = columns(out),
              .capacity = capacity(out), .rows = rows(out), .reads = {range(x)}, .writes = {to}});
  }
  elementwise({Elementwise::gated, op.as<ops::ActParams>().act}, gate, up, out);
}

// Rows are sent to their experts one by one; hidden [T · used, F], made [T · used, E].
void Compiler::moe(const Op& op) {
  const auto& p = op.as<ops::MoeParams>();
  const Tensor x = op.in[0], router = op.in[1], out = op.out[0];
  const uint32_t experts = columns(router), used = uint32_t(p.used), width = uint32_t(program_[op.in[2]].shape[0]);
  const size_t slots = size_t(capacity(out)) * used;
  const Range chosen = scratch(Scratch::chosen, slots * 4), shares = scratch(Scratch::shares, slots * 4);
  const Range hidden = scratch(Scratch::hidden, slots * width * 4);
  const Range made = scratch(Scratch::made, slots * columns(out) * 4);
  const auto addresses = context_->allocate(size_t(experts) * 3 * sizeof(VkDeviceAddress));
  compiled_.keep.push_back(addresses);
  for (uint32_t i = 0; i < experts * 3; ++i) {
    const GpuWeight& matrix = weight(op.in[2 + i]);
    if (matrix.panel != weight(op.in[2 + i % 3]).panel || (i % 3 == 1 && matrix.panel != weight(op.in[2]).panel)) {
      fail("{}: its experts' matrices are of several formats, which the GPU does not multiply with; use --device cpu", op.name);
    }
    std::memcpy(addresses->host() + i * sizeof(VkDeviceAddress), &matrix.address, sizeof(VkDeviceAddress));
  }

  struct {
    VkDeviceAddress step, router, chosen, shares;
    uint32_t experts, used;
    int32_t rows;
  } route{step_, at(router), chosen.begin, shares.begin, experts, used, rows(out)};
  dispatch("moe_route", {p.normalise}, bytes_of(route), {pieces(capacity(out), 64), 1, 1}, {range(router)}, {chosen, shares});

  const VkDeviceAddress first = addresses->address(), step = sizeof(VkDeviceAddress);
  const Quantised* x_int8 = multiplies_in_int8(weight(op.in[2])) ? &quantised(x) : nullptr;
  multiply({.kind = Product::gated, .weight = &weight(op.in[2]), .address = first, .second = first + step,
            .chosen = chosen.begin, .used = used, .x_rows = used, .act = p.act, .x = at(x), .int8 = x_int8, .to = hidden.begin,
            .depth = columns(x), .columns = width, .capacity = uint32_t(slots), .rows = rows(out),
            .reads = {range(x), chosen}, .writes = {hidden}});
  const bool down_in_int8 = multiplies_in_int8(weight(op.in[4]));
  const Quantised* hidden_int8 = nullptr;
  if (down_in_int8) hidden_int8 = &quantise(kNoTensor, hidden, width, uint32_t(slots), rows(out), used);
  multiply({.weight = &weight(op.in[4]), .address = first + 2 * step, .chosen = chosen.begin, .used = used,
            .x = hidden.begin, .int8 = hidden_int8, .to = made.begin, .depth = width, .columns = columns(out), .capacity = uint32_t(slots),
            .rows = rows(out), .reads = {hidden, chosen}, .writes = {made}});

  struct {
    VkDeviceAddress step, x, shares, to;
    uint32_t columns, used;
    int32_t rows;
  } sum{step_, made.begin, shares.begin, at(out), columns(out), used, rows(out)};
  dispatch("moe_sum", {}, bytes_of(sum), {pieces(columns(out), 256), capacity(out), 1}, {made, shares}, {range(out)});
}

}  // namespace troika::device::vulkan
