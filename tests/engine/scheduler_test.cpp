// The scheduler and the pages are arithmetic on plain data: tested with no device at all.
#include "engine/scheduler.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>

#include "ops/step_inputs.h"

namespace troika::engine {
namespace {

constexpr int P = ops::kPageTokens;

Sequence sequence(uint64_t id, int tokens) {
  Sequence s;
  s.id = id;
  s.tokens.resize(tokens, 1);
  return s;
}

// A sequence whose tokens count up from `first`.
Sequence counting(uint64_t id, int tokens, int first = 0) {
  Sequence s = sequence(id, tokens);
  std::iota(s.tokens.begin(), s.tokens.end(), first);
  return s;
}

// What the engine does with the work: computes it and appends a token to sequences that are complete.
void compute(const std::vector<Work>& work) {
  for (const Work& w : work) {
    w.sequence->computed += w.count;
    if (w.sequence->outstanding() == 0) w.sequence->tokens.push_back(1);
  }
}

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

TEST(Scheduler, TakesOverTextOfTheSameSliceOnly) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(100, 0)});
  Sequence first = sequence(1, 100), other = sequence(2, 100), same = sequence(3, 100);
  first.slice = same.slice = 1;
  scheduler.add(&first);
  compute(scheduler.next());
  scheduler.remove(&first, Scheduler::Cache::keep);
  scheduler.add(&other);
  scheduler.next();
  EXPECT_EQ(other.reused, 0);
  scheduler.add(&same);
  scheduler.next();
  EXPECT_EQ(same.reused, 99);
}

TEST(Scheduler, TakesOverTextOfTheSameOwnerOnly) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(100, 0)});
  Sequence first = sequence(1, 100), other = sequence(2, 100), nobodys = sequence(3, 100), same = sequence(4, 100);
  first.owner = same.owner = "ann";
  other.owner = "bob";
  scheduler.add(&first);
  compute(scheduler.next());
  scheduler.remove(&first, Scheduler::Cache::keep);
  for (Sequence* s : {&other, &nobodys, &same}) {
    scheduler.add(s);
    scheduler.next();
  }
  EXPECT_EQ(other.reused, 0);
  EXPECT_EQ(nobodys.reused, 0);
  EXPECT_EQ(same.reused, 99);
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

TEST(Scheduler, TakesOverWhatAnEarlierSequenceWithTheSameBeginningComputed) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(20, 0)});
  Sequence first = counting(1, 100);
  scheduler.add(&first);
  compute(scheduler.next());
  auto pages = first.pages[0];
  scheduler.remove(&first, Scheduler::Cache::keep);

  Sequence second = counting(2, 150);
  second.tokens[80] = -1;  // the texts part here
  scheduler.add(&second);
  auto work = scheduler.next();
  ASSERT_EQ(work.size(), 1u);
  EXPECT_EQ(second.reused, 80);
  EXPECT_EQ(work[0].count, 70);
  for (int i = 0; i < 80 / P; ++i) EXPECT_EQ(second.pages[0][i], pages[i]);
  ASSERT_EQ(scheduler.copies().size(), 1u);  // the page in which the texts part
  EXPECT_EQ(scheduler.copies()[0].from, pages[80 / P]);
  EXPECT_EQ(scheduler.copies()[0].to, second.pages[0][80 / P]);
  EXPECT_NE(scheduler.copies()[0].to, scheduler.copies()[0].from);

  Sequence third = counting(3, 150);  // what the second has taken is still there
  scheduler.add(&third);
  scheduler.next();
  EXPECT_EQ(third.reused, 100);
}

TEST(Scheduler, SharesWholePagesOnlyWherePagesCannotBeCopied) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8, .copies = false}, {KvPages(20, 0)});
  Sequence first = counting(1, 100), second = counting(2, 150);
  scheduler.add(&first);
  compute(scheduler.next());
  scheduler.add(&second);
  scheduler.next();
  EXPECT_EQ(second.reused, 100 / P * P);
  EXPECT_TRUE(scheduler.copies().empty());
}

TEST(Scheduler, ComputesTheLastTokenAnewOfATextThatIsAllKept) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(20, 0)});
  Sequence first = counting(1, 100), again = counting(2, 100);
  scheduler.add(&first);
  compute(scheduler.next());
  scheduler.remove(&first, Scheduler::Cache::keep);
  scheduler.add(&again);
  auto work = scheduler.next();
  ASSERT_EQ(work.size(), 1u);
  EXPECT_EQ(work[0].count, 1);
  EXPECT_EQ(work[0].outputs, 1);
}

