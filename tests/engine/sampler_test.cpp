#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <set>

#include "base/error.h"

namespace troika::engine {
namespace {

std::vector<float> logits_of(const std::vector<double>& probabilities) {
  std::vector<float> logits;
  for (double p : probabilities) logits.push_back(float(std::log(p)));
  return logits;
}

// How often each id is drawn in `draws` draws of one sampler.
std::map<int32_t, int> draw(SamplingOptions options, const std::vector<float>& logits, int draws = 20000) {
  options.seed = 1;
  Sampler sampler(options, {}, int(logits.size()));
  std::map<int32_t, int> counts;
  for (int i = 0; i < draws; ++i) ++counts[sampler.pick(logits)];
  return counts;
}

const std::vector<float> kLogits = logits_of({0.1, 0.4, 0.2, 0.25, 0.05});

TEST(Sampler, TakesTheLargestAndOfEqualsTheFirstWhenGreedy) {
  Sampler sampler({.temperature = 0}, {}, 4);
  EXPECT_EQ(sampler.pick(std::vector<float>{1, 3, 3, 2}), 1);
}

TEST(Sampler, DrawsByTheSoftmax) {
  auto counts = draw({}, kLogits);
  EXPECT_NEAR(counts[1] / 20000.0, 0.4, 0.015);
  EXPECT_NEAR(counts[4] / 20000.0, 0.05, 0.01);
}

TEST(Sampler, AppliesTheTemperatureBeforeTheDraw) {
  auto counts = draw({.temperature = 0.5f}, kLogits);
  double total = 0.01 + 0.16 + 0.04 + 0.0625 + 0.0025;
  EXPECT_NEAR(counts[1] / 20000.0, 0.16 / total, 0.015);
}

TEST(Sampler, KeepsTheTopK) {
  auto counts = draw({.top_k = 2}, kLogits);
  EXPECT_EQ(counts.size(), 2u);
  EXPECT_NEAR(counts[1] / 20000.0, 0.4 / 0.65, 0.015);
}

TEST(Sampler, KeepsTheFewestThatHoldTopP) {
  auto counts = draw({.top_p = 0.6f}, kLogits);
  EXPECT_EQ(counts.size(), 2u);
  EXPECT_EQ(draw({.top_p = 0.66f}, kLogits).size(), 3u);
  EXPECT_EQ(draw({.top_p = 0.0f}, kLogits).size(), 1u);
}

TEST(Sampler, KeepsWhatReachesMinPOfTheBest) {
  EXPECT_EQ(draw({.min_p = 0.45f}, kLogits).size(), 3u);
  EXPECT_EQ(draw({.min_p = 1.0f}, kLogits).size(), 1u);
}

TEST(Sampler, KeepsTokensWhoseSurpriseIsNearTheEntropy) {
  // Entropy 1.38 nats: the nearest in surprise are 3 (1.386), then 2 (1.609), then 1 (0.916).
  auto counts = draw({.typical_p = 0.3f}, kLogits);
  EXPECT_EQ(counts.size(), 2u);
  EXPECT_TRUE(counts.contains(3) && counts.contains(2));
}

TEST(Sampler, FindsTopPOfALargeFlatVocabulary) {
  std::mt19937 random(3);
  std::normal_distribution<float> normal;
  std::vector<float> logits(50000);
  for (float& l : logits) l = normal(random);
  std::vector<float> sorted = logits;
  std::sort(sorted.rbegin(), sorted.rend());
  double total = 0, mass = 0;
  for (float l : sorted) total += std::exp(l);
  size_t kept = 0;
  while (mass < 0.3 * total) mass += std::exp(sorted[kept++]);
  float least = sorted[kept - 1];
  Sampler sampler({.top_p = 0.3f, .seed = 5}, {}, 50000);
  for (int i = 0; i < 200; ++i) EXPECT_GE(logits[sampler.pick(logits)], least);
}

TEST(Sampler, DividesPositiveAndMultipliesNegativeLogitsByTheRepetitionPenalty) {
  Sampler sampler({.temperature = 0, .repetition_penalty = 2}, std::vector<int32_t>{0, 2}, 3);
  EXPECT_EQ(sampler.pick(std::vector<float>{3, 2, -1}), 1);  // 1.5, 2, -2
  Sampler negative({.temperature = 0, .repetition_penalty = 2}, std::vector<int32_t>{0}, 2);
  EXPECT_EQ(negative.pick(std::vector<float>{-1, -1.5}), 1);  // -2, -1.5
}

TEST(Sampler, CountsOnlyGeneratedTokensForPresenceAndFrequency) {
  Sampler sampler({.temperature = 0, .frequency_penalty = 1}, std::vector<int32_t>{0}, 2);
  std::vector<float> logits{2.5, 1};
  EXPECT_EQ(sampler.pick(logits), 0);  // the prompt does not count
  EXPECT_EQ(sampler.pick(logits), 0);  // 1.5 against 1
  EXPECT_EQ(sampler.pick(logits), 1);  // 0.5 against 1
  Sampler present({.temperature = 0, .presence_penalty = 2}, {}, 2);
  EXPECT_EQ(present.pick(logits), 0);
  EXPECT_EQ(present.pick(logits), 1);
  EXPECT_EQ(present.pick(logits), 0);  // 0.5 against -1, however often
}

TEST(Sampler, AddsTheBias) {
  Sampler banned({.temperature = 0, .logit_bias = {{1, -100}}}, {}, 5);
  EXPECT_EQ(banned.pick(kLogits), 3);
  Sampler forced({.logit_bias = {{4, 100}}, .seed = 1}, {}, 5);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(forced.pick(kLogits), 4);
}

TEST(Sampler, SurvivesATemperatureNextToNothing) {
  Sampler sampler({.temperature = 1e-40f, .min_p = 0.1f, .seed = 1}, {}, 5);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(sampler.pick(kLogits), 1);
}

TEST(Sampler, RefusesLogitsThatAreNoNumbers) {
  Sampler sampler({.seed = 1}, {}, 2);
  EXPECT_THROW(sampler.pick(std::vector<float>{NAN, NAN}), Error);
}

TEST(Sampler, RepeatsItselfWithTheSameSeed) {
  auto run = [](uint64_t seed) {
    Sampler sampler({.top_p = 0.9f, .seed = seed}, {}, 5);
    std::vector<int32_t> ids;
    for (int i = 0; i < 50; ++i) ids.push_back(sampler.pick(kLogits));
    return ids;
  };
  EXPECT_EQ(run(1), run(1));
  EXPECT_NE(run(1), run(2));
}

TEST(Sampler, NeverDrawsPaddingRowsOfTheHead) {
  Sampler sampler({.seed = 1}, {}, 2);
  for (int i = 0; i < 50; ++i) EXPECT_LT(sampler.pick(std::vector<float>{0, 0, 100, 100}), 2);
}

TEST(Logprobs, AreOfTheUnfilteredSoftmax) {
  auto top = top_logprobs(kLogits, 3);
  ASSERT_EQ(top.size(), 3u);
  EXPECT_EQ(top[0].id, 1);
  EXPECT_EQ(top[1].id, 3);
  EXPECT_NEAR(top[0].logprob, std::log(0.4), 1e-6);
  EXPECT_NEAR(logprob(kLogits, 4), std::log(0.05), 1e-6);
}

}  // namespace
}  // namespace troika::engine
