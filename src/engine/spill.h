// Moves cache pages between memory and disk: pages that became known are written as time allows, those of a text that has
// to make room at once; before a text begins or goes on, what is on disk of it is read back. What the disk refuses is only
// computed again, and said in the log. Used by the engine's thread only.
#pragma once

#include <memory>
#include <vector>

#include "engine/page_store.h"
#include "engine/prefix_cache.h"
#include "engine/scheduler.h"
#include "engine/step.h"

namespace troika::engine {

class Spill final : public SwapSpace {
 public:
  // `cache` and `step` outlive this.
  Spill(std::unique_ptr<PageStore> store, PrefixCache& cache, Step& step, std::vector<size_t> page_bytes);

  bool has_work() const { return writes_ && cache_.has_unstored(); }
  // Writes one page's text; false when none is left.
  bool store();

  void save(const Sequence& sequence) override;
  bool restore(Sequence& sequence) override;  // in parts, between which others go on

  uint64_t bytes() const { return store_->bytes(); }
  int64_t restored_tokens() const { return restored_tokens_; }  // of all texts so far

 private:
  struct Found {
    vision::Hash name;
    uint32_t groups = 0;
  };

  void store(int32_t text);
  void stop_writing(const std::exception& why);
  int find(const Sequence& sequence);
  uint32_t groups_needed(int page, int end) const;
  bool read(Sequence& sequence, int page, const Found& found, uint32_t groups);

  std::unique_ptr<PageStore> store_;
  PrefixCache& cache_;
  Step& step_;
  std::vector<size_t> page_bytes_;
  std::vector<std::byte> buffer_;  // the pages of all groups
  std::vector<Found> found_;       // behind what is known in memory
  std::vector<int32_t> texts_;     // to be saved
  uint64_t dropped_ = 0;           // segments that the store had dropped when we last looked
  bool writes_ = true;
  int64_t restored_tokens_ = 0;
};

}  // namespace troika::engine
