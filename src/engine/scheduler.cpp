#include "engine/scheduler.h"

#include <algorithm>

#include "base/error.h"
#include "ops/step_inputs.h"

namespace troika::engine {
namespace {

int pages_for(int tokens) { return (tokens + ops::kPageTokens - 1) / ops::kPageTokens; }

}  // namespace

void Scheduler::remove(Sequence* sequence) {
  pages_.give_back(sequence->pages);
  std::erase(running_, sequence);
  std::erase(waiting_, sequence);
}

// A waiting sequence starts when its whole text fits beside what runs; first come, first served.
void Scheduler::admit() {
  int promised = 0;  // pages that running sequences still need for the text they have
  for (const Sequence* s : running_) {
    promised += pages_for(static_cast<int>(s->tokens.size()) + 1) - static_cast<int>(s->pages.size());
  }
  while (!waiting_.empty() && running() < limits_.sequences) {
    int needed = pages_for(static_cast<int>(waiting_.front()->tokens.size()) + 1);
    if (!running_.empty() && promised + needed > pages_.available()) break;
    promised += needed;
    running_.push_back(waiting_.front());
    waiting_.pop_front();
  }
}

bool Scheduler::reserve(Sequence& sequence, int tokens) {
  int missing = pages_for(sequence.computed + tokens) - static_cast<int>(sequence.pages.size());
  if (missing > pages_.available()) return false;
  for (int i = 0; i < missing; ++i) sequence.pages.push_back(*pages_.take());
  return true;
}

void Scheduler::preempt_youngest() {
  Sequence* youngest = running_.back();
  running_.pop_back();
  pages_.give_back(youngest->pages);
  youngest->computed = 0;
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
