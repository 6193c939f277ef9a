#include "engine/scheduler.h"

#include <algorithm>

#include "base/error.h"
#include "ops/step_inputs.h"

namespace troika::engine {
namespace {

int common_prefix(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  return static_cast<int>(std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
}

}  // namespace

void Scheduler::remove(Sequence* sequence, Cache cache) {
  std::erase(running_, sequence);
  std::erase(waiting_, sequence);
  if (cache == Cache::discard || sequence->computed < ops::kPageTokens) return pages_.give_back(sequence->pages);
  int most = limits_.kept_pages - static_cast<int>(sequence->pages.size());
  while (!kept_.empty() && kept_pages() > most) drop_oldest_kept();
  sequence->tokens.resize(sequence->computed);
  sequence->tokens.shrink_to_fit();
  kept_.push_back({std::move(sequence->tokens), std::move(sequence->pages)});
}

int Scheduler::kept_pages() const {
  size_t pages = 0;
  for (const Kept& kept : kept_) pages += kept.pages.size();
  return static_cast<int>(pages);
}

int Scheduler::pages_free() const { return pages_.available() + kept_pages(); }

void Scheduler::drop_oldest_kept() {
  pages_.give_back(kept_.front().pages);
  kept_.pop_front();
}

// Takes over the kept text that shares the longest beginning: a page at least and half of that text, since the rest
// of it is lost. The last token is always computed anew, since its logits are wanted.
void Scheduler::adopt(Sequence& sequence) {
  if (sequence.all_outputs) return;
  int longest = ops::kPageTokens - 1;
  auto best = kept_.end();
  for (auto kept = kept_.begin(); kept != kept_.end(); ++kept) {
    int common = std::min(common_prefix(kept->tokens, sequence.tokens), sequence.outstanding() - 1);
    if (common <= longest || 2 * common < static_cast<int>(kept->tokens.size())) continue;
    longest = common;
    best = kept;
  }
  if (best == kept_.end()) return;
  std::vector<int32_t> surplus(best->pages.begin() + ops::pages_for(longest), best->pages.end());
  best->pages.resize(ops::pages_for(longest));
  sequence.pages.assign(best->pages.begin(), best->pages.end());
  sequence.computed = sequence.reused = longest;
  pages_.give_back(surplus);
  kept_.erase(best);
}

// A waiting sequence starts when its whole text fits beside what runs; first come, first served.
void Scheduler::admit() {
  int promised = 0;  // pages that running sequences still need for the text they have
  for (const Sequence* s : running_) {
    promised += ops::pages_for(static_cast<int>(s->tokens.size()) + 1) - static_cast<int>(s->pages.size());
  }
  while (!waiting_.empty() && running() < limits_.sequences) {
    int needed = ops::pages_for(static_cast<int>(waiting_.front()->tokens.size()) + 1);
    if (!running_.empty() && promised + needed > pages_free()) break;
    running_.push_back(waiting_.front());
    waiting_.pop_front();
    adopt(*running_.back());
    promised += needed - static_cast<int>(running_.back()->pages.size());
  }
}

bool Scheduler::reserve(Sequence& sequence, int tokens) {
  int missing = ops::pages_for(sequence.computed + tokens) - static_cast<int>(sequence.pages.size());
  if (missing > pages_free()) return false;
  while (missing > pages_.available()) drop_oldest_kept();
  for (int i = 0; i < missing; ++i) sequence.pages.push_back(*pages_.take());
  return true;
}

void Scheduler::preempt_youngest() {
  Sequence* youngest = running_.back();
  running_.pop_back();
  pages_.give_back(youngest->pages);
  youngest->computed = youngest->reused = 0;
  waiting_.push_front(youngest);
  ++preemptions_;
}

void Scheduler::hand_out(Sequence& sequence, int& tokens, int& outputs) {
  int count = std::min(sequence.outstanding(), tokens);
  if (sequence.all_outputs) count = std::min(count, outputs);
  int wanted = sequence.all_outputs ? count : (count == sequence.outstanding() ? 1 : 0);
  if (count <= 0 || wanted > outputs || !reserve(sequence, count)) return;
  tokens -= count;
  outputs -= wanted;
  work_.push_back({&sequence, count, wanted});
}

const std::vector<Work>& Scheduler::next() {
  work_.clear();
  admit();
  for (;;) {
    int tokens = limits_.tokens, outputs = limits_.outputs;
    for (Sequence* s : running_) {
      if (s->outstanding() == 1) hand_out(*s, tokens, outputs);
    }
    for (Sequence* s : running_) {
      if (s->outstanding() > 1) hand_out(*s, tokens, outputs);
    }
    if (!work_.empty() || running_.empty()) return work_;
    check(running_.size() > 1, "one sequence always fits the cache");
    preempt_youngest();
  }
}

}  // namespace troika::engine
