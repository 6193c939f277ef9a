// Products with weights.
#include <algorithm>
#include <bit>
#include <cstddef>

#include "device/vulkan/compiler.h"

namespace troika::device::vulkan {
namespace {

constexpr uint32_t kMostRoundedRows = 8;  // of a result that is rounded in turn

}  // namespace

// Of an op that reads what it makes: as many of these stand between them at most, each of which keeps one rounded tensor.
constexpr size_t kFollowing = 3;

bool Compiler::leaves_factor(size_t i) const {
  const Op& norm = program_.ops[i];
  if (norm.kind != OpKind::add_norm || i == segment_.begin || program_[norm.out[1]].shape.columns() % 32 != 0) return false;
  const Op& made = program_.ops[i - 1];
  if (made.kind != OpKind::linear || std::ranges::count(norm.in, made.out[0]) != 1 || norm.in[2] == made.out[0]) return false;
  const auto rounding = [&](Tensor t) {
    const auto* matrix = dynamic_cast<const GpuWeight*>(segment_.weights[t.id].get());
    return matrix ? rounding_of(*matrix) : Rounding::none;
  };
  const Rounding as = rounding(made.in[1]);
  if (as == Rounding::none) return false;
  // The last norm's states are read, so it leaves none: else steps of one token, where it is fused, would differ from those of a few.
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
    if (rounding(op.in[1]) != as || (op.kind == OpKind::linear_gated && rounding(op.in[2]) != as)) return false;
  }
  return true;
}

void Compiler::multiply(const Product& p) {
  struct {
    VkDeviceAddress step, x, scales, to, weight, second, other, tables, chosen;
    uint32_t depth, columns, first, panel_bytes;
    int32_t rows;
    uint32_t used, x_rows, act, has_bias;
    VkDeviceAddress link, more;
  } push{.step = step_, .x = p.x, .to = p.to, .weight = p.address ? p.address : p.weight->address, .second = p.second,
         .other = p.gate ? p.gate : p.bias, .tables = p.weight->tables, .chosen = p.chosen, .depth = p.depth,
         .columns = p.columns, .first = p.first, .panel_bytes = uint32_t(p.weight->panel_bytes), .rows = p.rows,
         .used = p.used, .x_rows = p.x_rows, .act = uint32_t(p.act), .has_bias = p.bias != 0};
  static_assert(offsetof(decltype(push), link) == Chain::kPushAt);  // as shaders/lib/product.glsl has it
  struct {
    VkDeviceAddress to_numbers, to_scales, residual, norm_weight, to_sum, to_squares, factors;
    float epsilon;
  } more{};
  std::vector<Range> reads = p.reads, writes = p.writes;
  if (p.rounded) {
    push.x = p.rounded->numbers.begin;
    push.scales = p.rounded->scales.begin;
    reads.insert(reads.end(), {p.rounded->numbers, p.rounded->scales});
    if (p.rounded->factor != Rounded::none) {
      more.factors = p.rounded->factors_at.begin;
      more.epsilon = p.rounded->epsilon;
      reads.push_back(p.rounded->factors_at);
    }
  }
  if (p.to_rounded) {
    more.to_numbers = p.to_rounded->numbers.begin;
    more.to_scales = p.to_rounded->scales.begin;
    writes.insert(writes.end(), {p.to_rounded->numbers, p.to_rounded->scales});
  }
  if (p.add_norm) {
    const Tensor made = p.add_norm->in[0], other = p.add_norm->in[1];
    const Range residual = range(range(made).begin == p.to ? other : made), sum = range(p.add_norm->out[0]);
    more.residual = residual.begin;
    more.norm_weight = vector(p.add_norm->in[2]);
    more.to_sum = sum.begin;
    more.to_squares = p.to_rounded->factors_at.begin;
    reads.push_back(residual);
    writes.insert(writes.end(), {sum, p.to_rounded->factors_at});
  }
  if (p.to_rounded || more.factors) push.more = tell(std::as_bytes(std::span(&more, 1)));
  auto all_live = push;
  all_live.rows = int32_t(p.capacity);
  const auto [pipeline, groups] = candidate_of(p, bytes_of(all_live));
  dispatch(pipeline.shader, pipeline.constants, bytes_of(push), groups, std::move(reads), std::move(writes),
           {p.work(), pipeline.subgroup_size, can_wait(pipeline),
            fmt::format("{}{} x {}{}", p.kind == Product::gated ? "two of " : "", p.columns, p.depth, p.add_norm ? ", normed" : "")});
}

Compiler::Rounding Compiler::rounding_of(const GpuWeight& w, Multiplies what) const {
  if (options_.float32 || !w.panel) return Rounding::none;
  const bool can_be_halves = has_halves() && what == Multiplies::all_rows && w.shape.columns() % 32 == 0;
  if (w.panel->block_values >= 32) return can_be_halves && options_.halves ? Rounding::halves : Rounding::int8;
  return can_be_halves && w.panel->format != Format::f32 ? Rounding::halves : Rounding::none;
}

Compiler::Rounding Compiler::wanted_rounding(Tensor x) const {
  const auto found = wanted_roundings_.find(x.id);
  return found == wanted_roundings_.end() ? Rounding::none : found->second;
}

std::array<uint32_t, 2> Compiler::halves_constants(Rounding as) const {
  if (as != Rounding::halves) return {0, 1};
  return {context_->lanes()->shape.n, context_->lanes()->classes()};
}

