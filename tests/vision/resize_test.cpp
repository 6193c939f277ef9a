// Resizing: bit for bit as torchvision does it, and near to the plain definition in double precision.
#include "vision/resize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "vision/generated.h"

namespace troika::vision {
namespace {

TEST(Resize, EqualsTheReferenceToTheLastBit) {
  auto rows = golden_rows("resize.txt");
  ASSERT_GE(rows.size(), 70u);
  for (auto& row : rows) {
    std::string method, filter, expected;
    int width, height, to_width, to_height;
    row >> method >> filter >> width >> height >> to_width >> to_height >> expected;
    ASSERT_TRUE(row) << row.str();
    const Picture out = resize(
        generated(width, height), to_width, to_height,
        {.filter = filter == "bicubic" ? Filter::bicubic : Filter::bilinear, .antialias = method != "plain"});
    EXPECT_EQ(out.width, to_width);
    EXPECT_EQ(out.height, to_height);
    EXPECT_EQ(checksum(out), expected) << row.str();
  }
}

double weight(Filter filter, double x) {
  x = std::abs(x);
  if (filter == Filter::bilinear) return std::max(0.0, 1 - x);
  if (x < 1) return 1.5 * x * x * x - 2.5 * x * x + 1;
  if (x < 2) return -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2;
  return 0;
}

// The weighted mean of all pixels of the picture, both directions at once, nothing rounded.
double plain(const Picture& in, int x, int y, int c, double scale_x, double scale_y, Filter filter) {
  double sum = 0, weights = 0;
  for (int v = 0; v < in.height; ++v) {
    const double along_y = weight(filter, (v + 0.5 - (y + 0.5) * scale_y) / std::max(scale_y, 1.0));
    if (along_y == 0) continue;
    for (int u = 0; u < in.width; ++u) {
      const double w = along_y * weight(filter, (u + 0.5 - (x + 0.5) * scale_x) / std::max(scale_x, 1.0));
      sum += w * in.row(v)[3 * u + c];
      weights += w;
    }
  }
  return std::clamp(sum / weights, 0.0, 255.0);
}

TEST(Resize, IsTheWeightedMeanThatTheDefinitionSays) {
  const Picture in = [] {  // smooth, so that clamping between the passes does not show
    Picture made(23, 31);
    for (int y = 0; y < 31; ++y) {
      for (int x = 0; x < 69; ++x) made.row(y)[x] = static_cast<uint8_t>(60 + x + 2 * y + (x * y) % 7);
    }
    return made;
  }();
  for (const Filter filter : {Filter::bilinear, Filter::bicubic}) {
    for (const auto& [width, height] : {std::pair{7, 9}, {23, 40}, {60, 5}, {1, 31}, {50, 50}}) {
      const Picture out = resize(in, width, height, {.filter = filter});
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          for (int c = 0; c < 3; ++c) {
            const double expected = plain(in, x, y, c, 23.0 / width, 31.0 / height, filter);
            ASSERT_NEAR(out.row(y)[3 * x + c], expected, 1.1)
                << width << "x" << height << " at " << x << "," << y;
          }
        }
      }
    }
  }
}

TEST(Resize, LeavesAPictureOfTheRightSizeAlone) {
  const Picture in = generated(20, 10);
  EXPECT_EQ(resize(in, 20, 10, {.filter = Filter::bicubic}), in);
}

TEST(Resize, RefusesSizesOfNothing) {
  EXPECT_THROW(resize(generated(2, 2), 0, 1, {}), Error);
  EXPECT_THROW(resize(Picture(), 1, 1, {}), Error);
}

}  // namespace
}  // namespace troika::vision
