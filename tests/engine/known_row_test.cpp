// A choice from the most likely tokens of a row is the choice from the whole row.
#include "engine/known_row.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "device/plain_top.h"
#include "engine/sampler.h"
#include "engine/sampler_cases.h"

namespace troika::engine {
namespace {

grammar::TokenMask random_mask(Cases& make, int vocabulary) {
  grammar::TokenMask mask{size_t(vocabulary)};
  const int share = make.one_of({1, 2, 5, 50});
  for (int32_t id = 0; id < vocabulary; ++id) {
    if (make.id(share) == 0) mask.allow(id);
  }
  return mask;
}

// A device's sums are not exact.
void disturb(device::TopLogits& top, Cases& make) {
  top.drawable_sum *= make.one_of({1.0f, 1.00003f, 0.99997f});
}

struct Told {
  int draws = 0, served = 0, wanted_whole = 0;
};

// The same draws by one sampler that sees whole rows and by one that sees them only where it must.
Told draw_both(Cases& make, const SamplingOptions& o, const std::vector<float>& logits, int vocabulary, int draws) {
  std::vector<int32_t> prompt;
  for (int i = 0; i < 20; ++i) prompt.push_back(make.id(vocabulary));
  const bool constrained = make.id(6) == 0;
  const grammar::TokenMask mask = constrained ? random_mask(make, vocabulary) : grammar::TokenMask{};
  const grammar::TokenMask* allowed = constrained ? &mask : nullptr;
  Sampler whole(o, prompt, vocabulary), some(o, prompt, vocabulary);
  const ops::Wanted wanted = some.wanted(constrained);
  device::TopLogits top = device::plain_top(logits, vocabulary, wanted.factor);
  disturb(top, make);
  Told told;
  for (int i = 0; i < draws; ++i, ++told.draws) {
    std::optional<int32_t> got = some.pick(top, allowed);
    told.served += got.has_value();
    told.wanted_whole += wanted.whole != 0;
    EXPECT_FALSE(got && wanted.whole);
    const auto pick = [&](Sampler& sampler) {
      try {
        return sampler.pick(logits, allowed);
      } catch (const Error&) {
        return -1;
      }
    };
    if (!got) got = pick(some);
    EXPECT_EQ(*got, pick(whole));
  }
  return told;
}

Told expect_the_same(int vocabulary, int padding, int cases, int draws) {
  Cases make(vocabulary + padding);
  Told all;
  for (int i = 0; i < cases; ++i) {
    SamplingOptions o = make.options(vocabulary);
    if (make.id(2)) o.top_k = make.one_of({1, 20, 40, 64, 127, 128, 129});
    if (make.id(2)) o.logit_bias.clear();
    const std::vector<float> logits = make.logits(vocabulary + padding);
    const Told told = draw_both(make, o, logits, vocabulary, draws);
    all.draws += told.draws, all.served += told.served, all.wanted_whole += told.wanted_whole;
    if (::testing::Test::HasFailure()) {
      ADD_FAILURE() << "vocabulary " << vocabulary << ", case " << i << ": temperature " << o.temperature << ", top_k "
                    << o.top_k << ", top_p " << o.top_p << ", min_p " << o.min_p << ", typical_p " << o.typical_p;
      break;
    }
  }
  return all;
}

TEST(KnownRow, LeadsToTheSameTokensInSmallVocabularies) {
  for (int vocabulary : {1, 2, 31, 33, 64, 127, 128, 129, 130, 200}) expect_the_same(vocabulary, 0, 500, 4);
}

TEST(KnownRow, LeadsToTheSameTokensInLargeVocabularies) {
  for (int vocabulary : {331, 1000, 4097}) expect_the_same(vocabulary, 0, 1500, 4);
  const Told told = expect_the_same(50000, 0, 300, 4);
  EXPECT_GT(told.served, told.draws / 5);
}

TEST(KnownRow, LeavesPaddingOut) {
  for (int padding : {1, 60, 500}) expect_the_same(1000, padding, 500, 4);
}

// As models publish them, and as clients ask: rows as models make them are hardly ever needed whole.
TEST(KnownRow, SufficesForUsualSettings) {
  const SamplingOptions usual[] = {
      {.temperature = 0},
      {.temperature = 0.7f, .top_k = 20, .top_p = 0.8f, .repetition_penalty = 1.05f},
      {.temperature = 0.6f, .top_k = 20, .top_p = 0.95f},
      {.temperature = 1, .top_k = 64, .top_p = 0.95f},
      {.temperature = 0.8f, .top_k = 40, .top_p = 0.95f, .min_p = 0.05f},
      {.temperature = 0.7f, .top_p = 0.9f},
      {.temperature = 1, .min_p = 0.1f},
      {.temperature = 1, .top_k = 40, .typical_p = 0.95f},
  };
  for (SamplingOptions o : usual) {
    int served = 0, rows = 0;
    for (uint32_t seed = 0; seed < 300; ++seed, ++rows) {
      std::mt19937 random(seed);
      std::exponential_distribution<float> tail(1.2f);  // a few stand out
      std::vector<float> logits(5000);
      for (float& l : logits) l = 2.5f * tail(random);
      o.seed = seed;
      Sampler whole(o, std::vector<int32_t>{1, 2, 3}, 5000), some(o, std::vector<int32_t>{1, 2, 3}, 5000);
      const auto got = some.pick(device::plain_top(logits, 5000, some.wanted(false).factor));
      if (!got) continue;
      ++served;
      ASSERT_EQ(*got, whole.pick(logits));
    }
    EXPECT_GE(served, rows * 9 / 10) << "temperature " << o.temperature << ", top_k " << o.top_k << ", top_p " << o.top_p;
  }
}

// Cuts that lie next to a token's edge are not decided by a sum that is not exact.
TEST(KnownRow, LeavesCloseCutsToTheWholeRow) {
  const std::vector<float> logits = {std::log(0.4f), std::log(0.3f), std::log(0.2f), std::log(0.1f)};
  for (float top_p : {0.4f, 0.7f, 0.9f}) {
    Sampler sampler({.top_p = top_p, .seed = 1}, {}, 4);
    EXPECT_FALSE(sampler.pick(device::plain_top(logits, 4, 1))) << top_p;
  }
  Sampler sampler({.top_p = 0.5f, .seed = 1}, {}, 4);
  EXPECT_TRUE(sampler.pick(device::plain_top(logits, 4, 1)));
}

// Tokens that are not listed may tie with what is left of the list.
TEST(KnownRow, LeavesTiesWithTheEndOfTheListToTheWholeRow) {
  std::vector<float> logits(200, 1.0f);
  logits[150] = 2;  // halved: 127, which is not listed, comes first
  grammar::TokenMask mask(200);
  for (int32_t id = 127; id < 200; ++id) mask.allow(id);
  Sampler greedy({.temperature = 0, .repetition_penalty = 2}, std::vector<int32_t>{150}, 200);
  EXPECT_FALSE(greedy.pick(device::plain_top(logits, 200, 1), &mask));
  EXPECT_EQ(greedy.pick(logits, &mask), 127);

  std::vector<float> halves(200, std::log(0.5f));
  halves[0] = 0;
  Sampler sampler({.min_p = 0.5f, .seed = 1}, {}, 200);
  EXPECT_FALSE(sampler.pick(device::plain_top(halves, 200, 1)));
}

TEST(KnownRow, TellsLogprobsLikeTheWholeRow) {
  Cases make(3);
  for (int i = 0; i < 300; ++i) {
    const std::vector<float> logits = make.logits(3000);
    if (std::ranges::any_of(logits, [](float l) { return std::isnan(l) || l == INFINITY; })) continue;
    const device::TopLogits top = device::plain_top(logits, 3000, 1);
    if (top.largest[0].logit == -INFINITY) continue;
    Logprobs whole(logits);
    const auto want = whole.top(20);
    const int32_t own = top.largest[make.id(device::kTopLogits)].id;
    const auto got = logprobs_of(top, own, 20);
    ASSERT_TRUE(got);
    ASSERT_EQ(got->top.size(), want.size());
    const auto near = [](float a, float b) { return a == b || std::abs(a - b) <= 1e-5f * std::max(1.0f, -b); };  // -∞ is itself
    for (size_t j = 0; j < want.size(); ++j) {
      ASSERT_EQ(got->top[j].id, want[j].id);
      ASSERT_TRUE(near(got->top[j].logprob, want[j].logprob)) << got->top[j].logprob << ", not " << want[j].logprob;
    }
    ASSERT_TRUE(near(got->own, whole.of(own))) << got->own << ", not " << whole.of(own);
  }
  EXPECT_FALSE(logprobs_of(device::plain_top(std::vector<float>(200, 1.0f), 200, 1), 199, 5)) << "of what is not listed";
}

}  // namespace
}  // namespace troika::engine