// In the place of what was kept longest, with room for the rows and values that are computed in vain.
const Compiler::Rounded& Compiler::place_rounded(uint32_t tensor, Rounding as, uint32_t columns, uint32_t capacity) {
  const size_t slot = next_rounded_++ % rounded_.size();
  const bool halves = as == Rounding::halves;
  const size_t rows = std::bit_ceil(std::max(halves ? 16u : 1u, capacity));
  const size_t whole_span = 32 * halves_constants(as)[1], values = (columns + whole_span - 1) / whole_span * whole_span * rows;
  rounded_[slot] = {scratch(Scratch::numbers + slot, halves ? values * 2 : values),
                    halves ? Range{} : scratch(Scratch::scales + slot, values / 32 * 16), tensor, as};
  return rounded_[slot];
}

// With room for a factor of each row, or the squares of each of its blocks.
const Compiler::Rounded& Compiler::place_normed(const Op& norm, Rounding as, Rounded::Factor factor) {
  const Tensor out = norm.out[1];
  const size_t slot = next_rounded_ % rounded_.size();
  place_rounded(out.id, as, columns(out), capacity(out));
  Rounded& placed = rounded_[slot];
  placed.factor = factor;
  const size_t squares = size_t(columns(out)) / 32 * std::bit_ceil(capacity(out));
  placed.factors_at = scratch(Scratch::factors + slot, squares * sizeof(float));
  placed.epsilon = norm.as<ops::NormParams>().epsilon;
  return placed;
}

const Compiler::Rounded& Compiler::round(uint32_t tensor, Rounding as, Range x, uint32_t columns, uint32_t capacity,
                                         int32_t rows, uint32_t per_row) {
  const Rounded& to = place_rounded(tensor, as, columns, capacity);
  struct {
    VkDeviceAddress step, x, numbers, scales;
    uint32_t columns;
    int32_t rows;
    uint32_t per_row;
  } push{step_, x.begin, to.numbers.begin, to.scales.begin, columns, rows, per_row};
  const auto [together, classes] = halves_constants(as);
  dispatch("round", {together, classes}, bytes_of(push), {pieces(columns / 32, 64), capacity, 1}, {x}, {to.numbers, to.scales});
  return to;
}

const Compiler::Rounded* Compiler::rounded(Tensor x, Rounding as) {
  if (as == Rounding::none) return nullptr;
  for (const Rounded& kept : rounded_) {
    if (kept.tensor == x.id && kept.as == as) return &kept;
  }
  const auto made = [&](const Op* op) { return op->out[1] == x; };
  check(std::ranges::none_of(leave_factor_, made), "who multiplies follows its norm");
  return &round(x.id, as, range(x), columns(x), capacity(x), rows(x), 1);
}

void Compiler::linear(const Op& op) {
  const Tensor x = op.in[0], out = op.out[0];
  Product p{.weight = &weight(op.in[1]), .x = at(x), .to = at(out), .depth = columns(x), .columns = columns(out),
            .capacity = capacity(out), .rows = rows(out), .writes = {range(out)}};
  const Rounding as = rounding_of(*p.weight);
  p.rounded = rounded(x, as);
  if (!p.rounded) p.reads.push_back(range(x));
  if (op.kind == OpKind::linear_gated) {
    const GpuWeight& up = weight(op.in[2]);
    const bool on_unit = as == Rounding::halves || (as == Rounding::int8 && has_matrix_unit());
    const bool apart = p.capacity > most_rows_of_linear(as) && !on_unit;
    if (up.panel != p.weight->panel || apart) {
      return gated_apart(op);
    }
    p.kind = Product::gated;
    p.second = up.address;
    p.act = op.as<ops::ActParams>().act;
    const bool few = as == Rounding::halves || p.capacity <= kMostRoundedRows;
    if (as != Rounding::none && few && p.columns % 32 == 0 && wanted_rounding(out) == as) {
      if (&rounded_[next_rounded_ % rounded_.size()] == p.rounded) ++next_rounded_;  // not in the place of x
      p.to_rounded = &place_rounded(out.id, as, p.columns, p.capacity);
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
    if (leave_factor_.contains(next) && p.capacity <= kMostRoundedRows && can_end_with_norm(p)) {
      if (&rounded_[next_rounded_ % rounded_.size()] == p.rounded) ++next_rounded_;
      p.to_rounded = &place_normed(*next, as, Rounded::squares);
      p.add_norm = next;
      p.writes.clear();
      done_.insert(next);
    }
  }
  multiply(p);
}

// Two products and what joins them: where gate and up are of two formats, or rows are many (in int8, for a GPU without a
// matrix unit).
void Compiler::gated_apart(const Op& op) {
  const Tensor x = op.in[0], out = op.out[0];
  const Range gate = scratch(Scratch::gate, range(out).bytes), up = scratch(Scratch::up, range(out).bytes);
  for (size_t i = 1; i <= 2; ++i) {
    const Range& to = i == 1 ? gate : up;
    const GpuWeight& matrix = weight(op.in[i]);
    multiply({.weight = &matrix, .x = at(x), .rounded = rounded(x, rounding_of(matrix)), .to = to.begin, .depth = columns(x), .columns = columns(out),
              .capacity = capacity(out), .rows = rows(out), .reads = {range(x)}, .writes = {to}});
  }
  elementwise({Elementwise::gated, op.as<ops::ActParams>().act}, gate, up, out);
}

}  // namespace troika::device::vulkan
