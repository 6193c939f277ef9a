#include "engine/scheduler.h"

#include <algorithm>

#include "base/error.h"
#include "ops/step_inputs.h"

namespace troika::engine {
namespace {

// Where the first picture of `a` begins that `b` has not at the same place; `end` when that is no earlier.
int first_other_image(const std::vector<SeenImage>& a, const std::vector<SeenImage>& b, int end) {
  for (const SeenImage& image : a) {
    if (image.first >= end) break;
    bool known = std::any_of(b.begin(), b.end(), [&](const SeenImage& other) { return image.same_as(other); });
    if (!known) return image.first;
  }
  return end;
}

// The last position up to `end` that lies inside no run.
int before_run(const std::vector<TokenRun>& runs, int end) {
  for (const TokenRun& run : runs) {
    if (run.first < end && end < run.end) return run.first;
  }
  return end;
}

// The run that begins at `computed`, if any.
const TokenRun* next_run(const Sequence& sequence) {
  auto run = std::find_if(sequence.runs.begin(), sequence.runs.end(),
                          [&](const TokenRun& r) { return r.first == sequence.computed; });
  return run == sequence.runs.end() ? nullptr : &*run;
}

}  // namespace

void Scheduler::add(Sequence* sequence) {
  sequence->pages.resize(pools_.size());
  waiting_.push_back(sequence);
}

void Scheduler::remove(Sequence* sequence, Cache cache) {
  std::erase(running_, sequence);
  std::erase(waiting_, sequence);
  if (cache == Cache::discard || sequence->computed < ops::kPageTokens) return give_back(sequence->pages);
  int kept_tokens = sequence->computed;
  for (const Kept& kept : kept_) kept_tokens += static_cast<int>(kept.tokens.size());
  while (!kept_.empty() && kept_tokens > limits_.kept_tokens) {
    kept_tokens -= static_cast<int>(kept_.front().tokens.size());
    drop_oldest_kept();
  }
  sequence->tokens.resize(sequence->computed);
  sequence->tokens.shrink_to_fit();
  for (SeenImage& image : sequence->images) image.features = nullptr;
  kept_.push_back({std::move(sequence->tokens), std::move(sequence->pages), std::move(sequence->images),
                   std::move(sequence->runs), sequence->slice, std::move(sequence->owner)});
}

int Scheduler::pages_free(int group) const {
  int pages = pools_[group].available();
  for (const Kept& kept : kept_) pages += pages_held(kept.pages[group]);
  return pages;
}

void Scheduler::give_back(std::vector<PageList>& pages) {
  for (size_t group = 0; group < pages.size(); ++group) pools_[group].give_back(pages[group]);
}

void Scheduler::drop_oldest_kept() {
  give_back(kept_.front().pages);
  kept_.pop_front();
}

// Whether a token at `position` finds all that it looks at, in every group.
bool Scheduler::covers(const Kept& kept, int position) const {
  for (size_t group = 0; group < pools_.size(); ++group) {
    if (!pools_[group].covers(kept.pages[group], position)) return false;
  }
  return true;
}

// Tokens at the beginning that are the same, pictures too, and without half a run at their end.
int Scheduler::common_prefix(const Kept& kept, const Sequence& sequence) {
  auto differ = std::mismatch(kept.tokens.begin(), kept.tokens.end(), sequence.tokens.begin(), sequence.tokens.end());
  int common = static_cast<int>(differ.first - kept.tokens.begin());
  common = first_other_image(kept.images, sequence.images, common);
  common = first_other_image(sequence.images, kept.images, common);
  common = before_run(sequence.runs, std::min(common, sequence.outstanding() - 1));
  return before_run(sequence.runs, before_run(kept.runs, common));  // what was kept saw the rest of its own run
}

// Takes over the kept text that shares the longest beginning: a page at least and half of that text, since the rest
// of it is lost. The last token is always computed anew, since its logits are wanted.
void Scheduler::adopt(Sequence& sequence) {
  if (sequence.all_outputs) return;
  int longest = ops::kPageTokens - 1;
  auto best = kept_.end();
  for (auto kept = kept_.begin(); kept != kept_.end(); ++kept) {
    if (kept->slice != sequence.slice || kept->owner != sequence.owner) continue;
    int common = common_prefix(*kept, sequence);
    if (common <= longest || 2 * common < static_cast<int>(kept->tokens.size()) || !covers(*kept, common)) continue;
    longest = common;
    best = kept;
  }
  if (best == kept_.end()) return;
  for (size_t group = 0; group < pools_.size(); ++group) {
    PageList& pages = best->pages[group];
    PageList surplus(pages.begin() + ops::pages_for(longest), pages.end());
    pages.resize(ops::pages_for(longest));
    sequence.pages[group].assign(pages.begin(), pages.end());
    pools_[group].give_back(surplus);
  }
  sequence.computed = sequence.reused = longest;
  kept_.erase(best);
}

// A waiting sequence starts when its whole text fits beside what runs; first come, first served.
void Scheduler::admit() {
  auto needed = [&](const Sequence& s, size_t group) {  // pages still to be taken for the text it has
    int step = s.outstanding() > 1 ? limits_.tokens : 1;
    int whole = pools_[group].pages_for(static_cast<int>(s.tokens.size()) + 1, step);
    return std::max(0, whole - pages_held(s.pages[group]));
  };
  auto fits = [&](const Sequence& candidate) {
    for (size_t group = 0; group < pools_.size(); ++group) {
      int pages = needed(candidate, group);
      for (const Sequence* s : running_) pages += needed(*s, group);
      if (pages > pages_free(static_cast<int>(group))) return false;
    }
    return true;
  };
  while (!waiting_.empty() && running() < limits_.sequences) {
    if (!running_.empty() && !fits(*waiting_.front())) break;
    running_.push_back(waiting_.front());
    waiting_.pop_front();
    adopt(*running_.back());
  }
}

// Pages for the next `tokens` of a sequence in every group, or in none.
bool Scheduler::reserve(Sequence& sequence, int tokens) {
  int pages = ops::pages_for(sequence.computed + tokens);
  for (size_t group = 0; group < pools_.size(); ++group) {
    pools_[group].give_back_behind(sequence.pages[group], sequence.computed);
    if (pages - static_cast<int>(sequence.pages[group].size()) > pages_free(static_cast<int>(group))) return false;
  }
  for (size_t group = 0; group < pools_.size(); ++group) {
    PageList& list = sequence.pages[group];
    while (static_cast<int>(list.size()) < pages) {
      while (pools_[group].available() == 0) drop_oldest_kept();
      list.push_back(*pools_[group].take());
    }
  }
  return true;
}

void Scheduler::preempt_youngest() {
  Sequence* youngest = running_.back();
  running_.pop_back();
  give_back(youngest->pages);
  youngest->computed = youngest->reused = youngest->given = 0;
  waiting_.push_front(youngest);
  ++preemptions_;
}

void Scheduler::hand_out(Sequence& sequence, int& tokens, int& outputs) {
  int count = std::min(sequence.outstanding(), tokens);
  const TokenRun* run = next_run(sequence);
  if (sequence.all_outputs && !run) count = std::min(count, outputs);
  if (sequence.all_outputs && run) count = std::min(count, run->end - run->first);
  count = before_run(sequence.runs, sequence.computed + count) - sequence.computed;
  sequence.passed_over = count <= 0 && tokens > 0 && outputs > 0;
  int first_output = sequence.all_outputs ? sequence.given : count - 1;
  int wanted = sequence.all_outputs ? std::min(count - first_output, outputs) : count == sequence.outstanding() ? 1 : 0;
  if (wanted == 0) first_output = count;
  bool lacks_outputs = wanted > outputs || (sequence.all_outputs && wanted <= 0);
  if (count <= 0 || lacks_outputs || !reserve(sequence, count)) return;
  tokens -= count;
  outputs -= wanted;
  work_.push_back({&sequence, count, wanted, first_output, sequence.all_outputs && first_output + wanted < count});
}

// The next larger slice number among running sequences, or the smallest; `slice` itself when it is the only one.
int Scheduler::slice_after(int slice) const {
  auto distance = [&](const Sequence* s) { return s->slice > slice ? s->slice : s->slice + (1 << 20); };
  auto nearest = std::min_element(running_.begin(), running_.end(),
                                  [&](auto* a, auto* b) { return distance(a) < distance(b); });
  return nearest == running_.end() ? slice : (*nearest)->slice;
}

// Fills a step with the work of one slice.
void Scheduler::hand_out(int slice) {
  int tokens = limits_.tokens, outputs = limits_.outputs;
  Sequence* first = nullptr;
  for (Sequence* s : running_) {
    if (s->slice == slice && s->passed_over && !first) hand_out(*(first = s), tokens, outputs);
  }
  for (Sequence* s : running_) {
    if (s->slice == slice && s->outstanding() == 1 && s != first) hand_out(*s, tokens, outputs);
  }
  for (Sequence* s : running_) {
    if (s->slice == slice && s->outstanding() > 1 && s != first) hand_out(*s, tokens, outputs);
  }
}

const std::vector<Work>& Scheduler::next() {
  work_.clear();
  admit();
  for (;;) {
    int first = slice_after(slice_), slice = first;
    do {
      hand_out(slice);
      if (!work_.empty()) slice_ = slice;
      slice = slice_after(slice);
    } while (work_.empty() && slice != first);
    if (!work_.empty() || running_.empty()) return work_;
    check(running_.size() > 1, "one sequence always fits the cache");
    preempt_youngest();
  }
}

}  // namespace troika::engine
