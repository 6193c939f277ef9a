// Activations in tiles: what each arithmetic's maker writes, by kernel_table.h's drawing, and that all tables round
// alike.
#include <gtest/gtest.h>

#include <limits>

#include "kernels/linear_case.h"

namespace troika::kernels {
namespace {

constexpr float kSentinel = -7.25e33f;

// A tile with three floats behind it; rows of x are `gap` floats apart and begin a float late.
std::vector<float> tile_of(const KernelTable& table, Arithmetic arithmetic, const std::vector<float>& x, int tokens, int depth,
                           int gap) {
  std::vector<float> apart(1 + size_t(tokens) * (depth + gap), NAN);
  for (int t = 0; t < tokens; ++t) {
    std::copy_n(x.begin() + size_t(t) * depth, depth, apart.begin() + 1 + size_t(t) * (depth + gap));
  }
  size_t floats = tokens * activation_bytes(arithmetic, depth) / sizeof(float);
  std::vector<float> tile(1 + floats + 3, kSentinel);
  table.tile_maker(arithmetic)(apart.data() + 1, size_t(depth) + gap, tokens, depth,
                               reinterpret_cast<std::byte*>(tile.data() + 1));
  EXPECT_EQ(tile[0], kSentinel);
  for (size_t i = 1 + floats; i < tile.size(); ++i) EXPECT_EQ(tile[i], kSentinel) << table.name << ": written past the tile";
  tile.resize(1 + floats);
  return tile;
}

RoundedTile rounded(const std::vector<float>& tile, int tokens) {
  return {reinterpret_cast<const std::byte*>(tile.data() + 1), tokens};
}

TEST(Interleave, BringsTheTokensOfAColumnTogether) {
  for (const KernelTable* table : tables()) {
    for (int tokens = 1; tokens <= table->tile_tokens; ++tokens) {
      for (int depth : {1, 3, 17, 64, 255}) {
        auto x = random_values(size_t(tokens) * depth, 3);
        auto tile = tile_of(*table, Arithmetic::float32, x, tokens, depth, 5);
        for (int t = 0; t < tokens; ++t) {
          for (int k = 0; k < depth; ++k) ASSERT_EQ(tile[1 + k * tokens + t], x[size_t(t) * depth + k]) << table->name;
        }
      }
    }
  }
}

// The definition, one operation at a time: every table must give these very bits.
TEST(RoundToInt16, BringsPairsOfAllTokensTogether) {
  for (const KernelTable* table : tables()) {
    for (int tokens = 1; tokens <= table->tile_tokens; ++tokens) {
      for (int depth : {1, 3, 17, 31, 32, 33, 63, 64, 65, 128, 255, 256}) {
        auto x = random_values(size_t(tokens) * depth, 3, 10);
        if (depth == 128) std::fill_n(x.begin(), 64, 0.0f);
        if (depth == 256) {
          for (int i = 0; i < 64; ++i) x[x.size() - 1 - i] *= 1e37f;
        }
        auto tile = tile_of(*table, Arithmetic::int16, x, tokens, depth, 5);
        PairTile got(reinterpret_cast<const std::byte*>(tile.data() + 1), tokens, depth);
        for (int t = 0; t < tokens; ++t) {
          for (int k = 0; k < (depth + 1) / 2 * 2; ++k) {
            SCOPED_TRACE(fmt::format("{} token {} of {} column {} of {}", table->name, t, tokens, k, depth));
            if (k == depth) {
              ASSERT_EQ(got.value(t, k), 0);
              continue;
            }
            const float *row = &x[size_t(t) * depth], *group = row + k / kPairGroup * kPairGroup;
            float largest = 0;
            for (const float* v = group; v < std::min(group + kPairGroup, row + depth); ++v) {
              largest = std::max(largest, std::abs(*v));
            }
            ASSERT_EQ(got.scale(t, k), largest / 8191);
            ASSERT_EQ(got.value(t, k), int(std::nearbyint(row[k] * (largest > 0 ? 8191 / largest : 0))));
            ASSERT_LE(std::abs(got.value(t, k)), 8191);
            ASSERT_LE(std::abs(double{got.scale(t, k)} * got.value(t, k) - row[k]), got.scale(t, k) * 0.502);
          }
        }
      }
    }
  }
}

TEST(RoundToInt16, TakesTheSmallestNumbersForZeros) {
  for (const KernelTable* table : tables()) {
    for (float tiny : {1e-45f, 1e-38f, 2e-35f, 3e-35f, 4e-35f}) {
      std::vector<float> x(128, tiny);
      x[3] = -tiny, x[5] = 0, x[70] = 1;
      auto tile = tile_of(*table, Arithmetic::int16, x, 1, 128, 0);
      PairTile got(reinterpret_cast<const std::byte*>(tile.data() + 1), 1, 128);
      for (int k = 0; k < 64; ++k) {
        EXPECT_LE(std::abs(double{got.scale(0, k)} * got.value(0, k) - x[k]), tiny) << table->name << " at " << k;
      }
      EXPECT_EQ(got.value(0, 70), 8191);
    }
  }
}

// A group with a number that is not finite has a scale that is no number, and so has every product with it.
TEST(RoundToInt16, SaysThatAGroupIsNotFinite) {
  for (const KernelTable* table : tables()) {
    for (float bad : {NAN, -NAN, INFINITY, -INFINITY}) {
      for (int at = 64; at < 128; ++at) {
        auto x = random_values(150, 7);
        x[at] = bad;
        auto tile = tile_of(*table, Arithmetic::int16, x, 1, 150, 0);
        PairTile got(reinterpret_cast<const std::byte*>(tile.data() + 1), 1, 150);
        EXPECT_TRUE(std::isnan(got.scale(0, 64))) << table->name << " " << bad << " at " << at;
        for (int k : {0, 128}) EXPECT_TRUE(std::isfinite(got.scale(0, k)));
      }
    }
  }
}

// The definition, one operation at a time: every table must give these very bits.
TEST(Quantise, RoundsToTheNearestOf255Steps) {
  for (const KernelTable* table : tables()) {
    for (int tokens = 1; tokens <= table->tile_tokens; ++tokens) {
      for (int depth : {32, 96, 256, 288}) {
        auto x = random_values(size_t(tokens) * depth, 4, 10);
        std::fill_n(x.begin(), 32, 0.0f);
        for (int i = 0; i < 32; ++i) x[x.size() - 1 - i] *= 1e37f;
        auto tile = tile_of(*table, Arithmetic::int8, x, tokens, depth, 3);
        RoundedTile got = rounded(tile, tokens);
        for (int t = 0; t < tokens; ++t) {
          for (int b = 0; b < depth; b += 32) {
            SCOPED_TRACE(fmt::format("{} token {} of {} columns {} of {}", table->name, t, tokens, b, depth));
            const float* from = &x[size_t(t) * depth + b];
            float largest = 0;
            for (int i = 0; i < 32; ++i) largest = std::max(largest, std::abs(from[i]));
            float scale = largest / 127, steps = largest > 0 ? 127 / largest : 0;
            int sum = 0;
            for (int half = 0; half < 32; half += 16) {
              int half_sum = 0, pairs[2] = {};
              for (int i = half; i < half + 16; ++i) {
                ASSERT_EQ(got.value(t, b + i), int(std::nearbyint(from[i] * steps))) << from[i];
                ASSERT_LE(std::abs(double{scale} * got.value(t, b + i) - from[i]), scale * 0.5001);
                half_sum += got.value(t, b + i);
                pairs[i % 4 / 2] += got.value(t, b + i);
              }
              EXPECT_EQ(got.pair(t, b + half, 0), pairs[0]);
              EXPECT_EQ(got.pair(t, b + half, 1), pairs[1]);
              EXPECT_EQ(got.half_sum(t, b + half), scale * float(half_sum));
              sum += half_sum;
            }
            EXPECT_EQ(got.scale(t, b), scale);
            EXPECT_EQ(got.sum(t, b), scale * float(sum));
          }
        }
      }
    }
  }
}

// Values so small that 127 / largest is no number: they count as zeros.
TEST(Quantise, TakesTheSmallestNumbersForZeros) {
  for (const KernelTable* table : tables()) {
    for (float tiny : {1e-45f, 1e-40f, 1e-38f, 3e-37f}) {
      std::vector<float> x(64, tiny);
      x[3] = -tiny, x[5] = 0, x[40] = 1;
      auto tile = tile_of(*table, Arithmetic::int8, x, 1, 64, 0);
      RoundedTile got = rounded(tile, 1);
      for (int k = 0; k < 32; ++k) {
        double value = double{got.scale(0, k)} * got.value(0, k);
        EXPECT_LE(std::abs(value - x[k]), tiny) << table->name << " " << tiny << " at " << k;
      }
      EXPECT_LE(std::abs(got.sum(0, 0)), 32 * tiny) << table->name << " " << tiny;
      EXPECT_EQ(got.value(0, 40), 127);
    }
  }
}

// A block with a number that is not finite has a scale that is no number, and so has every product with it.
TEST(Quantise, SaysThatABlockIsNotFinite) {
  for (const KernelTable* table : tables()) {
    for (float bad : {NAN, -NAN, INFINITY, -INFINITY}) {
      for (int at = 32; at < 64; ++at) {
        auto x = random_values(96, 7);
        x[at] = bad;
        auto tile = tile_of(*table, Arithmetic::int8, x, 1, 96, 0);
        RoundedTile got = rounded(tile, 1);
        EXPECT_TRUE(std::isnan(got.scale(0, 32))) << table->name << " " << bad << " at " << at;
        EXPECT_TRUE(std::isnan(got.sum(0, 32)) && std::isnan(got.half_sum(0, 32)) && std::isnan(got.half_sum(0, 48)));
        for (int k : {0, 64}) EXPECT_TRUE(std::isfinite(got.scale(0, k)) && std::isfinite(got.sum(0, k)));
      }
    }
  }
}

}  // namespace
}  // namespace troika::kernels
