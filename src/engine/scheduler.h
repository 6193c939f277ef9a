// Who computes what in the next step. There is no prefill phase and no decode phase: a sequence has tokens and a
// count `computed`, and every step hands out a token budget until all counts catch up. Arithmetic on plain data:
// it knows neither devices nor requests. Used by the engine's thread only.
//
// Who comes first: sequences that want one token; then prompts, by priority, then those of the owner who was served
// least (virtual token counters: Y. Sheng et al., "Fairness in Serving Large Language Models", arXiv:2401.00588), then by
// what is due. A prompt is due when as many tokens as it has were computed since it came: a short one overtakes a long
// one, but nobody waits for more of those who came later than it is long itself.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "engine/prefix_cache.h"
#include "engine/sequence.h"

namespace troika::engine {

struct Work {
  Sequence* sequence = nullptr;
  int count = 0;         // tokens [computed, computed + count)
  int outputs = 0;       // so many of them want logits, from
  int first_output = 0;  // this one on, counted from `computed`
  bool again = false;    // more of them do than a step gives: the same tokens come once more

  // To be called once the step is computed.
  void advance() const {
    sequence->given = again ? first_output + outputs : 0;
    if (!again) sequence->computed += count;
  }
};

struct SchedulerLimits {
  int tokens = 512;    // budget of a step
  int outputs = 64;    // rows of logits of a step
  int sequences = 64;  // sequences in a step
  bool copies = true;  // pages can be copied: texts that part within a page share it all the same
};

// Where the keys and values of texts go that have to make room for others.
class SwapSpace {
 public:
  virtual ~SwapSpace() = default;

  // Keeps what the cache knows of the text, as far as it can, before it is lost.
  virtual void save(const Sequence& sequence) = 0;

  // Makes known to the cache what was kept of the text of a sequence that has no pages; false: only a part of it so far.
  virtual bool restore(Sequence& sequence) = 0;
};

class Scheduler {
 public:
  // One pool of pages for each page group.
  Scheduler(const SchedulerLimits& limits, std::vector<KvPages> pools, const vision::HashKey& secret = {})
      : limits_(limits), cache_(std::move(pools), secret) {}

  void add(Sequence* sequence);

  // An owner whose sequence is not added yet; what it was given so far, in tokens; and to count what it gets elsewhere.
  void welcome(const std::string& owner);
  int64_t served(const std::string& owner) { return owner_named(owner).served; }
  void charge(const std::string& owner, int64_t tokens) { owner_named(owner).served += tokens; }

  // Finished, cancelled or failed: its pages are free again. What is computed stays readable until they are needed: the
  // next turn of a chat begins with the text of the last one. With `discard` the last, incomplete page does not.
  enum class Cache { keep, discard };
  void remove(Sequence* sequence, Cache cache);

  // What the cache holds is lost: it begins anew as `cache`, and so do all sequences, from their first token on.
  void start_over(PrefixCache cache);

  // The next step's work, pages taken. A step computes one slice of the model; slices with running sequences take
  // turns. A sequence waits for another one that is computing what both begin with. One that comes first by priority
  // suspends others when there is no room, and without a free page the last one is suspended: it gives its pages back and
  // goes on later, with what is still known of it or comes back from the swap space. Empty when there is nothing to do. The
  // caller makes the copies in their order, computes the work and calls Work::advance.
  const std::vector<Work>& next();
  const std::vector<PageCopy>& copies() const { return copies_; }
  bool is_restoring() const { return is_restoring_; }  // what comes first is still coming from the swap space: next() goes on

  // From now on prompts of which so many tokens (Sequence::lane_tokens) are not known when they begin are computed elsewhere:
  // such a sequence is away, in its place among those that run, until it lands. A prompt that left once leaves again if it
  // has to start over.
  void use_lane(int least_tokens) { lane_from_ = least_tokens; }
  void leave_lane();  // all are here again, and compute their prompts here

  Sequence* next_away() const;              // the first of them; null: there is none
  Sequence* on_trip(uint64_t number) const;  // null: it does not need any more what was on its way
  // Takes pages for what comes back, as far as later tokens look there, and counts its lane_tokens as computed: the caller
  // fills the pages now. False when there are none; next() then makes room.
  bool land(Sequence& sequence);

  // So many tokens of prompts at most go into a step, but for runs that a step computes whole; and into one in which others
  // generate, so that these do not wait for long.
  void limit_prompts(int tokens) { prompt_tokens_ = tokens; }
  void limit_prompts_beside(int tokens) { prompt_tokens_beside_ = tokens; }

  PrefixCache& cache() { return cache_; }
  void swap_with(SwapSpace* space) { swap_ = space; }  // null: nothing is kept; not used any more when this ends

  int groups() const { return cache_.groups(); }
  int pages_total(int group) const { return cache_.pool(group).total(); }
  int pages_free(int group) const { return cache_.pool(group).available(); }  // known text that nobody reads is free
  int running() const { return static_cast<int>(running_.size()); }
  int waiting() const {  // but for what belongs to another one
    return static_cast<int>(std::ranges::count(waiting_, false, &Sequence::further));
  }
  int64_t preemptions() const { return preemptions_; }

 private:
  struct Owner {
    std::string name;
    int sequences = 0;   // waiting or running
    int64_t served = 0;  // tokens
  };

  Owner& owner_named(const std::string& name);
  bool comes_before(const Sequence* a, const Sequence* b) const;
  void admit();
  bool fits(const Sequence& candidate, int priority) const;
  int pages_free() const;
  void begin(Sequence& sequence);
  void leave(Sequence& sequence);
  void follow(Sequence& sequence);
  bool has_to_wait(Sequence& sequence);
  bool leaves(Sequence& sequence);
  bool reserve(Sequence& sequence, int tokens);
  Sequence* last_running() const;
  void suspend(Sequence* sequence);
  bool suspend_for(const Sequence& candidate);
  int slice_after(int slice) const;
  void hand_out(int slice);
  void hand_out(Sequence& sequence, int most, int& tokens, int& outputs);

  SchedulerLimits limits_;
  PrefixCache cache_;
  SwapSpace* swap_ = nullptr;
  std::vector<Owner> owners_;  // of sequences that are here, and of some that were
  std::deque<Sequence*> waiting_;
  std::vector<Sequence*> running_;  // in order of admission
  std::vector<Sequence*> prompts_;  // of the step that is made, in the order in which they come
  std::vector<Work> work_;
  std::vector<PageCopy> copies_;
  std::optional<int> lane_from_;  // nothing: there is no other lane
  uint64_t trips_ = 0;
  bool is_restoring_ = false;
  bool lacks_pages_ = false;  // somebody found none since next() last looked
  int prompt_tokens_ = 1 << 20, prompt_tokens_beside_ = 1 << 20;
  int64_t clock_ = 0;  // tokens handed out
  uint64_t refused_ = 0;  // the sequence that came first and did not fit, while there were
  int refused_free_ = 0;  // so many free pages
  int slice_ = 0;      // of the last step
  int64_t preemptions_ = 0;
};

}  // namespace troika::engine
