// The scheduler under random loads: texts that begin alike, pictures, slices, owners, priorities, clients that leave, prompts
// that another lane computes. After
// every step the pages are looked through: none is lost, and every token that is looked at is the text's own.
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <random>

#include "engine/scheduler.h"
#include "ops/step_inputs.h"

namespace troika::engine {
namespace {

constexpr int P = ops::kPageTokens;
constexpr int kPages = 24, kBudget = 128, kOutputs = 8;
constexpr size_t kTexts = 300;

// What stands at a place of a page, as the engine would have computed it: the key, and whose it is.
struct Written {
  PrefixCache::Key key = 0;
  std::string owner;
  int slice = -1;
  bool operator==(const Written&) const = default;
};

class Load {
 public:
  Load(const std::vector<int>& windows, bool copies, bool has_lane, uint32_t seed)
      : windows_(windows), random_(seed), written_(windows.size()) {
    std::vector<KvPages> pools;
    for (int window : windows) pools.emplace_back(kPages, window);
    scheduler_.emplace(SchedulerLimits{.tokens = kBudget, .outputs = kOutputs, .sequences = 6, .copies = copies},
                       std::move(pools));
    scheduler_->limit_prompts_beside(64);
    if (has_lane) scheduler_->use_lane(2 * P);
  }

  void run() {
    for (int step = 0; step < 40000 && finished_ < kTexts; ++step) {
      if (next_ <= kTexts && pick(2)) add();
      tend_lane();
      const auto& work = scheduler_->next();
      for (const PageCopy& copy : scheduler_->copies()) {
        ASSERT_NE(copy.from, copy.to);
        written_[copy.group][copy.to] = written_[copy.group][copy.from];
      }
      for (size_t g = 0; g < windows_.size(); ++g) look_through(int(g));
      check(work);
      if (::testing::Test::HasFatalFailure()) return;
      compute(work);
      end_some();
    }
    EXPECT_EQ(finished_, kTexts);
    for (size_t g = 0; g < windows_.size(); ++g) EXPECT_EQ(scheduler_->pages_free(int(g)), kPages);
  }
  int64_t reused() const { return reused_; }
  int64_t preemptions() const { return scheduler_->preemptions(); }
  int64_t landed() const { return landed_; }

 private:
  struct Text {
    Sequence sequence;
    size_t target = 0;  // tokens
  };

  int pick(int count) { return int(random_() % uint32_t(count)); }

  void add() {
    Text& text = all_[next_];
    Sequence& s = text.sequence;
    s.id = next_++;
    s.tokens.resize(1 + size_t(pick(200)));
    std::iota(s.tokens.begin(), s.tokens.end(), pick(3) * 1000);
    if (pick(2)) s.tokens[size_t(pick(int(s.tokens.size())))] = 7;
    s.owner = pick(4) ? "ann" : "bob";
    s.slice = pick(8) == 0;
    s.all_outputs = pick(10) == 0;
    s.priority = pick(20) == 0;
    if (s.tokens.size() > 100 && pick(3) == 0) show_pictures(s);
    if (s.images.empty() && s.slice == 0 && !s.all_outputs) s.lane_tokens = int(s.tokens.size() - 1) / P * P;
    text.target = s.tokens.size() + 1 + size_t(pick(100));
    scheduler_->add(&s);
  }

  // One or two, behind each other or apart, that are seen both ways or not.
  void show_pictures(Sequence& s) {
    const int first = 20 + pick(30), count = 20 + pick(20), gap = pick(2) * 10;
    const bool both_ways = pick(2);
    s.images.push_back({first, count, {1 + uint64_t(pick(2)), 0}, nullptr});
    if (both_ways) s.runs.push_back({first, first + count});
    const int second = first + count + gap;
    if (pick(2) || second + 8 > int(s.tokens.size())) return;
    s.images.push_back({second, 8, {1 + uint64_t(pick(2)), 0}, nullptr});
    if (both_ways && gap > 0) s.runs.push_back({second, second + 8});
    if (both_ways && gap == 0) s.runs.back().end = second + 8;
  }

  // One prompt at a time, which takes some steps.
  void tend_lane() {
    if (trip_ == 0 || !scheduler_->on_trip(trip_)) {
      const Sequence* next = scheduler_->next_away();
      trip_ = next ? next->trip : 0;
    }
    if (trip_ == 0 || pick(4)) return;
    Sequence& s = *scheduler_->on_trip(trip_);
    const int known = s.computed;
    ASSERT_GT(s.lane_tokens, known);
    if (!scheduler_->land(s)) return;
    ASSERT_EQ(s.computed, s.lane_tokens);
    for (size_t g = 0; g < windows_.size(); ++g) write(s, g, known);
    ++landed_;
  }

  // What comes from the other lane behind `known`, as far as the next token looks.
  void write(const Sequence& s, size_t g, int known) {
    const int needed = windows_[g] == 0 ? 0 : std::max(0, s.computed - windows_[g] + 1) / P * P;
    for (int at = std::max(known, needed); at < s.computed; ++at) {
      ASSERT_NE(s.pages[g][at / P], kNoPage);
      auto& page = written_[g][s.pages[g][at / P]];
      page.resize(P);
      PrefixCache::Keys storage;
      page[at % P] = {PrefixCache::keys_of(s, at, 1, storage)[0], s.owner, s.slice};
    }
  }

