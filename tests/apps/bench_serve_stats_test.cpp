#include "apps/bench_serve_stats.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <numeric>

namespace troika::apps::load {
namespace {

constexpr Window kWindow{10, 20};

// Answered: pieces of text at these times, this many tokens in all; over with the last piece.
Outcome answered(double start_s, std::vector<double> pieces_s, int tokens) {
  const double end_s = pieces_s.back();
  return {.fate = Fate::completed,
          .start_s = start_s,
          .end_s = end_s,
          .pieces_s = std::move(pieces_s),
          .tokens = tokens};
}

Outcome failed(double start_s, const char* error) {
  return {.fate = Fate::failed, .start_s = start_s, .end_s = start_s + 1, .error = error};
}

TEST(BenchServeStats, PercentilesAreNearestRanks) {
  std::vector<double> hundred(100);
  std::iota(hundred.rbegin(), hundred.rend(), 1.0);
  const Distribution d = distribution_of(hundred);
  EXPECT_EQ(d.count, 100u);
  EXPECT_EQ(d.p50, 50);
  EXPECT_EQ(d.p95, 95);
  EXPECT_EQ(d.p99, 99);
  EXPECT_EQ(d.most, 100);
}

TEST(BenchServeStats, PercentilesOfFewValuesAreAmongThem) {
  const Distribution one = distribution_of({7});
  EXPECT_EQ(one.p50, 7);
  EXPECT_EQ(one.p99, 7);
  const Distribution three = distribution_of({3, 1, 2});
  EXPECT_EQ(three.p50, 2);
  EXPECT_EQ(three.p95, 3);
  EXPECT_EQ(distribution_of({}).count, 0u);
}

TEST(BenchServeStats, TimesAreOfAnswersThatBeganInTheWindowWhereverTheyEnd) {
  const std::vector<Outcome> outcomes = {answered(9, {9.5, 11}, 2), answered(12, {12.25, 12.75}, 2),
                                         answered(19, {21, 24}, 2), answered(20, {20.1, 20.2}, 2)};
  const Figures f = figures_of(outcomes, kWindow, {});
  EXPECT_EQ(f.requests, 2);
  EXPECT_EQ(f.completed, 2);
  EXPECT_DOUBLE_EQ(f.first_token_s.p50, 0.25);
  EXPECT_DOUBLE_EQ(f.first_token_s.most, 2);
  EXPECT_EQ(f.gap_s.count, 2u);
  EXPECT_DOUBLE_EQ(f.gap_s.most, 3);
  EXPECT_DOUBLE_EQ(f.whole_s.most, 5);
}

TEST(BenchServeStats, SpeedsCountWhatArrivesInTheWindow) {
  // Of the first 1 of 2 pieces, of the second all, of the third 1 of 4; three tokens a piece.
  const std::vector<Outcome> outcomes = {answered(9, {9.5, 11}, 6), answered(12, {12.25, 12.75}, 6),
                                         answered(19, {19.5, 20, 21, 22}, 12)};
  const Figures f = figures_of(outcomes, kWindow, {});
  EXPECT_DOUBLE_EQ(f.tokens_per_s, (3 + 6 + 3) / 10.0);
  EXPECT_DOUBLE_EQ(f.completed_per_s, 2 / 10.0);
  EXPECT_DOUBLE_EQ(f.tokens_a_piece, 18 / 6.0);
  EXPECT_DOUBLE_EQ(f.tokens_an_answer, 9);
}

TEST(BenchServeStats, WhatIsNotCompletedAddsNoSpeedAndNoTimes) {
  std::vector<Outcome> outcomes = {failed(11, "HTTP 503"), failed(12, "HTTP 503"), failed(13, "timed out")};
  outcomes.push_back(
      {.fate = Fate::hung_up, .start_s = 14, .end_s = 15, .pieces_s = {14.5, 15}, .tokens = 2});
  outcomes.push_back({.fate = Fate::refused, .start_s = 16, .end_s = 16.1});
  const Figures f = figures_of(outcomes, kWindow, {});
  EXPECT_EQ(f.requests, 5);
  EXPECT_EQ(f.failed, 3);
  EXPECT_EQ(f.hung_up, 1);
  EXPECT_EQ(f.refused, 1);
  EXPECT_EQ(f.errors, (std::map<std::string, int>{{"HTTP 503", 2}, {"timed out", 1}}));
  EXPECT_EQ(f.tokens_per_s, 0);
  EXPECT_EQ(f.first_token_s.count, 0u);
  EXPECT_EQ(f.gap_s.count, 0u);
}

TEST(BenchServeStats, InTimeIsWhoNeverWaitedLongerThanPromised) {
  const std::vector<Outcome> outcomes = {
      answered(11, {11.5, 11.6, 11.7}, 3),  // in time
      answered(12, {13.5, 13.6}, 2),        // its first token is late
      answered(14, {14.5, 14.6, 15.6}, 3),  // a gap is too long
      failed(16, "HTTP 500"),
      {.fate = Fate::hung_up, .start_s = 17, .end_s = 18},
  };
  const auto share = [&](Promise promise) { return figures_of(outcomes, kWindow, promise).in_time_share; };
  EXPECT_EQ(share({}), std::nullopt);
  EXPECT_EQ(share({.first_token_s = 1, .gap_s = 0.5}), 1 / 4.0);
  EXPECT_EQ(share({.first_token_s = 1}), 2 / 4.0);
  EXPECT_EQ(share({.gap_s = 0.5}), 2 / 4.0);
  EXPECT_EQ(figures_of(outcomes, kWindow, {.gap_s = 0.5}).in_time_per_s, 2 / 10.0);
}

TEST(BenchServeStats, TheCachedShareIsOfThePromptsThatTheServerToldAbout) {
  std::vector<Outcome> outcomes(3, answered(11, {11.5}, 1));
  for (Outcome& o : outcomes) o.prompt_tokens = 100;
  EXPECT_EQ(figures_of(outcomes, kWindow, {}).cached_share, std::nullopt);
  outcomes[0].cached_tokens = 90;
  outcomes[1].cached_tokens = 0;
  EXPECT_EQ(figures_of(outcomes, kWindow, {}).cached_share, 90 / 200.0);
}

TEST(BenchServeStats, NothingMeasuredIsNoDivisionByZero) {
  const auto json = to_json(figures_of({}, kWindow, {.gap_s = 1}));
  EXPECT_EQ(json["tokens_per_s"], 0);
  EXPECT_EQ(json["in_time_share"], 0);
  EXPECT_TRUE(json["cached_share"].is_null());
}

}  // namespace
}  // namespace troika::apps::load