TEST(Scheduler, GivesKeptPagesToWhoNeedsThem) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(10, 0)});
  for (int i = 0; i < 5; ++i) {
    Sequence s = counting(i, 2 * P - 1, 1000 * i);
    scheduler.add(&s);
    compute(scheduler.next());
    scheduler.remove(&s, Scheduler::Cache::keep);
  }
  EXPECT_EQ(scheduler.pages_free(0), 10);
  Sequence large = counting(9, 9 * P, 9000);
  scheduler.add(&large);
  ASSERT_EQ(scheduler.next().size(), 1u);
  EXPECT_EQ(large.pages[0].size(), 9u);
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

TEST(Scheduler, TakesOverATextOnlyWhereItsWindowIsStillThere) {
  struct { int window_pages, common, reused; } cases[] = {{8, 399, 399}, {8, 380, 380}, {8, 200, 0}, {40, 200, 200}};
  for (auto c : cases) {
    Scheduler scheduler({.tokens = 64, .outputs = 8, .sequences = 8}, {KvPages(40, 0), KvPages(c.window_pages, 100)});
    Sequence first = counting(1, 300);
    scheduler.add(&first);
    while (first.tokens.size() < 401) {
      compute(scheduler.next());
      if (first.tokens.back() == 1) first.tokens.back() = int(first.tokens.size()) - 1;
    }
    scheduler.remove(&first, Scheduler::Cache::keep);
    Sequence second = counting(2, 500);
    second.tokens[c.common] = -1;
    scheduler.add(&second);
    scheduler.next();
    EXPECT_EQ(second.reused, c.reused) << c.common << " with " << c.window_pages;
    scheduler.remove(&second, Scheduler::Cache::discard);
    EXPECT_EQ(scheduler.pages_free(0), 40);
    EXPECT_EQ(scheduler.pages_free(1), c.window_pages);
  }
}

// A prompt with a picture on tokens [first, first + count) that see each other both ways.
Sequence with_run(uint64_t id, int tokens, int first, int count, uint64_t picture = 7) {
  Sequence s = counting(id, tokens);
  s.runs = {{first, first + count}};
  s.images = {{first, count, {picture, 0}, nullptr}};
  return s;
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

TEST(Scheduler, TakesOverATextOnlyUpToAnotherPicture) {
  struct { uint64_t picture; int first, reused; } cases[] = {{7, 60, 100}, {8, 60, 60}, {7, 61, 60}};
  for (auto c : cases) {
    Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(40, 0)});
    Sequence first = with_run(1, 100, 60, 30);
    scheduler.add(&first);
    compute(scheduler.next());
    scheduler.remove(&first, Scheduler::Cache::keep);
    Sequence second = with_run(2, 200, c.first, 30, c.picture);
    scheduler.add(&second);
    scheduler.next();
    EXPECT_EQ(second.reused, c.reused) << c.picture << " at " << c.first;
  }
}

TEST(Scheduler, TakesOverNothingThatSawAPictureBehindIt) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(40, 0)});
  Sequence first = with_run(1, 100, 60, 30), second = with_run(2, 100, 60, 15);
  first.images[0].count = 15;  // two pictures side by side make one run
  first.images.push_back({75, 15, {8, 0}, nullptr});
  scheduler.add(&first);
  compute(scheduler.next());
  scheduler.remove(&first, Scheduler::Cache::keep);
  scheduler.add(&second);
  scheduler.next();
  EXPECT_EQ(second.reused, 60);
}

TEST(Scheduler, TakesOverNoHalfRun) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(40, 0)});
  Sequence first = with_run(1, 100, 60, 30), again = with_run(2, 90, 60, 30);  // ends with the picture
  scheduler.add(&first);
  compute(scheduler.next());
  scheduler.remove(&first, Scheduler::Cache::keep);
  scheduler.add(&again);
  auto work = scheduler.next();
  EXPECT_EQ(again.reused, 60);
  ASSERT_EQ(work.size(), 1u);
  EXPECT_EQ(work[0].count, 30);
  EXPECT_EQ(work[0].outputs, 1);
}

