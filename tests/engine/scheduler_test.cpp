// The scheduler and the pages are arithmetic on plain data: tested with no device at all.
#include "engine/scheduler.h"

#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <random>

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
  Sequence old = sequence(1, P), young = sequence(2, P);
  scheduler.add(&old);
  scheduler.add(&young);
  for (int i = 0; i < 3 * P && scheduler.preemptions() == 0; ++i) compute(scheduler.next());
  EXPECT_EQ(scheduler.preemptions(), 1);
  EXPECT_GT(old.computed, 2 * P - 2);
  EXPECT_TRUE(young.computed == 0 || young.pages[0].size() * P >= size_t(young.computed));
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

// A sequence whose tokens count up from `first`.
Sequence counting(uint64_t id, int tokens, int first = 0) {
  Sequence s = sequence(id, tokens);
  std::iota(s.tokens.begin(), s.tokens.end(), first);
  return s;
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
  pages.resize((80 + P - 1) / P);
  EXPECT_TRUE(std::equal(pages.begin(), pages.end(), second.pages[0].begin()));

  Sequence third = counting(3, 150);  // taken over once, gone
  scheduler.add(&third);
  scheduler.next();
  EXPECT_EQ(third.reused, 0);
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
  for (int common : {399, 380, 200}) {
    Scheduler scheduler({.tokens = 512, .outputs = 8, .sequences = 8}, {KvPages(40, 0), KvPages(40, 100)});
    Sequence first = counting(1, 300);
    scheduler.add(&first);
    while (first.tokens.size() < 401) {
      compute(scheduler.next());
      first.tokens.back() = int(first.tokens.size()) - 1;
    }
    scheduler.remove(&first, Scheduler::Cache::keep);
    Sequence second = counting(2, 500);
    second.tokens[common] = -1;
    scheduler.add(&second);
    scheduler.next();
    EXPECT_EQ(second.reused, common == 200 ? 0 : common);
    scheduler.remove(&second, Scheduler::Cache::discard);
    EXPECT_EQ(scheduler.pages_free(0), 40);
    EXPECT_EQ(scheduler.pages_free(1), 40);
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

TEST(Scheduler, NeverGivesOnePageToTwoSequencesAndStarvesNobody) {
  std::mt19937 random(7);
  Scheduler scheduler({.tokens = 128, .outputs = 8, .sequences = 6}, {KvPages(24, 0)});
  std::map<uint64_t, Sequence> all;
  std::map<uint64_t, size_t> target;
  uint64_t next_id = 0;
  size_t finished = 0;
  for (int step = 0; step < 20000 && finished < 300; ++step) {
    if (next_id < 300 && random() % 2) {
      Sequence& s = all[next_id] = sequence(next_id, 1 + int(random() % 200));
      target[next_id++] = s.tokens.size() + 1 + random() % 100;
      scheduler.add(&s);
    }
    auto work = scheduler.next();
    int tokens = 0;
    std::map<int32_t, uint64_t> owner;
    for (const auto& [id, s] : all) {
      for (int32_t page : s.pages[0]) EXPECT_TRUE(owner.emplace(page, id).second) << "page " << page;
    }
    EXPECT_EQ(int(owner.size()) + scheduler.pages_free(0), 24);
    for (const Work& w : work) {
      tokens += w.count;
      EXPECT_GE(int(w.sequence->pages[0].size()) * P, w.sequence->computed + w.count);
    }
    EXPECT_LE(tokens, 128);
    compute(work);
    for (auto it = all.begin(); it != all.end();) {
      if (it->second.tokens.size() >= target[it->first]) {
        scheduler.remove(&it->second, random() % 4 ? Scheduler::Cache::keep : Scheduler::Cache::discard);
        it = all.erase(it);
        ++finished;
      } else {
        ++it;
      }
    }
  }
  EXPECT_EQ(finished, 300u);
}

}  // namespace
}  // namespace troika::engine
