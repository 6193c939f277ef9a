// Panels: how many bytes they have, which bytes they begin with and what stands where rows are missing. (linear_test.cpp:
// that every weight in them is read exactly.)
#include "kernels/panel.h"

#include <gtest/gtest.h>

#include "kernels/linear_case.h"

namespace troika::kernels {
namespace {

std::vector<std::byte> pack(Format format, const std::vector<std::byte>& matrix, int rows, int columns, int first,
                            Arithmetic arithmetic = Arithmetic::float32) {
  const PanelFormat& panel = *find_panel_format(format, arithmetic);
  std::vector<std::byte> packed(panel_bytes(panel, columns), std::byte{0xa5});
  pack_panel(panel, matrix.data(), rows, columns, first, packed.data());
  return packed;
}

// A panel with fewer rows than it has room for is that of a matrix with rows of zeros; the last bytes are zeros too.
TEST(Panel, HasZerosWhereRowsAreMissing) {
  for (Format format : weight_formats()) {
    if (!find_panel_format(format, Arithmetic::float32)) continue;
    int block = info(format).block_values, columns = block == 1 ? 37 : 3 * block;
    for (int rows : {1, 3, 15}) {
      auto matrix = random_weight_bytes(format, size_t(rows) * columns, 4), whole = matrix;
      whole.resize(kPanelRows * row_bytes(format, columns));
      EXPECT_EQ(pack(format, matrix, rows, columns, 0), pack(format, whole, kPanelRows, columns, 0))
          << info(format).name << " " << rows << " rows";
    }
  }
}

// Its rows' bytes in another order; code books take some more. Memory is planned by this.
TEST(Panel, TakesTheBytesOfItsRows) {
  for (Format format : weight_formats()) {
    const PanelFormat* panel = find_panel_format(format, Arithmetic::float32);
    if (!panel) continue;
    int own = kPanelRows * info(format).block_bytes, bytes = panel->quant_bytes + panel->line_bytes;
    EXPECT_GE(bytes, own) << info(format).name;
    EXPECT_LE(bytes, own * (info(format).name.starts_with("iq") || format == Format::tq1_0 ? 1.6 : 1)) << info(format).name;
    int of_stretch = kStretchColumns / info(format).block_values;
    auto padded = [&](int blocks) { return (size_t(blocks) * bytes + 63) / 64 * 64; };
    for (int blocks : {1, 3, 8, 300}) {
      EXPECT_EQ(panel_bytes(*panel, blocks * info(format).block_values),
                blocks / of_stretch * padded(of_stretch) + padded(blocks % of_stretch))
          << info(format).name;
    }
  }
}

// The order that panel.h draws, for the format with the fewest parts.
TEST(Panel, OfQ8_0HasFourColumnsOfEachRowSideBySide) {
  int rows = 16, columns = 64;
  auto matrix = random_weight_bytes(Format::q8_0, size_t(rows) * columns, 6);
  auto packed = pack(Format::q8_0, matrix, rows, columns, 0);
  for (int r = 0; r < rows; ++r) {
    for (int block = 0; block < 2; ++block) {
      const std::byte* from = &matrix[(size_t(r) * 2 + block) * 34];
      EXPECT_EQ(std::memcmp(&packed[2 * 512 + block * 32 + r * 2], from, 2), 0) << "scale " << r;
      for (int i = 0; i < 8; ++i) {
        EXPECT_EQ(std::memcmp(&packed[block * 512 + i * 64 + r * 4], from + 2 + 4 * i, 4), 0) << "row " << r << " vector " << i;
      }
    }
  }
}

TEST(Panel, OfPlainFloatsHasColumnAfterColumn) {
  for (Format format : {Format::f32, Format::f16, Format::bf16}) {
    int rows = 20, columns = 5;
    size_t value = info(format).block_bytes;
    auto matrix = random_weight_bytes(format, size_t(rows) * columns, 5);
    for (int first : {0, 16}) {
      auto packed = pack(format, matrix, rows, columns, first);
      for (int k = 0; k < columns; ++k) {
        for (int r = 0; first + r < rows && r < kPanelRows; ++r) {
          EXPECT_EQ(std::memcmp(&packed[(k * kPanelRows + r) * value], &matrix[((first + r) * columns + k) * value], value), 0);
        }
      }
    }
  }
}

// Two columns of a row, rounded to bf16 as the halves' values are: all 65536 of them.
TEST(Panel, ToBeMultipliedInBf16HasPairsOfColumns) {
  for (Format format : {Format::f16, Format::bf16}) {
    int rows = 20;
    for (int columns : {3277, 64, 5, 1}) {
      std::vector<uint16_t> bits(size_t(rows) * columns);
      for (size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<uint16_t>(i);
      std::vector<std::byte> matrix(bits.size() * 2);
      std::memcpy(matrix.data(), bits.data(), matrix.size());
      for (int first : {0, 16}) {
        auto packed = pack(format, matrix, rows, columns, first, Arithmetic::bf16);
        ASSERT_EQ(packed.size(), (size_t(columns) + 1) / 2 * 64);
        for (int k = 0; k < (columns + 1) / 2 * 2; ++k) {
          for (int r = 0; r < kPanelRows; ++r) {
            uint16_t want = 0, got;
            if (first + r < rows && k < columns) {
              uint16_t half = bits[size_t(first + r) * columns + k];
              want = format == Format::bf16 ? half : float_to_bf16(f16_to_float(half)).bits;
            }
            std::memcpy(&got, &packed[(size_t(k / 2) * kPanelRows + r) * 4 + k % 2 * 2], 2);
            if (std::isnan(bf16_to_float({want}))) ASSERT_TRUE(std::isnan(bf16_to_float({got})));
            else ASSERT_EQ(got, want) << info(format).name << " row " << first + r << " column " << k;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace troika::kernels