TEST(Scheduler, SharesPagesWhileBothRun) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(20, 0)});
  Sequence first = counting(1, 4 * P + 5), second = counting(2, 4 * P + 5);
  second.tokens.back() = -1;
  scheduler.add(&first);
  compute(scheduler.next());
  scheduler.add(&second);
  compute(scheduler.next());
  EXPECT_EQ(second.reused, 4 * P);
  EXPECT_EQ(scheduler.pages_free(0), 20 - 4 - 2);
  scheduler.remove(&first, Scheduler::Cache::keep);
  EXPECT_EQ(scheduler.pages_free(0), 20 - 5);
  scheduler.remove(&second, Scheduler::Cache::discard);
  EXPECT_EQ(scheduler.pages_free(0), 20);
}

TEST(Scheduler, ComputesACommonBeginningOnceForThoseWhoComeTogether) {
  Scheduler scheduler({.tokens = 2 * P, .outputs = 8, .sequences = 8}, {KvPages(40, 0)});
  std::vector<Sequence> all;
  for (int i = 0; i < 4; ++i) {
    all.push_back(counting(1 + i, 5 * P + 9));
    all.back().tokens[5 * P] = -1 - i;
  }
  for (Sequence& s : all) scheduler.add(&s);
  int computed = 0;
  for (int step = 0; step < 6; ++step) {
    const auto& work = scheduler.next();
    for (const Work& w : work) computed += w.count;
    compute(work);
  }
  for (const Sequence& s : all) EXPECT_GT(s.tokens.size(), size_t(5 * P + 9)) << s.id;
  for (int i = 1; i < 4; ++i) EXPECT_EQ(all[i].reused, 5 * P);
  EXPECT_LT(computed, 5 * P + 4 * (9 + 6));
}

TEST(Scheduler, GoesOnWithoutALeaderThatIsGone) {
  Scheduler scheduler({.tokens = P, .outputs = 8, .sequences = 8}, {KvPages(40, 0)});
  Sequence leader = counting(1, 5 * P), follower = counting(2, 5 * P + 1);
  scheduler.add(&leader);
  scheduler.add(&follower);
  compute(scheduler.next());
  compute(scheduler.next());
  EXPECT_EQ(follower.computed, 0);
  scheduler.remove(&leader, Scheduler::Cache::discard);
  compute(scheduler.next());
  EXPECT_EQ(follower.reused, 2 * P);
  EXPECT_EQ(follower.computed, 3 * P);
}

TEST(Scheduler, LosesEndsOfTextsBeforeTheirBeginnings) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(8, 0)});
  Sequence first = counting(1, 6 * P), other = counting(2, 4 * P - 1, 5000), again = counting(3, 6 * P);
  for (Sequence* s : {&first, &other}) {
    scheduler.add(s);
    compute(scheduler.next());
    scheduler.remove(s, Scheduler::Cache::keep);
  }
  scheduler.add(&again);
  scheduler.next();
  EXPECT_EQ(again.reused, 4 * P);
}

TEST(Scheduler, ReusesItsOwnTextWhenItStartsOver) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(6, 0)});
  Sequence old = counting(1, P), young = counting(2, 2 * P, 1000);
  scheduler.add(&old);
  scheduler.add(&young);
  while (scheduler.preemptions() == 0) compute(scheduler.next());
  scheduler.remove(&old, Scheduler::Cache::discard);
  scheduler.next();
  EXPECT_GE(young.computed, 2 * P);
  EXPECT_EQ(young.reused, 0);  // what was its own does not count
}

TEST(Scheduler, ServesOwnersInTurn) {
  Scheduler scheduler({.tokens = 64, .outputs = 8, .sequences = 2}, {KvPages(400, 0)});
  std::vector<Sequence> all;
  for (int i = 0; i < 9; ++i) {
    all.push_back(counting(1 + i, 300, 1000 * i));
    all.back().owner = i < 8 ? "many" : "few";
  }
  for (Sequence& s : all) scheduler.add(&s);
  for (int step = 0; step < 12; ++step) {
    compute(scheduler.next());
    for (Sequence& s : all) {
      if (s.computed >= 300) scheduler.remove(&s, Scheduler::Cache::keep);
    }
  }
  EXPECT_GE(all[8].computed, 300);
  EXPECT_EQ(all[3].computed, 0);
}

