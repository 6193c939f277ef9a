// Mixtures of experts.
#include <cstring>

#include "device/vulkan/compiler.h"

namespace troika::device::vulkan {
namespace {

constexpr uint32_t kRouteLanes = 64, kSumLanes = 256;  // of moe_route and moe_sum

}  // namespace

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
      fail("{}: its experts' matrices are of several formats, which the GPU does not multiply with; use --device cpu",
           op.name);
    }
    std::memcpy(addresses->host() + i * sizeof(VkDeviceAddress), &matrix.address, sizeof(VkDeviceAddress));
  }

  struct {
    VkDeviceAddress step, router, chosen, shares;
    uint32_t experts, used;
    int32_t rows;
  } route{step_, at(router), chosen.begin, shares.begin, experts, used, rows(out)};
  dispatch("moe_route", {p.normalise}, bytes_of(route), {pieces(capacity(out), kRouteLanes), 1, 1}, {range(router)}, {chosen, shares});

  const VkDeviceAddress first = addresses->address(), step = sizeof(VkDeviceAddress);
  const Rounded* x_rounded = rounded(x, rounding_of(weight(op.in[2]), Multiplies::experts));
  multiply({.kind = Product::gated, .weight = &weight(op.in[2]), .address = first, .second = first + step,
            .chosen = chosen.begin, .used = used, .x_rows = used, .act = p.act, .x = at(x), .rounded = x_rounded, .to = hidden.begin,
            .depth = columns(x), .columns = width, .capacity = uint32_t(slots), .rows = rows(out),
            .reads = {range(x), chosen}, .writes = {hidden}});
  const Rounding of_down = rounding_of(weight(op.in[4]), Multiplies::experts);
  const Rounded* hidden_rounded = nullptr;
  if (of_down != Rounding::none) hidden_rounded = &round(kNoTensor, of_down, hidden, width, uint32_t(slots), rows(out), used);
  multiply({.weight = &weight(op.in[4]), .address = first + 2 * step, .chosen = chosen.begin, .used = used,
            .x = hidden.begin, .rounded = hidden_rounded, .to = made.begin, .depth = width, .columns = columns(out),
            .capacity = uint32_t(slots), .rows = rows(out), .reads = {hidden, chosen}, .writes = {made}});

  struct {
    VkDeviceAddress step, x, shares, to;
    uint32_t columns, used;
    int32_t rows;
  } sum{step_, made.begin, shares.begin, at(out), columns(out), used, rows(out)};
  dispatch("moe_sum", {}, bytes_of(sum), {pieces(columns(out), kSumLanes), capacity(out), 1}, {made, shares}, {range(out)});
}

}  // namespace troika::device::vulkan
