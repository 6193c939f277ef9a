// Which layouts of the matrix unit's operands are known. No GPU is asked.
#include "device/vulkan/matrix_lanes.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "device/vulkan/half_tile.h"
#include "device/vulkan/matrix_tile.h"

namespace troika::device::vulkan {
namespace {

constexpr uint32_t kMost = 32;

// Where a lane's element stands in an operand; UINT32_MAX: it has no more.
using Element = std::function<uint32_t(uint32_t lane, uint32_t element)>;

std::vector<uint32_t> written(uint32_t subgroup, const Element& a, const Element& b) {
  std::vector<uint32_t> numbers;
  for (const Element& operand : {a, b}) {
    for (uint32_t lane = 0; lane < subgroup; ++lane) {
      for (uint32_t i = 0; i < kMost; ++i) numbers.push_back(operand(lane, i));
    }
  }
  return numbers;
}

uint32_t up_to(uint32_t count, uint32_t i, uint32_t number) { return i < count ? number : UINT32_MAX; }

// As an H200 wrote it: row, column of A's elements in lane 7: 1,6 1,7 1,14 1,15 9,6 9,7 9,14 9,15.
uint32_t a_of_nvidia(uint32_t lane, uint32_t i) {
  const uint32_t row = lane / 4 + i / 4 * 8, column = lane % 4 * 2 + i % 2 + i / 2 % 2 * 8;
  return up_to(8, i, row * 16 + column);
}
uint32_t b_of_nvidia(uint32_t lane, uint32_t i) { return up_to(4, i, (lane % 4 * 2 + i % 2 + i / 2 * 8) * 8 + lane / 4); }

TEST(VulkanMatrixLanes, OfAnH200AreQuads) {
  const auto numbers = written(32, a_of_nvidia, b_of_nvidia);
  const auto lanes = layout_of({16, 8, 16}, {numbers, 32, kMost});
  ASSERT_TRUE(lanes);
  EXPECT_EQ(lanes->layout, MatrixLanes::quads);
  EXPECT_EQ(lanes->classes(), 4u);
}

TEST(VulkanMatrixLanes, MayHaveWholeRowsOrColumns) {
  const auto rows = written(64, [](uint32_t lane, uint32_t i) { return up_to(16, i, lane % 16 * 16 + i); },
                            [](uint32_t lane, uint32_t i) { return up_to(16, i, i * 16 + lane % 16); });
  ASSERT_TRUE(layout_of({16, 16, 16}, {rows, 64, kMost}));
  EXPECT_EQ(layout_of({16, 16, 16}, {rows, 64, kMost})->layout, MatrixLanes::rows_apart);
  const auto columns = written(8, [](uint32_t lane, uint32_t i) { return up_to(8, i, i * 8 + lane); },
                               [](uint32_t lane, uint32_t i) { return up_to(8, i, lane * 8 + i); });
  ASSERT_TRUE(layout_of({8, 8, 8}, {columns, 8, kMost}));
  EXPECT_EQ(layout_of({8, 8, 8}, {columns, 8, kMost})->layout, MatrixLanes::columns_apart);
}

TEST(VulkanMatrixLanes, AreUnknownWhereASingleElementDiffers) {
  auto numbers = written(32, a_of_nvidia, b_of_nvidia);
  std::swap(numbers[5 * kMost], numbers[5 * kMost + 1]);
  EXPECT_FALSE(layout_of({16, 8, 16}, {numbers, 32, kMost}));
  EXPECT_FALSE(layout_of({16, 16, 16}, {written(32, a_of_nvidia, b_of_nvidia), 32, kMost}));
}

Caps large_gpu() {
  Caps caps;
  caps.kind = GpuKind::discrete;
  caps.workgroup_size = 1024;
  caps.shared_bytes = 48 << 10;
  return caps;
}

TEST(VulkanMatrixLanes, HaveATileForEveryProduct) {
  const MatrixLanes lanes[] = {{{16, 8, 16}, MatrixLanes::quads, 32}, {{16, 16, 16}, MatrixLanes::rows_apart, 64},
                               {{8, 8, 8}, MatrixLanes::columns_apart, 8}};
  for (const MatrixLanes& each : lanes) {
    for (uint32_t columns : {1u, 77u, 3584u, 151936u}) {
      for (uint32_t rows : {1u, 8u, 9u, 33u, 512u, 4096u}) {
        for (uint32_t matrices : {1u, 2u}) {
          for (bool plain : {false, true}) {
            const auto [slices, spans] = half_slices(large_gpu(), each, columns, 3584);
            const auto kernel = choose_half_kernel(large_gpu(), each, {columns, rows, slices, spans, matrices, false, plain});
            EXPECT_TRUE(kernel) << columns << " columns, " << rows << " rows, " << matrices << " matrices, plain: " << plain;
          }
        }
      }
    }
  }
}

// Of the largest tile, of 128 × 64, 896 subgroups compute 3584 columns of 512 rows, nearly as many as run at once; 1184 would take
// two rounds.
TEST(VulkanMatrixLanes, HaveTheLargestTileWhereItFillsTheGpuOnceOrOften) {
  const MatrixLanes lanes{{16, 8, 16}, MatrixLanes::quads, 32};
  const auto is_largest = [&](uint32_t columns, uint32_t rows, uint32_t matrices) {
    const auto [slices, spans] = half_slices(large_gpu(), lanes, columns, 3584);
    return choose_half_kernel(large_gpu(), lanes, {columns, rows, slices, spans, matrices, false, false})->tile == half_tiles()[0];
  };
  EXPECT_TRUE(is_largest(3584, 512, 1));
  EXPECT_TRUE(is_largest(18944, 512, 2));
  EXPECT_FALSE(is_largest(18944, 64, 2));
  EXPECT_FALSE(is_largest(3584, 256, 1));
}

// Sums depend on the slices, which follow from the weight alone and have all of its values.
TEST(VulkanMatrixLanes, CutEveryValueOfARowIntoSlices) {
  const MatrixLanes lanes{{16, 8, 16}, MatrixLanes::quads, 32};
  for (uint32_t depth : {32u, 96u, 896u, 3584u, 18944u}) {
    for (uint32_t rows : {16u, 512u, 37888u}) {
      const auto [slices, spans] = half_slices(large_gpu(), lanes, rows, depth);
      EXPECT_GE(slices * spans * 128, depth);
      EXPECT_LT((slices - 1) * spans * 128, depth) << "a slice without values";
    }
  }
}

}  // namespace
}  // namespace troika::device::vulkan
