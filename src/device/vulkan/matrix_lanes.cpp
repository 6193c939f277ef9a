#include "device/vulkan/matrix_lanes.h"

#include <algorithm>
#include <vector>

#include "device/vulkan/matrix_tile.h"
#include "device/vulkan/recorder.h"

namespace troika::device::vulkan {
namespace {

constexpr uint32_t kMost = 32, kNone = UINT32_MAX;  // elements of a lane, as shaders/matrix_layout.comp has it

// The columns of k that a lane has in the order of its elements, and which rows of A and columns of B: shaders/lib/lanes.glsl.
struct Lane {
  std::vector<uint32_t> of_k, rows, tokens;
};

Lane lane_of(const MatrixLanes& lanes, uint32_t lane) {
  const auto [m, n, k] = lanes.shape;
  Lane found;
  switch (lanes.layout) {
    case MatrixLanes::rows_apart:
      for (uint32_t i = 0; i < k; ++i) found.of_k.push_back(i);
      found.rows = {lane % m};
      found.tokens = {lane % n};
      break;
    case MatrixLanes::quads:
      for (uint32_t eight = 0; eight < k; eight += 8) {
        for (uint32_t i = 0; i < 2; ++i) found.of_k.push_back(eight + lane % 4 * 2 + i);
      }
      found.rows = {lane / 4, lane / 4 + 8};
      found.tokens = {lane / 4};
      break;
    case MatrixLanes::columns_apart:
      found.of_k = {lane % k};
      for (uint32_t row = 0; row < m; ++row) found.rows.push_back(row);
      for (uint32_t token = 0; token < n; ++token) found.tokens.push_back(token);
      break;
  }
  return found;
}

bool is_layout(const MatrixLanes& lanes, const LaneElements& elements) {
  const auto [m, n, k] = lanes.shape;
  if (lanes.layout == MatrixLanes::quads && (m != 16 || n != 8 || elements.subgroup_size != 32)) return false;
  for (uint32_t lane = 0; lane < elements.subgroup_size; ++lane) {
    const Lane want = lane_of(lanes, lane);
    std::vector<uint32_t> a, b;
    for (uint32_t row : want.rows) {
      for (uint32_t i : want.of_k) a.push_back(row * k + i);
    }
    for (uint32_t token : want.tokens) {
      for (uint32_t i : want.of_k) b.push_back(i * n + token);
    }
    if (std::max(a.size(), b.size()) > elements.most) return false;
    a.resize(elements.most, kNone);
    b.resize(elements.most, kNone);
    const auto of_lane = [&](uint32_t operand) {
      return elements.numbers.subspan((operand * elements.subgroup_size + lane) * elements.most, elements.most);
    };
    if (!std::ranges::equal(of_lane(0), a) || !std::ranges::equal(of_lane(1), b)) return false;
  }
  return true;
}

}  // namespace

std::optional<MatrixLanes> layout_of(const MatrixShape& shape, const LaneElements& elements) {
  for (auto layout : {MatrixLanes::rows_apart, MatrixLanes::quads, MatrixLanes::columns_apart}) {
    const MatrixLanes lanes{shape, layout, elements.subgroup_size};
    if (is_layout(lanes, elements)) return lanes;
  }
  return {};
}

std::optional<MatrixLanes> find_matrix_lanes(const std::shared_ptr<Context>& context) {
  const uint32_t subgroup = matrix_subgroup(context->caps());
  for (const MatrixShape& shape : context->caps().half_matrices) {
    const auto [m, n, k] = shape;
    const bool fits = (m == 8 || m == 16) && (n == 8 || n == 16) && (k == 8 || k == 16);  // what shaders are written for
    if (!fits) continue;
    const auto out = context->allocate(size_t{2} * subgroup * kMost * sizeof(uint32_t));
    const VkDeviceAddress address = out->address();
    Recorder commands(context, UINT64_MAX);
    commands.dispatch({.pipeline = {"matrix_layout", {m, n, k, subgroup}, subgroup},
                       .push = bytes_of(address),
                       .writes = {{address, out->size()}}});
    commands.end();
    commands.submit();
    commands.wait();
    const std::span numbers(reinterpret_cast<const uint32_t*>(out->host()), size_t{2} * subgroup * kMost);
    if (const auto lanes = layout_of(shape, {numbers, subgroup, kMost})) return lanes;
  }
  return {};
}

}  // namespace troika::device::vulkan
