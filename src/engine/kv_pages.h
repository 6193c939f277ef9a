// The cache's pages as numbers: which are free. A page holds P positions of the keys and values of every layer of
// one page group (ops::CacheInfo); groups with a window need few pages a sequence, since those behind it are freed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "ops/step_inputs.h"

namespace troika::engine {

inline constexpr int32_t kNoPage = -1;

// A sequence's pages of one group, by position; kNoPage where they were freed.
using PageList = std::vector<int32_t>;

class KvPages {
 public:
  // `window`: positions that are still looked at, counting the token itself; 0: all.
  KvPages(int count, int window) : total_(count), window_(window) {
    for (int page = count - 1; page >= 0; --page) free_.push_back(page);
  }

  std::optional<int32_t> take() {
    if (free_.empty()) return std::nullopt;
    int32_t page = free_.back();
    free_.pop_back();
    return page;
  }

  void give_back(PageList& pages) {
    for (auto page = pages.rbegin(); page != pages.rend(); ++page) {
      if (*page != kNoPage) free_.push_back(*page);
    }
    pages.clear();
  }

  // The first position that a token at `position` or a later one looks at.
  int first_needed(int position) const { return window_ > 0 ? std::max(0, position - window_ + 1) : 0; }

  // Frees the pages that no token from `position` on looks at, but for one more: so much of the text may be taken
  // back when the next turn of a chat differs at the very end.
  void give_back_behind(PageList& pages, int position) {
    int end = std::min(first_needed(position) / ops::kPageTokens - 1, static_cast<int>(pages.size()));
    for (int i = end - 1; i >= 0 && pages[i] != kNoPage; --i) {
      free_.push_back(pages[i]);
      pages[i] = kNoPage;
    }
  }

  // Whether all that a token at `position` looks at is there.
  bool covers(const PageList& pages, int position) const {
    auto first = pages.begin() + first_needed(position) / ops::kPageTokens;
    auto end = pages.begin() + ops::pages_for(position);
    return std::find(first, end, kNoPage) == end;
  }

  // The most pages that a text of `tokens` holds while at most `step` of them are computed at once.
  int pages_for(int tokens, int step) const {
    int all = ops::pages_for(tokens);
    return window_ > 0 ? std::min(all, ops::pages_for(window_ + step) + 2) : all;
  }

  int total() const { return total_; }
  int available() const { return static_cast<int>(free_.size()); }

 private:
  int total_, window_;
  std::vector<int32_t> free_;
};

inline int pages_held(const PageList& pages) {
  return static_cast<int>(pages.size() - size_t(std::count(pages.begin(), pages.end(), kNoPage)));
}

}  // namespace troika::engine
