#include "engine/sampler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <set>

#include "base/error.h"
#include "engine/plain_sampler.h"
#include "engine/sampler_cases.h"

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

std::vector<const kernels::KernelTable*> tables() {
  std::vector<const kernels::KernelTable*> found;
  for (auto isa : {kernels::Isa::scalar, kernels::Isa::avx2, kernels::Isa::avx512}) {
    if (const kernels::KernelTable* table = kernels::kernel_table(isa)) found.push_back(table);
  }
  return found;
}

// The next tokens, or -1 where the sampler refuses the logits.
template <typename S>
std::vector<int32_t> tokens_of(S sampler, const std::vector<float>& logits, int count) {
  std::vector<int32_t> ids;
  for (int i = 0; i < count; ++i) {
    try {
      ids.push_back(sampler.pick(logits));
    } catch (const Error&) {
      ids.push_back(-1);
    }
  }
  return ids;
}

void expect_as_defined(int vocabulary, int cases, int draws) {
  Cases make(vocabulary);
  for (int i = 0; i < cases; ++i) {
    SamplingOptions o = make.options(vocabulary);
    std::vector<float> logits = make.logits(vocabulary);
    std::vector<int32_t> prompt{make.id(vocabulary), make.id(vocabulary)};
    std::vector<int32_t> wanted = tokens_of(plain::Sampler(o, prompt, vocabulary), logits, draws);
    for (const kernels::KernelTable* table : tables()) {
      ASSERT_EQ(tokens_of(Sampler(o, prompt, vocabulary, *table), logits, draws), wanted)
          << table->name << ", vocabulary " << vocabulary << ", case " << i << ": temperature " << o.temperature
          << ", top_k " << o.top_k << ", top_p " << o.top_p << ", min_p " << o.min_p << ", typical_p " << o.typical_p;
    }
  }
}

TEST(Sampler, DrawsAsDefinedFromAFewTokens) {
  for (int vocabulary : {1, 2, 3, 7, 8, 9}) expect_as_defined(vocabulary, 300, 5);
}
TEST(Sampler, DrawsAsDefinedAboutTheEndsOfBlocks) {
  for (int vocabulary : {31, 32, 33, 63, 64, 65, 255, 257}) expect_as_defined(vocabulary, 200, 5);
}
TEST(Sampler, DrawsAsDefinedFromThousands) {
  for (int vocabulary : {1000, 4097, 9000}) expect_as_defined(vocabulary, 200, 5);
}
TEST(Sampler, DrawsAsDefinedFromALargeVocabulary) { expect_as_defined(151936, 40, 3); }

// Equal tokens: which of them are kept is told by their ids.
TEST(Sampler, KeepsTheFirstOfEqualTokens) {
  std::vector<float> logits(2000, 1.0f);
  for (const kernels::KernelTable* table : tables()) {
    for (SamplingOptions o : {SamplingOptions{.top_k = 1100}, SamplingOptions{.top_k = 300}, SamplingOptions{.top_p = 0.5f}}) {
      o.seed = 1;
      Sampler sampler(o, {}, 2000, *table);
      std::set<int32_t> drawn;
      for (int i = 0; i < 15000; ++i) drawn.insert(sampler.pick(logits));
      size_t kept = o.top_k ? o.top_k : 1000;
      EXPECT_EQ(drawn.size(), kept) << table->name;
      EXPECT_EQ(*drawn.rbegin(), static_cast<int32_t>(kept) - 1) << table->name;
    }
  }
}

TEST(Logprobs, AreThoseDefined) {
  for (int vocabulary : {1, 5, 33, 1000, 50000}) {
    Cases make(vocabulary);
    for (int i = 0; i < 60; ++i) {
      std::vector<float> logits = make.logits(vocabulary);
      if (std::any_of(logits.begin(), logits.end(), [](float l) { return std::isnan(l) || l == INFINITY; })) continue;
      if (*std::max_element(logits.begin(), logits.end()) == -INFINITY) continue;
      for (int count : {0, 1, 20}) {
        std::vector<TokenLogprob> wanted = plain::top_logprobs(logits, count);
        for (const kernels::KernelTable* table : tables()) {
          Logprobs logprobs(logits, *table);
          std::vector<TokenLogprob> top = logprobs.top(count);
          ASSERT_EQ(top.size(), wanted.size()) << table->name << ", vocabulary " << vocabulary << ", case " << i;
          for (size_t j = 0; j < top.size(); ++j) {
            ASSERT_EQ(top[j].id, wanted[j].id) << table->name << ", vocabulary " << vocabulary << ", case " << i;
            if (top[j].logprob != wanted[j].logprob) {  // -∞ is itself
              ASSERT_NEAR(top[j].logprob, wanted[j].logprob, 2e-6 * std::max(1.0f, std::abs(top[j].logprob)));
            }
            ASSERT_EQ(logprobs.of(top[j].id), top[j].logprob);
          }
        }
      }
    }
  }
}

TEST(Logprobs, AreOfTheUnfilteredSoftmax) {
  Logprobs logprobs(kLogits);
  auto top = logprobs.top(3);
  ASSERT_EQ(top.size(), 3u);
  EXPECT_EQ(top[0].id, 1);
  EXPECT_EQ(top[1].id, 3);
  EXPECT_NEAR(top[0].logprob, std::log(0.4), 1e-6);
  EXPECT_NEAR(logprobs.of(4), std::log(0.05), 1e-6);
}

}  // namespace
}  // namespace troika::engine
