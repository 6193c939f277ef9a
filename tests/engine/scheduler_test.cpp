// What goes into a step, and which pages it takes: arithmetic on plain data, tested with no device at all.
#include <gtest/gtest.h>

#include "engine/scheduler_texts.h"

namespace troika::engine {
namespace {

TEST(Scheduler, ChunksALongPromptByTheBudget) {
  Scheduler scheduler({.tokens = 100, .outputs = 8, .sequences = 8}, {KvPages(100, 0)});
  Sequence s = sequence(1, 250);
  scheduler.add(&s);
  for (int expected : {100, 100, 50, 1}) {
    auto work = scheduler.next();
    ASSERT_EQ(work.size(), 1u);
    EXPECT_EQ(work[0].count, expected);
    EXPECT_EQ(work[0].outputs, expected == 100 ? 0 : 1);
    compute(work);
  }
}

TEST(Scheduler, ServesGeneratingSequencesBeforePromptsInTheSameStep) {
  Scheduler scheduler({.tokens = 64, .outputs = 8, .sequences = 8}, {KvPages(100, 0)});
  Sequence a = sequence(1, 10), b = sequence(2, 500);
  scheduler.add(&a);
  compute(scheduler.next());
  scheduler.add(&b);
  auto work = scheduler.next();
  ASSERT_EQ(work.size(), 2u);
  EXPECT_EQ(work[0].sequence, &a);
  EXPECT_EQ(work[0].count, 1);
  EXPECT_EQ(work[1].sequence, &b);
  EXPECT_EQ(work[1].count, 63);
}

TEST(Scheduler, ComputesOneSliceAStepAndLetsSlicesTakeTurns) {
  Scheduler scheduler({.tokens = 64, .outputs = 8, .sequences = 8}, {KvPages(100, 0)});
  std::vector<Sequence> all;
  for (int slice : {0, 3, 3, 1, 0}) {
    all.push_back(sequence(all.size(), 10));
    all.back().slice = slice;
  }
  for (Sequence& s : all) scheduler.add(&s);
  for (int slice : {1, 3, 0, 1, 3, 0}) {
    auto work = scheduler.next();
    EXPECT_EQ(work.size(), slice == 1 ? 1u : 2u);
    for (const Work& w : work) EXPECT_EQ(w.sequence->slice, slice);
    compute(work);
  }
}

TEST(Scheduler, GivesNoMoreOutputRowsThanAStepHas) {
  Scheduler scheduler({.tokens = 512, .outputs = 4, .sequences = 16}, {KvPages(100, 0)});
  std::vector<Sequence> all;
  for (int i = 0; i < 10; ++i) all.push_back(sequence(i, 5));
  for (Sequence& s : all) scheduler.add(&s);
  int outputs = 0;
  for (const Work& w : scheduler.next()) outputs += w.outputs;
  EXPECT_EQ(outputs, 4);
}

TEST(Scheduler, CutsAPromptThatWantsAllLogitsByTheOutputRows) {
  Scheduler scheduler({.tokens = 512, .outputs = 16, .sequences = 4}, {KvPages(100, 0)});
  Sequence s = sequence(1, 40);
  s.all_outputs = true;
  scheduler.add(&s);
  std::vector<int> counts;
  while (s.outstanding() > 0) {
    auto work = scheduler.next();
    ASSERT_EQ(work.size(), 1u);
    EXPECT_EQ(work[0].outputs, work[0].count);
    counts.push_back(work[0].count);
    s.computed += work[0].count;
  }
  EXPECT_EQ(counts, (std::vector<int>{16, 16, 8}));
}

TEST(Scheduler, MakesTheYoungestStartOverWhenPagesRunOut) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(4, 0)});
  Sequence old = counting(1, P), young = counting(2, P, 1000);
  scheduler.add(&old);
  scheduler.add(&young);
  for (int i = 0; i < 3 * P && scheduler.preemptions() == 0; ++i) compute(scheduler.next());
  EXPECT_EQ(scheduler.preemptions(), 1);
  EXPECT_GT(old.computed, 2 * P - 2);
  EXPECT_EQ(young.computed, 0);
  EXPECT_TRUE(young.pages[0].empty());
  scheduler.remove(&old, Scheduler::Cache::discard);
  while (young.outstanding() > 1) compute(scheduler.next());
  EXPECT_EQ(young.computed, int(young.tokens.size()) - 1);
}

