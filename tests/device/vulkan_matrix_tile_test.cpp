// How products are cut for the matrix unit of recorded GPUs (caps/). No GPU is asked.
#include "device/vulkan/matrix_tile.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "device/vulkan/caps_record.h"

namespace troika::device::vulkan {
namespace {

Caps gpu(const std::string& name) {
  std::ifstream file(TROIKA_SOURCE_DIR "/tests/device/caps/" + name + ".json");
  return caps_of(nlohmann::ordered_json::parse(file));
}

TEST(VulkanMatrixTile, IsOfTheShapeThatDoesMostAtOnce) {
  EXPECT_EQ(matrix_shape(gpu("h200")), (MatrixShape{16, 16, 32}));
  EXPECT_EQ(matrix_shape(gpu("radeon-780m")), (MatrixShape{16, 16, 16}));
  Caps odd = gpu("h200");
  odd.int8_matrices = {{16, 16, 64}, {8, 8, 8}, {32, 32, 16}};
  EXPECT_EQ(matrix_shape(odd), (MatrixShape{8, 8, 8}));
}

TEST(VulkanMatrixTile, IsNoneWhereTheGpuHasNoShapeThatFitsOrLittleSharedMemory) {
  EXPECT_FALSE(choose_matrix_kernel(gpu("lavapipe-22.3"), 4096, 512, 8));
  Caps odd = gpu("h200");
  odd.int8_matrices = {{16, 16, 64}};
  EXPECT_FALSE(choose_matrix_kernel(odd, 4096, 512, 8));
  Caps little = gpu("h200");
  little.shared_bytes = 8 << 10;
  EXPECT_FALSE(choose_matrix_kernel(little, 4096, 512, 8));
}

TEST(VulkanMatrixTile, IsSmallWhereThereIsLittleToMultiply) {
  const Caps h200 = gpu("h200");
  struct Case {
    uint32_t columns, rows, tile_rows, tile_tokens;
  };
  for (const Case& c : {Case{18944, 512, 64, 64}, {512, 512, 64, 32}, {18944, 64, 64, 64}, {3584, 32, 32, 32},
                        {18944, 32, 128, 32}, {3584, 9, 32, 16}}) {
    const auto kernel = choose_matrix_kernel(h200, c.columns, c.rows, 8);
    ASSERT_TRUE(kernel);
    EXPECT_EQ(kernel->rows, c.tile_rows) << c.columns << " columns, " << c.rows << " rows";
    EXPECT_EQ(kernel->tokens, c.tile_tokens) << c.columns << " columns, " << c.rows << " rows";
  }
}

TEST(VulkanMatrixTile, IsAlwaysFoundWhereThereIsAShape) {
  for (const char* name : {"h200", "radeon-780m"}) {
    Caps caps = gpu(name);
    for (uint32_t bytes : {40u << 10, caps.shared_bytes}) {
      caps.shared_bytes = bytes;
      for (uint32_t columns : {1u, 77u, 4096u, 151936u}) {
        for (uint32_t rows : {9u, 16u, 33u, 512u, 4096u}) {
          EXPECT_TRUE(choose_matrix_kernel(caps, columns, rows, 8)) << name << ": " << columns << ", " << rows;
          EXPECT_TRUE(choose_matrix_kernel(caps, columns, rows, 8, 2)) << name << ": " << columns << ", " << rows;
        }
      }
    }
  }
}

}  // namespace
}  // namespace troika::device::vulkan
