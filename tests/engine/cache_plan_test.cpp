// How the cache's memory is shared out, with the shapes of published models.
#include "engine/cache_plan.h"

#include <gtest/gtest.h>

#include "engine/scheduler.h"

namespace troika::engine {
namespace {

constexpr size_t GB = 1'000'000'000;
constexpr int P = ops::kPageTokens;

// Bytes of a page of `layers` layers with G heads of D, in f16.
constexpr size_t page(int layers, int heads, int dim) { return size_t(2) * layers * heads * dim * 2 * P; }

const int kAll[] = {0};
const int kGemma3[] = {1024, 0};
const size_t kQwen7b[] = {page(28, 4, 128)};
const size_t kGemma4b[] = {page(29, 4, 256), page(5, 4, 256)};
const size_t kGemma27b[] = {page(52, 16, 128), page(10, 16, 128)};

TEST(PlanCache, FillsTheUsualMemoryWithOneLongContext) {
  CachePlan plan = plan_cache({.windows = kAll, .page_bytes = kQwen7b, .model_context = 32768, .available = 24 * GB});
  EXPECT_GE(plan.context, 8192);
  EXPECT_EQ(plan.pages[0], plan.context / P);
  EXPECT_LE(plan.bytes, size_t{512} << 20);
}

TEST(PlanCache, GivesSmallModelsRoomForManySequences) {
  const size_t bytes[] = {page(4, 2, 64)};
  CachePlan plan = plan_cache({.windows = kAll, .page_bytes = bytes, .model_context = 1024, .available = 24 * GB});
  EXPECT_EQ(plan.context, 1024);
  EXPECT_EQ(plan.pages[0], 64 * 1024 / P);
}

TEST(PlanCache, OffersAUsableContextBesideWindows) {
  for (auto bytes : {kGemma4b, kGemma27b}) {
    CachePlan plan = plan_cache({.windows = kGemma3, .page_bytes = {bytes, 2}, .model_context = 131072,
                                 .available = 24 * GB});
    EXPECT_GE(plan.context, 8192);
    EXPECT_GE(plan.pages[0], 4 * (1024 + 512) / P);
    EXPECT_LE(plan.bytes, 6 * GB);
  }
}

TEST(PlanCache, GivesUpSharesBeforeContextWhereMemoryIsShort) {
  CachePlan plan = plan_cache({.windows = kGemma3, .page_bytes = kGemma27b, .model_context = 131072,
                               .available = 6 * GB});
  EXPECT_LE(plan.bytes, 3 * GB / 2);
  EXPECT_GE(plan.pages[0], (1024 + 512) / P);
  EXPECT_GE(plan.context, 1024);
}

TEST(PlanCache, HoldsOneSequenceOfTheContextAskedFor) {
  CachePlan plan = plan_cache({.windows = kGemma3, .page_bytes = kGemma4b, .model_context = 131072, .context = 32768,
                               .bytes = 1, .available = 24 * GB});
  EXPECT_EQ(plan.context, 32768);
  EXPECT_EQ(plan.pages[1], 32768 / P);
  EXPECT_EQ(plan.pages[0], KvPages(0, 1024).pages_for(32768, 512));
}

Sequence counting(uint64_t id, int tokens, int first) {
  Sequence s;
  s.id = id;
  for (int i = 0; i < tokens; ++i) s.tokens.push_back(first + i);
  return s;
}

std::vector<KvPages> pools(const CachePlan& plan, std::span<const int> windows) {
  std::vector<KvPages> pools;
  for (size_t g = 0; g < windows.size(); ++g) pools.emplace_back(plan.pages[g], windows[g]);
  return pools;
}

void compute(const std::vector<Work>& work) {
  for (const Work& w : work) {
    w.sequence->computed += w.count;
    if (w.sequence->outstanding() == 0) w.sequence->tokens.push_back(1);
  }
}

TEST(PlanCache, LetsSeveralChatsRunTogetherInAWindowedModel) {
  CachePlan plan = plan_cache({.windows = kGemma3, .page_bytes = kGemma4b, .model_context = 131072,
                               .available = 24 * GB});
  Scheduler scheduler({.tokens = 512, .outputs = 64, .sequences = 64},
                      pools(plan, kGemma3));
  std::vector<Sequence> chats;
  for (int i = 0; i < 6; ++i) chats.push_back(counting(i, 900, 1000 * i));
  for (Sequence& s : chats) scheduler.add(&s);
  for (int step = 0; step < 20; ++step) compute(scheduler.next());
  EXPECT_EQ(scheduler.running(), 6);
  EXPECT_EQ(scheduler.preemptions(), 0);
}

TEST(PlanCache, KeepsTwoChatsThatTakeTurnsInAWindowedModel) {
  CachePlan plan = plan_cache({.windows = kGemma3, .page_bytes = kGemma4b, .model_context = 131072,
                               .available = 24 * GB});
  Scheduler scheduler({.tokens = 512, .outputs = 64, .sequences = 64},
                      pools(plan, kGemma3));
  for (int turn = 0; turn < 6; ++turn) {
    Sequence s = counting(turn, 850 + turn / 2 * 20, turn % 2 * 5000);
    scheduler.add(&s);
    while (s.outstanding() > 0) {
      auto work = scheduler.next();
      for (const Work& w : work) w.sequence->computed += w.count;
    }
    EXPECT_EQ(s.reused, turn < 2 ? 0 : 830 + turn / 2 * 20) << turn;
    scheduler.remove(&s, Scheduler::Cache::keep);
  }
}

}  // namespace
}  // namespace troika::engine
