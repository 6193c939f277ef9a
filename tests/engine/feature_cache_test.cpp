#include "engine/feature_cache.h"

#include <gtest/gtest.h>

namespace troika::engine {
namespace {

std::shared_ptr<const Features> features(int values) {
  auto f = std::make_shared<Features>();
  f->values.resize(size_t(values));
  return f;
}

TEST(FeatureCache, ForgetsWhatWasNotLookedAtForLongest) {
  FeatureCache cache(100 * sizeof(float));
  vision::Hash a{1, 0}, b{2, 0}, c{3, 0};
  cache.put(a, features(40));
  cache.put(b, features(40));
  EXPECT_TRUE(cache.find(a));
  cache.put(c, features(40));
  EXPECT_TRUE(cache.find(a));
  EXPECT_FALSE(cache.find(b));
  EXPECT_TRUE(cache.find(c));
  EXPECT_EQ(cache.bytes(), 80 * sizeof(float));
}

TEST(FeatureCache, KeepsNothingLargerThanItself) {
  FeatureCache cache(100 * sizeof(float));
  cache.put({1, 0}, features(60));
  cache.put({2, 0}, features(101));
  EXPECT_TRUE(cache.find({1, 0}));
  EXPECT_FALSE(cache.find({2, 0}));
}

}  // namespace
}  // namespace troika::engine