  // Who reads a page together reads the same text of the same owner, which is whole and computed.
  void look_through(int g) {
    std::map<int32_t, std::pair<const Sequence*, size_t>> read;
    for (const auto& [id, text] : all_) {
      const Sequence& s = text.sequence;
      for (size_t i = 0; i < s.pages[size_t(g)].size(); ++i) {
        const int32_t page = s.pages[size_t(g)][i];
        if (page == kNoPage) continue;
        const auto [other, is_first] = read.emplace(page, std::pair(&s, i));
        if (is_first) continue;
        const Sequence& o = *other->second.first;
        ASSERT_EQ(other->second.second, i);
        ASSERT_EQ(o.owner, s.owner);
        ASSERT_EQ(o.slice, s.slice);
        ASSERT_LE((i + 1) * P, size_t(std::min(o.computed, s.computed)));
      }
    }
    ASSERT_EQ(int(read.size()) + scheduler_->pages_free(g), kPages);
  }

  void check(const std::vector<Work>& work) {
    ASSERT_TRUE(all_.empty() || !work.empty() || scheduler_->next_away());
    int tokens = 0, outputs = 0;
    for (const Work& w : work) {
      const Sequence& s = *w.sequence;
      tokens += w.count;
      outputs += w.outputs;
      ASSERT_EQ(s.slice, work.front().sequence->slice);
      ASSERT_GT(w.count, 0);
      ASSERT_LE(w.first_output + w.outputs, w.count);
      if (!s.all_outputs) { ASSERT_EQ(w.outputs, s.computed + w.count == int(s.tokens.size())); }
      for (const TokenRun& run : s.runs) {
        ASSERT_FALSE(s.computed > run.first && s.computed < run.end);
        ASSERT_FALSE(s.computed + w.count > run.first && s.computed + w.count < run.end);
      }
      for (size_t g = 0; g < windows_.size(); ++g) write_and_read(w, g);
    }
    EXPECT_LE(tokens, kBudget);
    EXPECT_LE(outputs, kOutputs);
  }

  void write_and_read(const Work& w, size_t g) {
    const Sequence& s = *w.sequence;
    const PageList& pages = s.pages[g];
    const int end = s.computed + w.count;
    ASSERT_GE(int(pages.size()) * P, end);
    const int first = windows_[g] == 0 ? 0 : std::max(0, s.computed - windows_[g] + 1);
    for (int at = first; at < end; ++at) {
      ASSERT_NE(pages[at / P], kNoPage);
      auto& page = written_[g][pages[at / P]];
      page.resize(P);
      PrefixCache::Keys storage;
      const Written own{PrefixCache::keys_of(s, at, 1, storage)[0], s.owner, s.slice};
      if (at >= s.computed) page[at % P] = own;
      ASSERT_EQ(page[at % P], own) << at << " of " << s.id;
    }
  }

  void compute(const std::vector<Work>& work) {
    for (const Work& w : work) {
      w.advance();
      if (w.sequence->outstanding() > 0) continue;
      w.sequence->all_outputs = false;
      w.sequence->tokens.push_back(5 + pick(2));
    }
  }

  void end_some() {
    for (auto it = all_.begin(); it != all_.end();) {
      Sequence& s = it->second.sequence;
      if (s.tokens.size() < it->second.target && pick(400) > 0) {
        ++it;
        continue;
      }
      reused_ += s.reused;
      scheduler_->remove(&s, pick(4) ? Scheduler::Cache::keep : Scheduler::Cache::discard);
      it = all_.erase(it);
      ++finished_;
    }
  }

  const std::vector<int> windows_;
  std::mt19937 random_;
  std::optional<Scheduler> scheduler_;
  std::map<uint64_t, Text> all_;
  std::vector<std::map<int32_t, std::vector<Written>>> written_;  // by group and page
  uint64_t next_ = 1;
  size_t finished_ = 0;
  uint64_t trip_ = 0;
  int64_t reused_ = 0, landed_ = 0;
};

TEST(Scheduler, NeverLosesAPageOrReadsAnothersTextAndStarvesNobody) {
  int64_t reused = 0, preemptions = 0, landed = 0;
  uint32_t seed = 0;
  for (const std::vector<int>& windows : {std::vector<int>{0}, {0, 70}, {40}, {33, 0, 100}}) {
    for (const bool copies : {true, false}) {
      for (const bool has_lane : {false, true}) {
        Load load(windows, copies, has_lane, ++seed);
        load.run();
        reused += load.reused();
        preemptions += load.preemptions();
        landed += load.landed();
        EXPECT_EQ(load.landed() > 0, has_lane);
      }
    }
  }
  EXPECT_GT(reused, 5000);
  EXPECT_GT(preemptions, 10);
  EXPECT_GT(landed, 100);
}

}  // namespace
}  // namespace troika::engine
