#include "engine/scheduler.h"

#include <algorithm>
#include <limits>
#include <ranges>
#include <tuple>
#include <utility>

#include "base/error.h"
#include "ops/step_inputs.h"

namespace troika::engine {
namespace {

// What a generated token costs in tokens of a prompt, which share the reading of the weights with many others.
constexpr int kGeneratedCost = 2;
constexpr size_t kOwnersRemembered = 1024;
constexpr int kLeastUrgent = std::numeric_limits<int>::max();

// The run that begins at `computed`, if any.
const TokenRun* next_run(const Sequence& sequence) {
  auto run = std::find_if(sequence.runs.begin(), sequence.runs.end(),
                          [&](const TokenRun& r) { return r.first == sequence.computed; });
  return run == sequence.runs.end() ? nullptr : &*run;
}

// How many tokens both texts begin with, up to the first picture.
int common_beginning(const Sequence& a, const Sequence& b) {
  const auto text = [](const Sequence& s) {
    return s.images.empty() ? s.tokens.size() : std::min<size_t>(s.tokens.size(), s.images.front().first);
  };
  const auto end = a.tokens.begin() + ptrdiff_t(std::min(text(a), text(b)));
  return static_cast<int>(std::mismatch(a.tokens.begin(), end, b.tokens.begin()).first - a.tokens.begin());
}

}  // namespace

Scheduler::Owner& Scheduler::owner_named(const std::string& name) {
  auto found = std::ranges::find(owners_, name, &Owner::name);
  if (found == owners_.end()) {
    if (owners_.size() >= kOwnersRemembered) found = std::ranges::find(owners_, 0, &Owner::sequences);
    if (found == owners_.end()) found = owners_.insert(found, Owner{});
    *found = {.name = name};
  }
  return *found;
}

// An owner who comes back has not saved up for a time in which nothing was asked, or others would starve; nor does it owe
// for a time in which nobody else asked, or it would starve itself.
void Scheduler::welcome(const std::string& name) {
  Owner& owner = owner_named(name);
  auto present = owners_ | std::views::filter([](const Owner& other) { return other.sequences > 0; });
  if (owner.sequences > 0 || present.empty()) return;
  const auto [least, most] = std::ranges::minmax(present | std::views::transform(&Owner::served));
  owner.served = std::clamp(owner.served, least, most);
}

void Scheduler::add(Sequence* sequence) {
  sequence->pages.resize(cache_.groups());
  sequence->due = clock_ + sequence->outstanding();
  welcome(sequence->owner);
  Owner& owner = owner_named(sequence->owner);
  ++owner.sequences;
  sequence->payer = size_t(&owner - owners_.data());
  waiting_.push_back(sequence);
}

void Scheduler::remove(Sequence* sequence, Cache cache) {
  const bool is_here = std::erase(running_, sequence) + std::erase(waiting_, sequence) > 0;
  if (!is_here) return;
  refused_ = 0;  // what it would still have taken is free
  --owners_[sequence->payer].sequences;
  cache_.end(*sequence, cache == Cache::keep);
}

bool Scheduler::comes_before(const Sequence* a, const Sequence* b) const {
  const auto rank = [&](const Sequence* s) { return std::tuple(s->priority, owners_[s->payer].served, s->due, s->id); };
  return rank(a) < rank(b);
}

// Takes what is known of the text, for as long as it is known.
void Scheduler::begin(Sequence& sequence) {
  leave(sequence);
  cache_.begin(sequence);
}

void Scheduler::leave(Sequence& sequence) {
  cache_.end(sequence, false);
  sequence.computed = 0;
}

int Scheduler::pages_free() const {
  int pages = 0;
  for (int group = 0; group < groups(); ++group) pages += pages_free(group);
  return pages;
}

// Whether the whole text fits beside what runs, if those of a higher number than `priority` made room.
bool Scheduler::fits(const Sequence& candidate, int priority) const {
  for (int group = 0; group < groups(); ++group) {
    const auto needed = [&](const Sequence& s) {  // pages still to be taken for the text it has
      int step = s.outstanding() > 1 ? limits_.tokens : 1;
      int whole = cache_.pool(group).pages_for(static_cast<int>(s.tokens.size()) + 1, step);
      return std::max(0, whole - pages_held(s.pages[group]));
    };
    int pages = needed(candidate), room = pages_free(group);
    for (const Sequence* s : running_) {
      if (s->priority <= priority) pages += needed(*s);
      else room += pages_held(s->pages[group]);
    }
    if (pages > room) return false;
  }
  return true;
}

void Scheduler::admit() {
  const auto before = [this](const Sequence* a, const Sequence* b) { return comes_before(a, b); };
  is_restoring_ = false;
  while (!waiting_.empty()) {
    const auto first = std::ranges::min_element(waiting_, before);
    Sequence& candidate = **first;
    if (running() == limits_.sequences) {
      if (suspend_for(candidate)) continue;
      break;
    }
    // Also with fewer free pages: those who took them may have made more of its text known.
    const bool may_fit = running_.empty() || candidate.id != refused_ || pages_free() != refused_free_;
    if (may_fit) begin(candidate);
    if (!may_fit || (!running_.empty() && !fits(candidate, kLeastUrgent))) {
      const bool would_fit = may_fit && fits(candidate, candidate.priority);
      leave(candidate);
      if (would_fit && suspend_for(candidate)) continue;
      refused_ = candidate.id;
      refused_free_ = pages_free();
      break;
    }
    if (swap_) {
      leave(candidate);
      is_restoring_ = !swap_->restore(candidate);
      if (is_restoring_) break;
      begin(candidate);
    }
    waiting_.erase(first);
    follow(candidate);
    running_.push_back(&candidate);
  }
}

// Looks for one who is computing more of the same beginning than is known yet.
void Scheduler::follow(Sequence& sequence) {
  sequence.leader = 0;
  if (sequence.all_outputs) return;
  int best = sequence.computed + ops::kPageTokens - 1;
  for (const Sequence* other : running_) {
    if (other->slice != sequence.slice || other->owner != sequence.owner || other->leader != 0) continue;
    if (other->priority > sequence.priority) continue;
    const int common = std::min(common_beginning(sequence, *other), sequence.outstanding() + sequence.computed - 1);
    const int whole = common / ops::kPageTokens * ops::kPageTokens;
    if (whole <= best || other->computed >= whole) continue;
    best = whole;
    sequence.leader = other->id;
    sequence.leader_tokens = whole;
  }
}

// Whether it has to wait, for its leader or for the other lane. Else it begins, with all that is known now.
bool Scheduler::has_to_wait(Sequence& sequence) {
  if (sequence.trip != 0) return true;
  const bool begins = !sequence.began || sequence.leader != 0;
  if (sequence.leader != 0) {
    const auto leader = std::ranges::find(running_, sequence.leader, &Sequence::id);
    if (leader != running_.end() && (*leader)->computed < sequence.leader_tokens) return true;
    sequence.leader = 0;
    begin(sequence);
  }
  const bool is_leaving = leaves(sequence);
  if (begins && !is_leaving && limits_.copies) cache_.begin_within_page(sequence, copies_);
  if (!sequence.began) sequence.reused = sequence.computed;
  sequence.began = true;
  if (is_leaving) sequence.trip = ++trips_;
  return is_leaving;
}

// Decided once, so that a prompt is computed by the same devices whenever it has to be.
bool Scheduler::leaves(Sequence& sequence) {
  const int unknown = sequence.lane_tokens - sequence.computed;
  if (!lane_from_ || (!sequence.began && unknown < *lane_from_)) sequence.lane_tokens = 0;
  return sequence.computed < sequence.lane_tokens;
}

void Scheduler::leave_lane() {
  lane_from_.reset();
  for (Sequence* sequence : running_) sequence->trip = 0;
}

Sequence* Scheduler::next_away() const {
  Sequence* first = nullptr;
  for (Sequence* s : running_) {
    if (s->trip != 0 && (!first || comes_before(s, first))) first = s;
  }
  return first;
}

Sequence* Scheduler::on_trip(uint64_t number) const {
  const auto found = std::ranges::find(running_, number, &Sequence::trip);
  return found == running_.end() ? nullptr : *found;
}

bool Scheduler::land(Sequence& sequence) {
  const int known = std::exchange(sequence.computed, sequence.lane_tokens);
  if (!reserve(sequence, 0)) {
    sequence.computed = known;
    return false;
  }
  const int tokens = sequence.computed - known;
  sequence.trip = 0;
  clock_ += tokens;
  owners_[sequence.payer].served += tokens;
  return true;
}

// Pages for the next `tokens` of a sequence, and for earlier ones that these look at, in every group or in no more.
bool Scheduler::reserve(Sequence& sequence, int tokens) {
  int pages = ops::pages_for(sequence.computed + tokens);
  for (int group = 0; group < groups(); ++group) {
    PageList& list = sequence.pages[group];
    KvPages& pool = cache_.pool(group);
    pool.give_back_behind(list, sequence.computed);
    list.resize(std::max(list.size(), size_t(pool.first_needed(sequence.computed) / ops::kPageTokens)), kNoPage);
    if (pages - static_cast<int>(list.size()) > pages_free(group)) {
      lacks_pages_ = true;
      return false;
    }
  }
  for (int group = 0; group < groups(); ++group) {
    PageList& list = sequence.pages[group];
    while (static_cast<int>(list.size()) < pages) cache_.take(group, list);
  }
  return true;
}

// The youngest of the lowest priority.
Sequence* Scheduler::last_running() const {
  return *std::ranges::max_element(running_ | std::views::reverse, {}, &Sequence::priority);
}

void Scheduler::suspend(Sequence* sequence) {
  std::erase(running_, sequence);
  cache_.learn(*sequence);
  if (swap_) swap_->save(*sequence);
  cache_.end(*sequence, true);
  sequence->computed = sequence->given = 0;
  sequence->leader = sequence->trip = 0;
  waiting_.push_front(sequence);
  ++preemptions_;
}

void Scheduler::start_over(PrefixCache cache) {
  while (!running_.empty()) {
    waiting_.push_front(running_.back());
    running_.pop_back();
  }
  for (Sequence* sequence : waiting_) {
    leave(*sequence);
    sequence->given = 0;
    sequence->leader = sequence->trip = 0;
    sequence->began = false;
  }
  cache_ = std::move(cache);
  refused_ = 0;
}

bool Scheduler::suspend_for(const Sequence& candidate) {
  Sequence* last = last_running();
  if (last->priority <= candidate.priority) return false;
  suspend(last);
  return true;
}

void Scheduler::hand_out(Sequence& sequence, int most, int& tokens, int& outputs) {
  if (has_to_wait(sequence)) return;
  const TokenRun* run = next_run(sequence);
  int count = std::min({sequence.outstanding(), tokens, run ? tokens : most});
  if (sequence.all_outputs && !run) count = std::min(count, outputs);
  if (sequence.all_outputs && run) count = std::min(count, run->end - run->first);
  count = before_run(sequence.runs, sequence.computed + count) - sequence.computed;
  sequence.passed_over = run && count <= 0 && tokens > 0 && outputs > 0;
  int first_output = sequence.all_outputs ? sequence.given : count - 1;
  int wanted = sequence.all_outputs ? std::min(count - first_output, outputs) : count == sequence.outstanding() ? 1 : 0;
  if (wanted == 0) first_output = count;
  bool lacks_outputs = wanted > outputs || (sequence.all_outputs && wanted <= 0);
  if (count <= 0 || lacks_outputs || !reserve(sequence, count)) return;
  tokens -= count;
  outputs -= wanted;
  clock_ += count;
  owners_[sequence.payer].served += count == 1 ? kGeneratedCost : count;
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
    if (s->slice == slice && s->passed_over && !first) hand_out(*(first = s), tokens, tokens, outputs);
  }
  prompts_.clear();
  for (Sequence* s : running_) {
    if (s->slice != slice || s == first) continue;
    if (s->outstanding() == 1) hand_out(*s, tokens, tokens, outputs);
    else prompts_.push_back(s);
  }
  const bool somebody_writes = std::ranges::any_of(running_, [](auto* s) { return s->outstanding() == 1; });  // in any slice
  int most = std::min({tokens, prompt_tokens_, somebody_writes ? prompt_tokens_beside_ : tokens});
  std::ranges::sort(prompts_, [this](const Sequence* a, const Sequence* b) { return comes_before(a, b); });
  for (Sequence* s : prompts_) {
    const int before = tokens;
    hand_out(*s, most, tokens, outputs);
    most -= before - tokens;
  }
}

const std::vector<Work>& Scheduler::next() {
  work_.clear();
  copies_.clear();
  for (Sequence* s : running_) cache_.learn(*s);
  admit();
  for (;;) {
    int first = slice_after(slice_), slice = first;
    do {
      hand_out(slice);
      if (!work_.empty()) slice_ = slice;
      slice = slice_after(slice);
    } while (work_.empty() && slice != first);
    const bool lacks_pages = std::exchange(lacks_pages_, false);
    const bool is_somebody_away = std::ranges::any_of(running_, [](const Sequence* s) { return s->trip != 0; });
    if (!work_.empty() || running_.empty() || (is_somebody_away && !lacks_pages)) return work_;
    check(running_.size() > 1, "one sequence always fits the cache");
    suspend(last_running());
  }
}

}  // namespace troika::engine
