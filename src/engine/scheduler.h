// Who computes what in the next step. There is no prefill phase and no decode phase: a sequence has tokens and a
// count `computed`, and every step hands out a token budget until all counts catch up. Arithmetic on plain data:
// it knows neither devices nor requests. Used by the engine's thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "engine/kv_pages.h"

namespace troika::engine {

struct Sequence {
  uint64_t id = 0;
  std::vector<int32_t> tokens;  // prompt and what was generated so far
  int computed = 0;             // tokens whose keys and values lie in the cache
  int reused = 0;               // of these, taken over from an earlier sequence with the same beginning
  std::vector<int32_t> pages;   // cache pages, in order of position
  bool all_outputs = false;     // wants the logits after every token, not only after the last

  int outstanding() const { return static_cast<int>(tokens.size()) - computed; }
};

struct Work {
  Sequence* sequence = nullptr;
  int count = 0;    // tokens [computed, computed + count)
  int outputs = 0;  // the last `outputs` of them want logits
};

struct SchedulerLimits {
  int tokens = 512;    // budget of a step
  int outputs = 64;    // rows of logits of a step
  int sequences = 64;  // sequences in a step
  int kept_pages = 64; // of text that no sequence owns any more
};

class Scheduler {
 public:
  Scheduler(const SchedulerLimits& limits, int pages) : limits_(limits), pages_(pages) {}

  void add(Sequence* sequence) { waiting_.push_back(sequence); }

  // Finished, cancelled or failed: its pages are free again. With `keep`, what is computed stays readable until
  // the pages are needed: the next turn of a chat begins with the text of the last one and takes them over.
  enum class Cache { keep, discard };
  void remove(Sequence* sequence, Cache cache);

  // The next step's work, pages taken. Sequences that have one token to go come first, then prompts in order of
  // arrival. Without a free page the youngest sequence gives its pages back and starts over later. Empty when
  // there is nothing to do. The caller computes it and advances `computed`.
  const std::vector<Work>& next();

  int pages_total() const { return pages_.total(); }
  int pages_free() const;  // kept text counts as free
  int running() const { return static_cast<int>(running_.size()); }
  int waiting() const { return static_cast<int>(waiting_.size()); }
  int64_t preemptions() const { return preemptions_; }

 private:
  // Computed text that no sequence owns any more.
  struct Kept {
    std::vector<int32_t> tokens, pages;
  };

  void admit();
  void drop_oldest_kept();
  int kept_pages() const;
  void adopt(Sequence& sequence);
  bool reserve(Sequence& sequence, int tokens);
  void preempt_youngest();
  void hand_out(Sequence& sequence, int& tokens, int& outputs);

  SchedulerLimits limits_;
  KvPages pages_;
  std::deque<Sequence*> waiting_;
  std::vector<Sequence*> running_;  // in order of arrival
  std::deque<Kept> kept_;           // oldest first
  std::vector<Work> work_;
  int64_t preemptions_ = 0;
};

}  // namespace troika::engine
