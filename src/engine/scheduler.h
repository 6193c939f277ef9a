// Who computes what in the next step. There is no prefill phase and no decode phase: a sequence has tokens and a
// count `computed`, and every step hands out a token budget until all counts catch up. Arithmetic on plain data:
// it knows neither devices nor requests. Used by the engine's thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "engine/feature_cache.h"
#include "engine/image_prompt.h"
#include "engine/kv_pages.h"

namespace troika::engine {

// A picture in a sequence: its features stand in for tokens [first, first + count).
struct SeenImage {
  int first = 0, count = 0;
  vision::Hash hash;
  std::shared_ptr<const Features> features;  // there before the sequence is added

  bool same_as(const SeenImage& other) const {
    return first == other.first && count == other.count && hash == other.hash;
  }
};

struct Sequence {
  uint64_t id = 0;
  std::vector<int32_t> tokens;  // prompt and what was generated so far
  int computed = 0;             // tokens whose keys and values lie in the cache
  int reused = 0;               // of these, taken over from an earlier sequence with the same beginning
  std::vector<PageList> pages;  // by page group, in order of position
  bool all_outputs = false;     // wants the logits after every token, not only after the last
  int slice = 0;                // of the model: keys and values of one mean nothing to another
  std::string owner;            // takes over what was kept of its own text only
  int given = 0;                // with all_outputs: tokens from `computed` on whose logits were given already

  std::vector<SeenImage> images;    // in order of position
  std::vector<TokenRun> runs;       // tokens that see each other both ways: one step computes all of a run
  std::vector<RopePosition> rope;   // of the prompt's tokens; empty: each is turned to its place
  int rope_shift = 0;               // later tokens are turned to their place plus this
  bool passed_over = false;         // its next run did not fit the last step: it comes first in the next

  int outstanding() const { return static_cast<int>(tokens.size()) - computed; }
};

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
  int kept_tokens = 2048;  // of text that no sequence owns any more
};

class Scheduler {
 public:
  // One pool of pages for each page group.
  Scheduler(const SchedulerLimits& limits, std::vector<KvPages> pools) : limits_(limits), pools_(std::move(pools)) {}

  void add(Sequence* sequence);

  // Finished, cancelled or failed: its pages are free again. With `keep`, what is computed stays readable until
  // the pages are needed: the next turn of a chat begins with the text of the last one and takes them over.
  enum class Cache { keep, discard };
  void remove(Sequence* sequence, Cache cache);

  // The next step's work, pages taken. A step computes one slice of the model; slices with running sequences take
  // turns. Sequences that have one token to go come first, then prompts in order of
  // arrival. Without a free page the youngest sequence gives its pages back and starts over later. Empty when
  // there is nothing to do. The caller computes it and calls Work::advance.
  const std::vector<Work>& next();

  int groups() const { return static_cast<int>(pools_.size()); }
  int pages_total(int group) const { return pools_[group].total(); }
  int pages_free(int group) const;  // kept text counts as free
  int running() const { return static_cast<int>(running_.size()); }
  int waiting() const { return static_cast<int>(waiting_.size()); }
  int64_t preemptions() const { return preemptions_; }

 private:
  // Computed text that no sequence owns any more.
  struct Kept {
    std::vector<int32_t> tokens;
    std::vector<PageList> pages;
    std::vector<SeenImage> images;  // without features
    std::vector<TokenRun> runs;
    int slice = 0;
    std::string owner;
  };

  void admit();
  void drop_oldest_kept();
  void give_back(std::vector<PageList>& pages);
  bool covers(const Kept& kept, int position) const;
  static int common_prefix(const Kept& kept, const Sequence& sequence);
  void adopt(Sequence& sequence);
  bool reserve(Sequence& sequence, int tokens);
  void preempt_youngest();
  int slice_after(int slice) const;
  void hand_out(int slice);
  void hand_out(Sequence& sequence, int& tokens, int& outputs);

  SchedulerLimits limits_;
  std::vector<KvPages> pools_;  // by page group
  std::deque<Sequence*> waiting_;
  std::vector<Sequence*> running_;  // in order of arrival
  std::deque<Kept> kept_;           // oldest first
  std::vector<Work> work_;
  int slice_ = 0;  // of the last step
  int64_t preemptions_ = 0;
};

}  // namespace troika::engine
