// Who comes first, who waits, and who makes room.
#include <gtest/gtest.h>

#include <map>

#include "engine/scheduler_texts.h"

namespace troika::engine {
namespace {

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
