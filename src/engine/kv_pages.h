// The cache's pages as numbers: who reads them, and which may be taken. A page holds P positions of the keys and values
// of every layer of one page group (ops::CacheInfo); groups with a window need few pages a sequence, since those behind
// it are given back. A page that nobody reads may still hold a text that is known (PrefixCache): it is taken only when
// no other is left, the one that was read longest ago first.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "ops/step_inputs.h"

namespace troika::engine {

inline constexpr int32_t kNoPage = -1;
inline constexpr int32_t kNoText = -1;

// A sequence's pages of one group, by position; kNoPage where they were given back.
using PageList = std::vector<int32_t>;

class KvPages {
 public:
  // `window`: positions that are still looked at, counting the token itself; 0: all.
  KvPages(int count, int window) : total_(count), window_(window), pages_(size_t(count) + 1) {
    pages_[idle()].next = pages_[idle()].previous = idle();
    for (int page = 0; page < count; ++page) insert_before(count, page);
  }

  struct Taken {
    int32_t page = kNoPage;
    int32_t lost = kNoText;  // the text that lay there
  };
  // Its one reader is the caller. Null when all are being read.
  std::optional<Taken> take() {
    int32_t page = pages_[idle()].next;
    if (page == idle()) return std::nullopt;
    share(page);
    return Taken{page, std::exchange(pages_[page].text, kNoText)};
  }

  // One more reader.
  void share(int32_t page) {
    if (pages_[page].readers++ == 0) remove(page);
  }

  // One reader less.
  void give_back(int32_t page) {
    check(pages_[page].readers > 0, "a page is given back by its reader");
    if (--pages_[page].readers == 0) insert_idle(page);
  }

  // The last first: of a text that nobody reads the end is lost before the beginning.
  void give_back(PageList& pages) {
    for (auto page = pages.rbegin(); page != pages.rend(); ++page) {
      if (*page != kNoPage) give_back(*page);
    }
    pages.clear();
  }

  // What lies there now; kNoText: nothing that is known.
  void name(int32_t page, int32_t text) {
    pages_[page].text = text;
    if (pages_[page].readers > 0) return;
    remove(page);
    insert_idle(page);
  }

  // Gives back the pages that no token from `position` on looks at, but for one more: so much of the text may be taken
  // back when the next turn of a chat differs at the very end.
  void give_back_behind(PageList& pages, int position) {
    int end = std::min(first_needed(position) / ops::kPageTokens - 1, static_cast<int>(pages.size()));
    for (int i = end - 1; i >= 0 && pages[i] != kNoPage; --i) give_back(std::exchange(pages[i], kNoPage));
  }

  // The first position that a token at `position` or a later one looks at.
  int first_needed(int position) const { return window_ > 0 ? std::max(0, position - window_ + 1) : 0; }

  // The most pages that a text of `tokens` holds while at most `step` of them are computed at once.
  int pages_for(int tokens, int step) const {
    int all = ops::pages_for(tokens);
    return window_ > 0 ? std::min(all, ops::pages_for(window_ + step) + 2) : all;
  }

  int total() const { return total_; }
  int window() const { return window_; }
  int available() const { return idle_pages_; }  // that nobody reads
  bool being_read(int32_t page) const { return pages_[page].readers > 0; }

 private:
  // In the ring of those that nobody reads; the ring's end is a page of its own.
  struct Page {
    int32_t readers = 0, text = kNoText;
    int32_t next = kNoPage, previous = kNoPage;
  };

  int32_t idle() const { return total_; }
  void insert_idle(int32_t page) {
    bool is_known = pages_[page].text != kNoText;
    insert_before(is_known ? idle() : pages_[idle()].next, page);
  }
  void insert_before(int32_t next, int32_t page) {
    int32_t previous = pages_[next].previous;
    pages_[page].next = next;
    pages_[page].previous = previous;
    pages_[previous].next = pages_[next].previous = page;
    ++idle_pages_;
  }
  void remove(int32_t page) {
    pages_[pages_[page].next].previous = pages_[page].previous;
    pages_[pages_[page].previous].next = pages_[page].next;
    --idle_pages_;
  }

  int total_, window_, idle_pages_ = 0;
  std::vector<Page> pages_;
};

inline int pages_held(const PageList& pages) {
  return static_cast<int>(pages.size() - size_t(std::count(pages.begin(), pages.end(), kNoPage)));
}

}  // namespace troika::engine
