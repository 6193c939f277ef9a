// Panels of the Vulkan device: each byte of a matrix lies where the layout puts it, for every format and odd
// shapes.
#include "device/vulkan/panels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace troika::device::vulkan {
namespace {

std::vector<std::byte> random_bytes(size_t count) {
  std::mt19937 random(7);
  std::vector<std::byte> bytes(count);
  for (std::byte& b : bytes) b = std::byte(random());
  return bytes;
}

// Byte i of a native block of row r, as an offset in the block of 16 rows.
int place(const PanelFormat& format, int r, int i) {
  int pieces = format.block_bytes / 16, rest_bytes = format.block_bytes % 16;
  int rest = pieces * 256 + r * rest_bytes;
  if (i < format.head) return rest + i;
  i -= format.head;
  if (i < pieces * 16) return i / 16 * 256 + r * 16 + i % 16;
  return rest + format.head + i - pieces * 16;
}

// All panels of the matrix, byte by byte from the definition.
std::vector<std::byte> expected_panels(const PanelFormat& format, const std::vector<std::byte>& matrix,
                                       int rows, int columns) {
  size_t stride = row_bytes(format.format, columns);
  size_t blocks = (stride + format.block_bytes - 1) / format.block_bytes,
         each = blocks * 16 * format.block_bytes;
  std::vector<std::byte> panels((rows + 15) / 16 * each);
  for (int row = 0; row < rows; ++row)
    for (size_t i = 0; i < stride; ++i) {
      size_t block = i / format.block_bytes;
      int byte = place(format, row % 16, static_cast<int>(i % format.block_bytes));
      panels[row / 16 * each + block * 16 * format.block_bytes + byte] = matrix[row * stride + i];
    }
  return panels;
}

class VulkanPanels : public testing::TestWithParam<const PanelFormat*> {};

TEST_P(VulkanPanels, HoldEveryByteOfTheMatrixWhereTheLayoutPutsIt) {
  const PanelFormat& format = *GetParam();
  int values = info(format.format).block_values;
  for (int rows : {1, 3, 16, 17, 33})
    for (int blocks : {1, 2, 3, 17}) {
      SCOPED_TRACE(testing::Message() << rows << " rows of " << blocks << " blocks");
      int columns = blocks * values;
      std::vector<std::byte> matrix = random_bytes(rows * row_bytes(format.format, columns));
      std::vector<std::byte> expected = expected_panels(format, matrix, rows, columns);
      size_t each = panel_bytes(format, columns);
      ASSERT_EQ(each * ((rows + 15) / 16), expected.size());

      constexpr size_t kGuard = 64;
      constexpr std::byte kSentinel{0xa5};
      std::vector<std::byte> panels(expected.size() + 2 * kGuard, kSentinel);
      for (int first = 0; first < rows; first += kPanelRows)
        pack_panel(format, matrix.data(), rows, columns, first,
                   panels.data() + kGuard + first / kPanelRows * each);
      expected.insert(expected.begin(), kGuard, kSentinel);
      expected.insert(expected.end(), kGuard, kSentinel);
      auto [wrong, right] = std::ranges::mismatch(panels, expected);
      EXPECT_TRUE(wrong == panels.end()) << "byte " << wrong - panels.begin() - std::ptrdiff_t(kGuard)
                                         << " is " << int(*wrong) << " and should be " << int(*right);
    }
}

std::vector<const PanelFormat*> all_formats() {
  std::vector<const PanelFormat*> all;
  for (const FormatInfo& f : formats())
    if (const PanelFormat* format = find_panel_format(f.format)) all.push_back(format);
  return all;
}

INSTANTIATE_TEST_SUITE_P(EveryFormat, VulkanPanels, testing::ValuesIn(all_formats()),
                         [](const auto& test) { return std::string(test.param->shader); });

TEST(VulkanPanelFormats, AgreeWithTheFormatsOfTheFiles) {
  for (const PanelFormat* format : all_formats()) {
    const FormatInfo& f = info(format->format);
    EXPECT_EQ(format->shader, f.name);
    EXPECT_LE(format->head, format->block_bytes % 16) << f.name;
    EXPECT_EQ(format->block_bytes * f.block_values, f.block_bytes * format->block_values) << f.name;
  }
}

}  // namespace
}  // namespace troika::device::vulkan