TEST(Scheduler, GivesNobodyCreditForTheTimeInWhichNothingWasAsked) {
  Scheduler scheduler({.tokens = 64, .outputs = 8, .sequences = 8}, {KvPages(400, 0)});
  Sequence busy = counting(1, 6400), late = counting(2, 640, 20000);
  busy.owner = "busy";
  late.owner = "late";
  scheduler.add(&busy);
  for (int step = 0; step < 50; ++step) compute(scheduler.next());
  scheduler.add(&late);
  const int before = busy.computed;
  for (int step = 0; step < 10; ++step) compute(scheduler.next());
  EXPECT_GE(busy.computed - before, 256);
  EXPECT_GE(late.computed, 256);
}

TEST(Scheduler, LetsNobodyPayForATimeInWhichNobodyElseAsked) {
  Scheduler scheduler({.tokens = 64, .outputs = 8, .sequences = 8}, {KvPages(400, 0)});
  Sequence yesterday = counting(1, 6400), alice = counting(2, 64, 20000);
  yesterday.owner = alice.owner = "alice";
  scheduler.add(&yesterday);
  while (yesterday.computed < 6400) compute(scheduler.next());
  scheduler.remove(&yesterday, Scheduler::Cache::discard);
  std::vector<Sequence> bobs;
  bobs.reserve(40);
  const auto bob_asks = [&] {
    bobs.push_back(counting(10 + bobs.size(), 64, 1000 * int(bobs.size())));
    bobs.back().owner = "bob";
    scheduler.add(&bobs.back());
  };
  bob_asks();
  for (int step = 0; step < 38; ++step) {
    if (step == 5) scheduler.add(&alice);
    compute(scheduler.next());
    bob_asks();  // before the last one is done: he is always there
    for (Sequence& s : bobs) {
      if (s.computed >= 64) scheduler.remove(&s, Scheduler::Cache::discard);
    }
  }
  EXPECT_GE(alice.computed, 64);
}

TEST(Scheduler, LetsAShortPromptOvertakeALongOneButNotForEver) {
  Scheduler scheduler({.tokens = 64, .outputs = 16, .sequences = 64}, {KvPages(4000, 0)});
  Sequence large = counting(1, 2000, 100000);
  scheduler.add(&large);
  compute(scheduler.next());
  std::vector<Sequence> small;
  small.reserve(400);
  int steps = 0;
  for (; large.computed < 2000 && steps < 400; ++steps) {  // a new prompt takes every step
    small.push_back(counting(10 + steps, 64, 1000 * steps));
    scheduler.add(&small.back());
    compute(scheduler.next());
    if (steps < 20) { EXPECT_GE(small.back().computed, 64) << steps; }
    for (Sequence& s : small) {
      if (s.computed >= 64) scheduler.remove(&s, Scheduler::Cache::discard);
    }
  }
  EXPECT_GT(large.computed, 1999);
  EXPECT_LE(steps, 2 * 2000 / 64 + 8);
}

TEST(Scheduler, ServesLowerPriorityNumbersFirst) {
  Scheduler scheduler({.tokens = 64, .outputs = 8, .sequences = 8}, {KvPages(400, 0)});
  Sequence usual = counting(1, 64), urgent = counting(2, 640, 1000);
  urgent.priority = -1;
  scheduler.add(&usual);
  scheduler.add(&urgent);
  for (int step = 0; step < 9; ++step) compute(scheduler.next());
  EXPECT_EQ(urgent.computed, 576);
  EXPECT_EQ(usual.computed, 0);
}

