// Byte-pair encoding proper, on ids: join the adjacent pair of lowest rank, leftmost first, until none can be
// joined.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace troika::text {

struct Merge {
  int32_t left, right, result;
  uint32_t rank;  // the lowest is joined first; of equals the leftmost
};

// Thread-safe after construction.
class BytePairMerger {
 public:
  // In any order; a pair that is listed twice keeps its lower rank.
  explicit BytePairMerger(std::span<const Merge> merges);

  // Merges symbols[from..] in place; the vector shrinks. O(n log n).
  void merge(std::vector<int32_t>& symbols, size_t from) const;

 private:
  struct Slot {
    uint64_t pair = kEmpty;  // left id in the upper half, right id in the lower
    uint32_t rank = 0;
    int32_t result = 0;
  };
  static constexpr uint64_t kEmpty = ~uint64_t{0};
  static constexpr uint32_t kNone = ~uint32_t{0};

  const Slot* find(int32_t left, int32_t right) const;
  uint32_t rank(int32_t left, int32_t right) const;
  size_t merge_short(int32_t* symbols, size_t count) const;
  size_t merge_long(int32_t* symbols, size_t count) const;

  std::vector<Slot> slots_;  // open addressing; a power of two
  int shift_ = 0;
};

}  // namespace troika::text
