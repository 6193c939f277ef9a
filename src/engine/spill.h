// Moves cache pages between memory and disk: pages that became known are written as time allows; before a text begins,
// what is on disk of its beginning is read back. Used by the engine's thread only.
#pragma once

#include <memory>
#include <vector>

#include "engine/page_store.h"
#include "engine/prefix_cache.h"
#include "engine/step.h"

namespace troika::engine {

class Spill {
 public:
  // `cache` and `step` outlive this.
  Spill(std::unique_ptr<PageStore> store, PrefixCache& cache, Step& step, std::vector<size_t> page_bytes);

  bool has_work() const { return cache_.has_unstored(); }
  // Writes one page's text; false when none is left. Throws Error when the disk is full or fails.
  bool store();

  // Makes known what the disk has of a sequence that is not in the scheduler yet. Returns the tokens that were read.
  int restore(Sequence& sequence);

  uint64_t bytes() const { return store_->bytes(); }

 private:
  struct Found {
    vision::Hash name;
    uint32_t groups = 0;
  };

  int find(const Sequence& sequence);
  uint32_t groups_needed(int page, int end) const;
  bool read(Sequence& sequence, int page, const Found& found, uint32_t groups);

  std::unique_ptr<PageStore> store_;
  PrefixCache& cache_;
  Step& step_;
  std::vector<size_t> page_bytes_;
  std::vector<std::byte> buffer_;  // the pages of all groups
  std::vector<Found> found_;       // behind what is known in memory
};

}  // namespace troika::engine