TEST(Scheduler, SuspendsTheYoungestOfTheLowestPriorityForAnUrgentOne) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 3}, {KvPages(12, 0)});
  Sequence usual = counting(1, 2 * P), idle = counting(2, 2 * P, 1000), late = counting(3, 2 * P, 2000);
  idle.priority = late.priority = 5;
  for (Sequence* s : {&usual, &idle, &late}) scheduler.add(s);
  compute(scheduler.next());
  Sequence equal = counting(4, 2 * P, 3000), urgent = counting(5, 2 * P, 4000), large = counting(6, 7 * P, 5000);
  equal.priority = 5;
  scheduler.add(&equal);
  compute(scheduler.next());
  EXPECT_EQ(scheduler.preemptions(), 0);  // an equal waits
  scheduler.add(&urgent);
  compute(scheduler.next());
  EXPECT_EQ(scheduler.preemptions(), 1);  // there is no place in a step
  EXPECT_TRUE(late.pages[0].empty());
  EXPECT_GE(urgent.computed, 2 * P);
  large.priority = -1;
  scheduler.add(&large);
  compute(scheduler.next());
  EXPECT_EQ(scheduler.preemptions(), 3);  // no place, then no room: both of lower priority go
  EXPECT_TRUE(idle.pages[0].empty());
  EXPECT_EQ(large.computed, 7 * P);
  for (Sequence* s : {&usual, &urgent, &large, &equal}) scheduler.remove(s, Scheduler::Cache::discard);
  for (int i = 0; i < 3; ++i) compute(scheduler.next());
  EXPECT_GT(idle.computed, 2 * P);
  EXPECT_GT(late.computed, 2 * P);
}

TEST(Scheduler, CountsAsWaitingWhatBelongsToNoOther) {
  Scheduler scheduler({.tokens = 64, .outputs = 8, .sequences = 1}, {KvPages(400, 0)});
  std::vector<Sequence> all;
  for (int i = 0; i < 7; ++i) all.push_back(counting(1 + i, 10, 1000 * i)), all.back().further = i % 3 != 0;
  for (Sequence& s : all) scheduler.add(&s);
  EXPECT_EQ(scheduler.waiting(), 3);
  compute(scheduler.next());
  EXPECT_EQ(scheduler.waiting(), 2);
}

TEST(Scheduler, SuspendsNobodyInVain) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(12, 0)});
  Sequence large = counting(1, 9 * P), idle = counting(2, P, 1000), urgent = counting(3, 6 * P, 5000);
  idle.priority = 5;
  for (Sequence* s : {&large, &idle}) scheduler.add(s);
  compute(scheduler.next());
  scheduler.add(&urgent);  // does not fit beside the large one, whoever else goes
  for (int i = 0; i < 3; ++i) compute(scheduler.next());
  EXPECT_EQ(scheduler.preemptions(), 0);
  EXPECT_GT(idle.computed, P + 2);
  scheduler.remove(&large, Scheduler::Cache::discard);
  compute(scheduler.next());
  EXPECT_GE(urgent.computed, 6 * P);
}

// Its need shrinks while another one computes what both begin with, though no page becomes free.
TEST(Scheduler, BeginsOnceEnoughOfItsTextIsKnown) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(100, 0)});
  Sequence first = counting(1, 60 * P + 1), second = counting(2, 60 * P + 1);
  scheduler.add(&first);
  compute(scheduler.next());
  scheduler.add(&second);
  for (int i = 0; i < 8; ++i) compute(scheduler.next());
  EXPECT_GE(second.computed, 60 * P);
  EXPECT_TRUE(second.began);
}

TEST(Scheduler, CountsWhatAnOwnerGetsBeforeItsSequencesAreAdded) {
  Scheduler scheduler({.tokens = 64, .outputs = 8, .sequences = 8}, {KvPages(100, 0)});
  Sequence text = counting(1, 10);
  text.owner = "x";
  scheduler.welcome("x");
  scheduler.charge("x", 500);
  scheduler.add(&text);
  scheduler.welcome("y");  // as much as the least who is here
  EXPECT_EQ(scheduler.served("y"), 500);
  scheduler.charge("x", 500);
  EXPECT_EQ(scheduler.served("x"), 1000);
  EXPECT_EQ(scheduler.served("y"), 500);
}

TEST(Scheduler, WaitsForNobodyOfLowerPriority) {
  Scheduler scheduler({.tokens = 64, .outputs = 8, .sequences = 8}, {KvPages(400, 0)});
  Sequence idle = counting(1, 640), urgent = counting(2, 640);
  idle.priority = 1;
  scheduler.add(&idle);
  compute(scheduler.next());
  scheduler.add(&urgent);
  for (int step = 0; step < 9; ++step) compute(scheduler.next());
  EXPECT_GE(urgent.computed, 576);
}

// Holds so many tokens of every text, and hands them out a page at a time.
struct PageAtATime : SwapSpace {
  void save(const Sequence& sequence) override { saved.push_back(sequence.id); }
  bool restore(Sequence& sequence) override { return asked[sequence.id]++ >= 2; }
  std::vector<uint64_t> saved;
  std::map<uint64_t, int> asked;
};

