// A text in the making: its tokens, how many of them are computed, and the cache pages that hold these.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/feature_cache.h"
#include "engine/image_prompt.h"
#include "engine/kv_pages.h"
#include "ops/step_inputs.h"

namespace troika::engine {

// A picture in a sequence: its features stand in for tokens [first, first + count).
struct SeenImage {
  int first = 0, count = 0;
  vision::Hash hash;
  std::shared_ptr<const Features> features;  // there before the sequence is added
};

struct Sequence {
  uint64_t id = 0;
  std::vector<int32_t> tokens;  // prompt and what was generated so far
  int computed = 0;             // tokens whose keys and values lie in the cache
  int reused = 0;               // of these, found in the cache when it began
  std::vector<PageList> pages;  // by page group, in order of position
  ops::Wanted wanted;           // of its rows of logits
  bool all_outputs = false;     // wants the logits after every token, not only after the last
  int slice = 0;                // of the model: keys and values of one mean nothing to another
  std::string owner;            // shares keys and values with its own texts only
  int priority = 0;             // lower ones come first
  bool further = false;         // as in Request
  int given = 0;                // with all_outputs: tokens from `computed` on whose logits were given already

  std::vector<SeenImage> images;    // in order of position
  std::vector<TokenRun> runs;       // tokens that see each other both ways: one step computes all of a run
  std::vector<RopePosition> rope;   // of the prompt's tokens; empty: each is turned to its place
  int rope_shift = 0;               // later tokens are turned to their place plus this
  bool passed_over = false;         // its next run did not fit the last step: it comes first in the next

  int32_t text = -1;      // of the PrefixCache: what its first `shared_pages` pages hold; -1: it is in no cache yet
  int shared_pages = 0;   // of each group, that the PrefixCache knows
  bool began = false;     // some of it was computed before: a new start reuses what is its own
  int64_t due = 0;        // see Scheduler
  size_t payer = 0;       // its owner's place in the Scheduler's list
  uint64_t leader = 0;    // this one computes what both begin with
  int leader_tokens = 0;  // so many tokens
  int lane_tokens = 0;    // of its prompt, in whole pages, that the prefill lane computes if it takes it; else 0
  uint64_t trip = 0;      // while it is away on the prefill lane: the number of that; 0: it is here

  int outstanding() const { return static_cast<int>(tokens.size()) - computed; }
};

// The last position up to `end` that lies inside no run.
int before_run(const std::vector<TokenRun>& runs, int end);

}  // namespace troika::engine
