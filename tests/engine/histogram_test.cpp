#include "engine/histogram.h"

#include <gtest/gtest.h>

namespace troika::engine {
namespace {

constexpr std::array kBounds = {1.0, 2.0, 4.0};

TEST(Histogram, PutsAValueUnderTheFirstBoundThatIsNotBelowIt) {
  Histogram<kBounds> histogram;
  for (const double value : {0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 1e9}) histogram.add(value);
  EXPECT_EQ(histogram.counts, (std::array<int64_t, 4>{2, 2, 2, 2}));
  EXPECT_EQ(histogram.count(), 8);
  EXPECT_EQ(histogram.sum, 16.5 + 1e9);
}

}  // namespace
}  // namespace troika::engine
