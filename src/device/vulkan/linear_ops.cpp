// Products with weights, experts among them.
#include <algorithm>
#include <cstring>

#include "device/vulkan/compiler.h"

namespace troika::device::vulkan {
namespace {

constexpr uint32_t kRowsAtOnce = 8;  // of x, in one workgroup

}  // namespace

// As shaders/linear.glsl has it.
struct Compiler::Product {
  enum Kind : uint32_t { plain, gated, where } kind = plain;
  const GpuWeight* weight;
  VkDeviceAddress address = 0, second = 0;  // address 0: the weight's own
  VkDeviceAddress bias = 0, gate = 0, chosen = 0;  // chosen: each row has an expert of its own
  uint32_t first = 0, used = 1, x_rows = 1;
  ops::Activation act{};
  VkDeviceAddress x = 0, to = 0;
  uint32_t depth = 0, columns = 0, capacity = 0;
  int32_t rows = 0;
  std::vector<Range> reads, writes;
};

void Compiler::multiply(const Product& p) {
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
           {pieces(p.columns, kPanelRows), pieces(p.capacity, at_once), 1}, p.reads, p.writes);
}

void Compiler::linear(const Op& op) {
  const Tensor x = op.in[0], out = op.out[0];
  Product p{.weight = &weight(op.in[1]), .x = at(x), .to = at(out), .depth = columns(x), .columns = columns(out),
            .capacity = capacity(out), .rows = rows(out), .reads = {range(x)}, .writes = {range(out)}};
  if (op.kind == OpKind::linear_gated) {
    const GpuWeight& up = weight(op.in[2]);
    if (up.panel != p.weight->panel) return gated_apart(op);
    p.kind = Product::gated;
    p.second = up.address;
    p.act = op.as<ops::ActParams>().act;
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

// gate and up in two formats: two products and what joins them.
void Compiler::gated_apart(const Op& op) {
  const Tensor x = op.in[0], out = op.out[0];
  const Range gate = scratch(range(out).bytes), up = scratch(range(out).bytes);
  for (size_t i = 1; i <= 2; ++i) {
    const Range& to = i == 1 ? gate : up;
    multiply({.weight = &weight(op.in[i]), .x = at(x), .to = to.begin, .depth = columns(x), .columns = columns(out),
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
  const Range chosen = scratch(slots * 4), shares = scratch(slots * 4);
  const Range hidden = scratch(slots * width * 4), made = scratch(slots * columns(out) * 4);
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
  multiply({.kind = Product::gated, .weight = &weight(op.in[2]), .address = first, .second = first + step,
            .chosen = chosen.begin, .used = used, .x_rows = used, .act = p.act, .x = at(x), .to = hidden.begin,
            .depth = columns(x), .columns = width, .capacity = uint32_t(slots), .rows = rows(out),
            .reads = {range(x), chosen}, .writes = {hidden}});
  multiply({.weight = &weight(op.in[4]), .address = first + 2 * step, .chosen = chosen.begin, .used = used,
            .x = hidden.begin, .to = made.begin, .depth = width, .columns = columns(out), .capacity = uint32_t(slots),
            .rows = rows(out), .reads = {hidden, chosen}, .writes = {made}});

  struct {
    VkDeviceAddress step, x, shares, to;
    uint32_t columns, used;
    int32_t rows;
  } sum{step_, made.begin, shares.begin, at(out), columns(out), used, rows(out)};
  dispatch("moe_sum", {}, bytes_of(sum), {pieces(columns(out), 256), capacity(out), 1}, {made, shares}, {range(out)});
}

}  // namespace troika::device::vulkan