TEST(Scheduler, FreesEveryPageOfARemovedSequence) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(20, 0)});
  Sequence s = sequence(1, 300);
  scheduler.add(&s);
  compute(scheduler.next());
  EXPECT_EQ(scheduler.pages_free(0), 20 - (300 + P - 1) / P);
  scheduler.remove(&s, Scheduler::Cache::keep);
  EXPECT_EQ(scheduler.pages_free(0), 20);
  EXPECT_EQ(scheduler.running(), 0);
}

TEST(Scheduler, FreesPagesBehindTheWindowOfTheirGroup) {
  constexpr int kWindow = 100, kBudget = 64;
  Scheduler scheduler({.tokens = kBudget, .outputs = 8, .sequences = 8}, {KvPages(40, 0), KvPages(8, kWindow)});
  Sequence s = sequence(1, 1000);
  scheduler.add(&s);
  while (s.computed < 1200) {
    auto work = scheduler.next();
    ASSERT_EQ(work.size(), 1u);
    for (int position = std::max(0, s.computed - kWindow + 1); position < s.computed + work[0].count; ++position) {
      ASSERT_NE(s.pages[1][position / P], kNoPage) << position << " of " << s.computed;
    }
    EXPECT_LE(pages_held(s.pages[1]), KvPages(8, kWindow).pages_for(1000, kBudget));
    compute(work);
  }
  EXPECT_EQ(pages_held(s.pages[0]), 38);
  EXPECT_LE(pages_held(s.pages[1]), (kWindow + P - 1) / P + 2);
  scheduler.remove(&s, Scheduler::Cache::discard);
  EXPECT_EQ(scheduler.pages_free(0), 40);
  EXPECT_EQ(scheduler.pages_free(1), 8);
}

TEST(Scheduler, CutsNoRunOfAnImageInTwo) {
  Scheduler scheduler({.tokens = 64, .outputs = 8, .sequences = 8}, {KvPages(100, 0)});
  Sequence s = with_run(1, 200, 50, 60);
  scheduler.add(&s);
  std::vector<int> counts;
  while (s.outstanding() > 1 || s.computed == 0) {
    auto work = scheduler.next();
    ASSERT_EQ(work.size(), 1u);
    counts.push_back(work[0].count);
    compute(work);
  }
  EXPECT_EQ(counts, (std::vector<int>{50, 64, 64, 22}));
}

TEST(Scheduler, LetsARunGoFirstThatDidNotFitBehindOthers) {
  Scheduler scheduler({.tokens = 64, .outputs = 32, .sequences = 32}, {KvPages(100, 0)});
  std::vector<Sequence> others;
  for (int i = 0; i < 10; ++i) others.push_back(sequence(10 + i, 1));
  for (Sequence& s : others) scheduler.add(&s);
  compute(scheduler.next());
  Sequence s = with_run(1, 61, 0, 60);
  scheduler.add(&s);
  compute(scheduler.next());
  EXPECT_EQ(s.computed, 0);
  compute(scheduler.next());
  EXPECT_GE(s.computed, 60);
}

TEST(Scheduler, GivesAllLogitsOfARunByComputingItAgain) {
  Scheduler scheduler({.tokens = 64, .outputs = 16, .sequences = 4}, {KvPages(100, 0)});
  Sequence s = with_run(1, 70, 10, 40);
  s.all_outputs = true;
  scheduler.add(&s);
  std::vector<int> given;
  while (s.outstanding() > 0) {
    auto work = scheduler.next();
    ASSERT_EQ(work.size(), 1u);
    if (s.computed < 50) { EXPECT_TRUE(s.computed + work[0].count <= 10 || work[0].count == 40); }
    for (int i = 0; i < work[0].outputs; ++i) given.push_back(s.computed + work[0].first_output + i);
    work[0].advance();
  }
  std::vector<int> all(70);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(given, all);
}

}  // namespace
}  // namespace troika::engine
