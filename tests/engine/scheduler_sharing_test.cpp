// Which texts share pages, while they run and after they ended.
#include <gtest/gtest.h>

#include "engine/scheduler_texts.h"

namespace troika::engine {
namespace {

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

}  // namespace
}  // namespace troika::engine
