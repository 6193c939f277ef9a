// The cache's pages as numbers: which are free. A page holds P positions of every layer's keys and values.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace troika::engine {

class KvPages {
 public:
  explicit KvPages(int count) : total_(count) {
    for (int page = count - 1; page >= 0; --page) free_.push_back(page);
  }

  std::optional<int32_t> take() {
    if (free_.empty()) return std::nullopt;
    int32_t page = free_.back();
    free_.pop_back();
    return page;
  }

  void give_back(std::vector<int32_t>& pages) {
    free_.insert(free_.end(), pages.rbegin(), pages.rend());
    pages.clear();
  }

  int total() const { return total_; }
  int available() const { return static_cast<int>(free_.size()); }

 private:
  int total_;
  std::vector<int32_t> free_;
};

}  // namespace troika::engine
