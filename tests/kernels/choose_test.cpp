// Passes over logits: what they leave is the same in every table, bit for bit.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include "kernels/linear_case.h"

namespace troika::kernels {
namespace {

constexpr double kSentinel = 12345;

std::vector<float> logits_of(int n) {
  std::mt19937 random(n);
  std::normal_distribution<float> normal(0, 9);
  std::vector<float> logits(n);
  for (float& l : logits) l = normal(random);
  if (n > 3) logits[1] = NAN, logits[2] = -INFINITY;
  return logits;
}

struct Weights {
  std::vector<float> largest;
  std::vector<double> all, sums, kept, kept_sums;
};

Weights weights_of(const KernelTable& table, const std::vector<float>& logits, LogitScale scale, float bound, int last) {
  size_t n = logits.size(), blocks = (n + kChoiceBlock - 1) / kChoiceBlock;
  Weights w{std::vector<float>(blocks + 1, float(kSentinel)), std::vector<double>(blocks * kChoiceBlock + 1, kSentinel),
            std::vector<double>(blocks + 1, kSentinel), {}, {}};
  table.largest_of_blocks(logits.data(), n, w.largest.data());
  table.weigh(logits.data(), n, scale, w.all.data(), w.sums.data());
  w.kept = w.all;
  for (size_t b = 0; b < blocks; ++b) {
    size_t begin = b * kChoiceBlock;
    w.kept_sums.push_back(table.keep_weights(&logits[begin], std::min<size_t>(n - begin, kChoiceBlock), scale, bound,
                                             last, &w.kept[begin]));
  }
  return w;
}

TEST(Choice, WeighsTokensAsEToTheX) {
  for (const KernelTable* table : tables()) {
    for (int n : {1, 3, 31, 32, 33, 1000}) {
      std::vector<float> logits = logits_of(n);
      LogitScale scale{20, 0.7f};
      float bound = (logits[0] - scale.largest) * scale.factor;
      Weights w = weights_of(*table, logits, scale, bound, 0);
      EXPECT_EQ(w.largest.back(), float(kSentinel));
      EXPECT_EQ(w.all.back(), kSentinel);
      EXPECT_EQ(w.sums.back(), kSentinel);
      for (size_t b = 0; b + 1 < w.sums.size(); ++b) {
        float largest = -INFINITY;
        double sum = 0, kept_sum = 0;
        for (int i = 0; i < kChoiceBlock; ++i) {
          size_t at = b * kChoiceBlock + i;
          float logit = at < size_t(n) ? logits[at] : -INFINITY, x = (logit - scale.largest) * scale.factor;
          if (logit > largest) largest = logit;
          double weight = x > kNegligible ? std::exp(double(x)) : 0;
          bool kept = x > bound || (x == bound && i <= 0);
          EXPECT_NEAR(w.all[at], weight, 2e-14 * weight) << table->name << ", x " << x;
          EXPECT_EQ(w.kept[at], kept ? w.all[at] : 0) << table->name << ", x " << x;
          sum += weight;
          kept_sum += kept ? weight : 0;
        }
        EXPECT_EQ(w.largest[b], largest) << table->name;
        EXPECT_NEAR(w.sums[b], sum, 1e-13 * sum) << table->name;
        EXPECT_NEAR(w.kept_sums[b], kept_sum, 1e-13 * kept_sum) << table->name;
      }
    }
  }
}

TEST(Choice, PlacesTokensByTheirDistanceFromTheBest) {
  for (const KernelTable* table : tables()) {
    for (int n : {1, 31, 32}) {
      std::vector<float> logits = logits_of(n);
      LogitScale scale{50, 0.7f};
      std::vector<int32_t> places(kChoiceBlock + 1, -7);
      table->place(logits.data(), n, scale, -3, 100, places.data());
      EXPECT_EQ(places.back(), -7);
      for (int i = 0; i < kChoiceBlock; ++i) {
        float place = i < n ? (logits[i] - scale.largest) * scale.factor * -3 : INFINITY;
        EXPECT_EQ(places[i], place < 100 ? int(place) : 100) << table->name << ", logit " << i << " of " << n;
      }
    }
  }
}

TEST(Choice, HasTheSameBitsInEveryTable) {
  std::vector<float> logits = logits_of(20001);
  for (LogitScale scale : {LogitScale{50, 1}, LogitScale{40, 1 / 0.6f}, LogitScale{45, 1e-30f}}) {
    Weights wanted = weights_of(*kernel_table(Isa::scalar), logits, scale, -20, 7);
    auto bits = [](const std::vector<double>& values) {
      std::vector<uint64_t> bits;
      for (double v : values) bits.push_back(std::bit_cast<uint64_t>(v));
      return bits;
    };
    for (const KernelTable* table : tables()) {
      Weights w = weights_of(*table, logits, scale, -20, 7);
      EXPECT_EQ(w.largest, wanted.largest) << table->name;
      EXPECT_EQ(bits(w.all), bits(wanted.all)) << table->name;
      EXPECT_EQ(bits(w.sums), bits(wanted.sums)) << table->name;
      EXPECT_EQ(bits(w.kept), bits(wanted.kept)) << table->name;
      EXPECT_EQ(bits(w.kept_sums), bits(wanted.kept_sums)) << table->name;
    }
  }
}

}  // namespace
}  // namespace troika::kernels