TEST(Scheduler, SavesWhoMakesRoomAndBeginsOnceAllIsBack) {
  PageAtATime space;
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(4, 0)});
  scheduler.swap_with(&space);
  Sequence old = counting(1, P), young = counting(2, P, 1000);
  scheduler.add(&old);
  scheduler.next();
  EXPECT_EQ(scheduler.running(), 0);
  EXPECT_TRUE(scheduler.next().empty());
  compute(scheduler.next());
  EXPECT_EQ(old.computed, P);
  scheduler.add(&young);
  for (int i = 0; i < 4 * P && scheduler.preemptions() == 0; ++i) compute(scheduler.next());
  EXPECT_EQ(space.saved, std::vector<uint64_t>{2});
  scheduler.remove(&old, Scheduler::Cache::discard);
  scheduler.next();
  EXPECT_GT(young.computed, 0);
}

TEST(PrefixCache, AsksAgainForWhatOthersTookOver) {
  PrefixCache cache({KvPages(20, 0)});
  cache.keep_unstored(true);
  Sequence first = counting(1, 3 * P + 1), other = counting(2, 3 * P + 1);
  other.tokens[2 * P + 3] = -1;
  for (Sequence* s : {&first, &other}) {
    s->pages.resize(1);
    cache.begin(*s);
    while (s->pages[0].size() < 3) cache.take(0, s->pages[0]);
    s->computed = 3 * P;
    cache.learn(*s);
  }
  int known = 0;
  while (cache.next_unstored() != kNoText) ++known;
  EXPECT_EQ(known, 4);
  cache.ask_again([](const vision::Hash&) { return false; });
  EXPECT_FALSE(cache.has_unstored());
  cache.ask_again([](const vision::Hash&) { return true; });
  std::vector<int32_t> begin;
  for (int32_t text; (text = cache.next_unstored()) != kNoText;) begin.push_back(cache.keys_of(text)[0] / P);
  std::ranges::sort(begin);
  EXPECT_EQ(begin, (std::vector<int32_t>{0, 1}));
  cache.ask_again([](const vision::Hash&) { return true; });
  EXPECT_FALSE(cache.has_unstored());
}

TEST(Scheduler, LimitsPromptsBesideThoseWhoGenerate) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(400, 0)});
  scheduler.limit_prompts_beside(48);
  Sequence writer = counting(1, 10), reader = counting(2, 1000, 5000), third = counting(3, 1000, 9000);
  scheduler.add(&writer);
  compute(scheduler.next());
  scheduler.add(&reader);
  scheduler.add(&third);
  const auto& work = scheduler.next();
  int rows = 0;
  for (const Work& w : work) rows += w.count;
  EXPECT_EQ(rows, 1 + 48);
  compute(work);
  scheduler.remove(&writer, Scheduler::Cache::discard);
  EXPECT_EQ(scheduler.next()[0].count, 512);
}

TEST(Scheduler, LimitsPromptsBesideThoseWhoGenerateInEveryStep) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(400, 0)});
  scheduler.limit_prompts_beside(48);
  Sequence writer = counting(1, 10), reader = counting(2, 1000, 5000), third = counting(3, 1000, 9000);
  for (Sequence* s : {&writer, &reader, &third}) scheduler.add(s);
  compute(scheduler.next());
  for (int step = 0; step < 8; ++step) {
    int rows = 0;
    const auto& work = scheduler.next();
    for (const Work& w : work) rows += w.count;
    EXPECT_LE(rows, 1 + 48) << step;
    compute(work);
  }
}

TEST(Scheduler, LimitsPromptsBesideThoseWhoGenerateInAnotherSlice) {
  Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(400, 0)});
  scheduler.limit_prompts_beside(48);
  Sequence writer = counting(1, 10), reader = counting(2, 1000, 5000);
  reader.slice = 1;
  scheduler.add(&writer);
  compute(scheduler.next());
  scheduler.add(&reader);
  for (int step = 0; step < 6; ++step) {
    const auto& work = scheduler.next();
    for (const Work& w : work) EXPECT_LE(w.count, 48);
    compute(work);
  }
  EXPECT_GT(reader.computed, 0);
}

}  // namespace
}  // namespace troika::engine
