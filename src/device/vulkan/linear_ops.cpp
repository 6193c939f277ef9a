// Products with weights.
#include <algorithm>
#include <bit>
#include <cstddef>

#include "device/vulkan/compiler.h"

namespace troika::device::vulkan {
namespace {

constexpr uint32_t kRowsAtOnce = 8;       // of x, in one workgroup of linear
constexpr uint32_t kMostRoundedRows = 8;  // of a result that is rounded in turn
constexpr uint32_t kMatmulColumns = 64, kMatmulLanes = 16;  // of a workgroup of matmul_int8; its lanes along rows of x

// Lanes that keep the memory of a GPU busy: some thousands for each of its processors.
uint32_t lanes_wanted(GpuKind kind) {
  return kind == GpuKind::discrete ? 1u << 18 : kind == GpuKind::software ? 1u << 10 : 1u << 15;
}

// Into how many slices linear_int8 cuts the values of a row. Sums depend on it, so it follows from the weight alone.
uint32_t slices(const Caps& caps, const Shape& weight) {
  const uint32_t rows = uint32_t(weight.rows()), stretches = uint32_t(weight.columns()) / 32;
  const uint32_t most = std::min({64u, std::bit_ceil(std::max(4u, stretches)) / 2,
                                  std::bit_floor(caps.workgroup_size / kPanelRows)});
  return std::clamp(std::bit_ceil(std::max(1u, lanes_wanted(caps.kind) / rows)), std::min(8u, most), most);
}

}  // namespace

// Of an op that reads what it makes: as many of these stand between them at most, each of which keeps one tensor in int8.
constexpr size_t kFollowing = 3;

bool Compiler::leaves_factor(size_t i) const {
  const Op& norm = program_.ops[i];
  if (norm.kind != OpKind::add_norm || i == segment_.begin || program_[norm.out[1]].shape.columns() % 32 != 0) return false;
  const Op& made = program_.ops[i - 1];
  if (made.kind != OpKind::linear || std::ranges::count(norm.in, made.out[0]) != 1 || norm.in[2] == made.out[0]) return false;
  const auto is_int8 = [&](Tensor t) {
    const auto* matrix = dynamic_cast<const GpuWeight*>(segment_.weights[t.id].get());
    return matrix && multiplies_in_int8(*matrix);
  };
  if (!is_int8(made.in[1])) return false;
  const auto is_read = [&](Tensor t) {
    return t == program_.logits || (program_.states && t == *program_.states);
  };
  if (is_read(made.out[0]) || is_read(norm.out[1])) return false;
  for (size_t j = 0; j < program_.ops.size(); ++j) {
    const Op& op = program_.ops[j];
    if (j != i && std::ranges::count(op.in, made.out[0]) > 0) return false;
    if (std::ranges::count(op.in, norm.out[1]) == 0) continue;
    const bool follows = j > i && j <= i + 1 + kFollowing && j < segment_.end;
    if (!follows || !ops::multiplies(op)) return false;
    if (std::ranges::count(op.in, norm.out[1]) != 1 || op.in[0] != norm.out[1]) return false;
    if (!is_int8(op.in[1]) || (op.kind == OpKind::linear_gated && !is_int8(op.in[2]))) return false;
  }
  return true;
}

void Compiler::multiply(const Product& p) {
  struct {
    VkDeviceAddress step, x, scales, to, weight, second, other, tables, chosen;
    uint32_t depth, columns, first, panel_bytes;
    int32_t rows;
    uint32_t used, x_rows, act, has_bias;
    VkDeviceAddress more;
  } push{.step = step_, .x = p.x, .to = p.to, .weight = p.address ? p.address : p.weight->address, .second = p.second,
         .other = p.gate ? p.gate : p.bias, .tables = p.weight->tables, .chosen = p.chosen, .depth = p.depth,
         .columns = p.columns, .first = p.first, .panel_bytes = uint32_t(p.weight->panel_bytes), .rows = p.rows,
         .used = p.used, .x_rows = p.x_rows, .act = uint32_t(p.act), .has_bias = p.bias != 0};
  static_assert(offsetof(decltype(push), more) % 8 == 0);  // as shaders/lib/product.glsl has it
  struct {
    VkDeviceAddress to_numbers, to_scales, residual, norm_weight, to_sum, to_squares, factors;
    float epsilon;
  } more{};
  std::vector<Range> reads = p.reads, writes = p.writes;
  if (p.int8) {
    push.x = p.int8->numbers.begin;
    push.scales = p.int8->scales.begin;
    reads.insert(reads.end(), {p.int8->numbers, p.int8->scales});
    if (p.int8->factor != Quantised::none) {
      more.factors = p.int8->factors_at.begin;
      more.epsilon = p.int8->epsilon;
      reads.push_back(p.int8->factors_at);
    }
  }
  if (p.to_int8) {
    more.to_numbers = p.to_int8->numbers.begin;
    more.to_scales = p.to_int8->scales.begin;
    writes.insert(writes.end(), {p.to_int8->numbers, p.to_int8->scales});
  }
  if (p.add_norm) {
    const Tensor made = p.add_norm->in[0], other = p.add_norm->in[1];
    const Range residual = range(range(made).begin == p.to ? other : made), sum = range(p.add_norm->out[0]);
    more.residual = residual.begin;
    more.norm_weight = vector(p.add_norm->in[2]);
    more.to_sum = sum.begin;
    more.to_squares = p.to_int8->factors_at.begin;
    reads.push_back(residual);
    writes.insert(writes.end(), {sum, p.to_int8->factors_at});
  }
  if (p.to_int8 || more.factors) push.more = tell(std::as_bytes(std::span(&more, 1)));
  const Kernel kernel = kernel_of(p);
  dispatch(fmt::format("{}.{}", kernel.shader, p.weight->panel->shader), kernel.constants, bytes_of(push),
           {pieces(p.columns, kernel.columns), pieces(p.capacity, kernel.rows), 1}, std::move(reads), std::move(writes),
           uint64_t(p.capacity) * p.columns * p.depth * (p.kind == Product::gated ? 2 : 1));
}

// Experts differ from row to row, so these are computed one by one.
Compiler::Kernel Compiler::kernel_of(const Product& p) const {
  enum End : uint32_t { as_is, rounded, normed };  // as shaders/lib/product.glsl counts
  const bool experts = p.chosen != 0, rounds = p.to_int8 != nullptr;
  if (!p.int8) {
    const uint32_t rows = experts ? 1 : std::min(kRowsAtOnce, p.capacity);
    return {"linear", {rows, p.kind, experts}, kPanelRows, rows};
  }
  const uint32_t sliced = slices(context_->caps(), p.weight->shape);
  if (!experts && p.capacity > options_.rows_at_once) {
    const uint32_t each = std::min(4u, pieces(p.capacity, kMatmulLanes));
    return {"matmul_int8", {each, p.kind, sliced, p.int8->factor != Quantised::none}, kMatmulColumns, kMatmulLanes * each};
  }
  const uint32_t rows = experts ? 1 : std::bit_ceil(p.capacity);
  const End end = p.add_norm ? normed : rounds ? rounded : as_is;
  // One or two rows wait for memory; more have sums enough to fill the registers, and a gated product reads two weights anyway.
  const uint32_t deep = rows <= 2 && p.kind != Product::gated ? 2 : 1;
  return {"linear_int8",
          {rows, p.kind, experts, kPanelRows * sliced, end, p.int8->factor, deep},
          kPanelRows * (rounds ? 2u : 1u),
          rows};
}

// In the place of what was kept longest, with room for the rows that linear_int8 computes in vain.
const Compiler::Quantised& Compiler::place_quantised(uint32_t tensor, uint32_t columns, uint32_t capacity) {
  const size_t slot = next_quantised_++ % quantised_.size(), values = size_t(columns) * std::bit_ceil(capacity);
  quantised_[slot] = {scratch(Scratch::numbers + slot, values), scratch(Scratch::scales + slot, values / 32 * 16), tensor};
  return quantised_[slot];
}

// With room for a factor of each row, or the squares of each of its blocks.
const Compiler::Quantised& Compiler::place_normed(const Op& norm, Quantised::Factor factor) {
  const Tensor out = norm.out[1];
  const size_t slot = next_quantised_ % quantised_.size();
  place_quantised(out.id, columns(out), capacity(out));
  Quantised& placed = quantised_[slot];
  placed.factor = factor;
  const size_t squares = size_t(columns(out)) / 32 * std::bit_ceil(capacity(out));
  placed.factors_at = scratch(Scratch::factors + slot, squares * sizeof(float));
  placed.epsilon = norm.as<ops::NormParams>().epsilon;
  return placed;
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
  const auto made = [&](const Op* op) { return op->out[1] == x; };
  check(std::ranges::none_of(leave_factor_, made), "who multiplies follows its norm");
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
    const Op* next = &op + 1;
    if (leave_factor_.contains(next) && p.capacity <= kMostRoundedRows) {
      if (&quantised_[next_quantised_ % quantised_.size()] == p.int8) ++next_quantised_;
      p.to_int8 = &place_normed(*next, Quantised::squares);
      p.add_norm = next;
      p.writes.clear();
      done_.insert(next);
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

}  // namespace troika::device::vulkan
