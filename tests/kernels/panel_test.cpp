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

// Steps of 2^-11 of the largest exponent among 64 columns of a row: all 65536 values of the formats.
TEST(Panel, ToBeMultipliedInInt16HasPairsOfColumnsAndTheirScales) {
  for (Format format : {Format::f16, Format::bf16}) {
    int rows = 20, infinite = format == Format::f16 ? 0x7c00 : 0x7f80;
    for (int columns : {3277, 256, 64, 5, 1}) {
      std::vector<uint16_t> bits(size_t(rows) * columns);
      // Neighbours have exponents near to each other; every third group has larger ones far apart.
      for (size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<uint16_t>(i % 192 < 128 ? i : i * 40503);
      std::vector<std::byte> matrix(bits.size() * 2);
      std::memcpy(matrix.data(), bits.data(), matrix.size());
      std::vector<float> values(bits.size());
      info(format).unpack(matrix.data(), values);
      for (int first : {0, 16}) {
        auto packed = pack(format, matrix, rows, columns, first, Arithmetic::int16);
        auto stretch_bytes = [](int of) { return (of + 1) / 2 * 64 + ((of + 63) / 64 * 32 + 63) / 64 * 64; };
        ASSERT_EQ(packed.size(), size_t(columns / 256 * stretch_bytes(256) + stretch_bytes(columns % 256)));
        for (int k = 0; k < (columns + 1) / 2 * 2; ++k) {
          const std::byte* lines = packed.data() + k / 256 * stretch_bytes(256);
          const std::byte* pairs = lines + (std::min(columns - k / 256 * 256, 256) + 127) / 128 * 64;
          for (int r = 0; r < kPanelRows; ++r) {
            int16_t q;
            uint16_t scale_bits;
            std::memcpy(&q, pairs + (k % 256 / 2 * kPanelRows + r) * 4 + k % 2 * 2, sizeof q);
            std::memcpy(&scale_bits, lines + (k % 256 / 64 * kPanelRows + r) * 2, sizeof scale_bits);
            SCOPED_TRACE(fmt::format("{} row {} column {} of {}", info(format).name, first + r, k, columns));
            if (first + r >= rows || k == columns) {
              ASSERT_EQ(q, 0);
              if (k < columns) {
                ASSERT_EQ(scale_bits, 0);
              }
              continue;
            }
            size_t row = size_t(first + r) * columns, begin = row + k / 64 * 64, end = std::min(begin + 64, row + columns);
            float scale = bf16_to_float({scale_bits});
            if (std::any_of(&bits[begin], bits.data() + end, [&](uint16_t b) { return (b & 0x7fff) >= infinite; })) {
              ASSERT_TRUE(std::isnan(scale));
              continue;
            }
            ASSERT_EQ(scale, pair_scale(std::span(&values[begin], end - begin)));
            ASSERT_LE(std::abs(q), 4095);
            if (scale > 0) ASSERT_EQ(q, std::nearbyint(double{values[row + k]} / scale));
            else ASSERT_EQ(q, 0);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace troika::kernels
