// Where a text may be cut before merging: a merge joins the last character of its left part to the first one of its
// right part, so two neighbours that meet in no merge are never joined, and what stands on either side of them merges
// alone. Real vocabularies have such a seam before nearly every word, which makes one long text many short ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace troika::text {

// Thread-safe once filled.
class MergeSeams {
 public:
  explicit MergeSeams(size_t merges);

  // Both parts are valid UTF-8 and not empty.
  void add_merge(std::string_view left, std::string_view right);

  // The bytes before the first seam of `text`, all of it when there is none. `text` is valid UTF-8, not empty.
  size_t first_stretch(std::string_view text) const;

 private:
  bool meet(char32_t left, char32_t right) const;

  std::vector<bool> ascii_;      // by left * 128 + right
  std::vector<uint64_t> pairs_;  // the others: open addressing, a power of two, at most half full
  size_t used_ = 0;
};

}  // namespace troika::text
