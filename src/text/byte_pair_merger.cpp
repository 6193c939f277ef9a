// Two ways to the same result: short pieces scan an array of ranks, long ones keep a heap of candidate pairs
// over a linked list. A test compares them.
#include "text/byte_pair_merger.h"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <queue>

#include "base/error.h"

namespace troika::text {
namespace {

constexpr size_t kShort = 48;  // a scan is faster than the heap up to about here, and words are shorter

uint64_t key_of(int32_t left, int32_t right) {
  return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
}

uint64_t mix(uint64_t key) {
  key ^= key >> 29;
  return key * 0x9E3779B97F4A7C15u;
}

}  // namespace

BytePairMerger::BytePairMerger(std::span<const Merge> merges) {
  check(merges.size() < kNone, "ranks fit 32 bits");
  slots_.resize(std::bit_ceil(merges.size() * 3 / 2 + 16));
  shift_ = 64 - std::countr_zero(slots_.size());
  for (const Merge& merge : merges) {
    check(merge.rank != kNone, "a rank");
    const uint64_t key = key_of(merge.left, merge.right);
    size_t at = mix(key) >> shift_;
    while (slots_[at].pair != kEmpty && slots_[at].pair != key) at = (at + 1) & (slots_.size() - 1);
    if (slots_[at].pair == key && slots_[at].rank <= merge.rank) continue;
    slots_[at] = {.pair = key, .rank = merge.rank, .result = merge.result};
  }
}

const BytePairMerger::Slot* BytePairMerger::find(int32_t left, int32_t right) const {
  const uint64_t key = key_of(left, right);
  for (size_t at = mix(key) >> shift_;; at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].pair == key) return &slots_[at];
    if (slots_[at].pair == kEmpty) return nullptr;
  }
}

uint32_t BytePairMerger::rank(int32_t left, int32_t right) const {
  const Slot* slot = find(left, right);
  return slot == nullptr ? kNone : slot->rank;
}

void BytePairMerger::merge(std::vector<int32_t>& symbols, size_t from) const {
  const size_t count = symbols.size() - from;
  if (count < 2) return;
  int32_t* first = symbols.data() + from;
  symbols.resize(from + (count <= kShort ? merge_short(first, count) : merge_long(first, count)));
}

size_t BytePairMerger::merge_short(int32_t* symbols, size_t count) const {
  std::array<uint32_t, kShort> ranks;  // of the pair that starts here
  for (size_t i = 0; i + 1 < count; ++i) ranks[i] = rank(symbols[i], symbols[i + 1]);
  while (count > 1) {
    const size_t best =
        static_cast<size_t>(std::min_element(ranks.begin(), ranks.begin() + (count - 1)) - ranks.begin());
    if (ranks[best] == kNone) break;
    symbols[best] = find(symbols[best], symbols[best + 1])->result;
    std::copy(symbols + best + 2, symbols + count, symbols + best + 1);
    --count;
    std::copy(ranks.begin() + best + 1, ranks.begin() + count, ranks.begin() + best);
    if (best > 0) ranks[best - 1] = rank(symbols[best - 1], symbols[best]);
    if (best + 1 < count) ranks[best] = rank(symbols[best], symbols[best + 1]);
  }
  return count;
}

size_t BytePairMerger::merge_long(int32_t* symbols, size_t count) const {
  constexpr int32_t gone = -1;
  check(count < kNone, "a piece has fewer than 2^32 bytes");
  const auto end = static_cast<uint32_t>(count);
  std::vector<uint32_t> next(count), previous(count);  // `previous` of the first is `end`
  std::vector<uint64_t> candidates;                    // rank << 32 | place of the left symbol
  candidates.reserve(count);
  for (uint32_t i = 0; i < end; ++i) {
    next[i] = i + 1;
    previous[i] = i == 0 ? end : i - 1;
    if (i + 1 == end) continue;
    const uint32_t r = rank(symbols[i], symbols[i + 1]);
    if (r != kNone) candidates.push_back(uint64_t{r} << 32 | i);
  }
  // Those of the beginning are sorted once; only what merges bring forth goes through a heap.
  std::sort(candidates.begin(), candidates.end());
  size_t taken = 0;
  std::priority_queue<uint64_t, std::vector<uint64_t>, std::greater<>> queue;

  const auto offer = [&](uint32_t left) {
    if (left == end || next[left] == end) return;
    const uint32_t r = rank(symbols[left], symbols[next[left]]);
    if (r != kNone) queue.push(uint64_t{r} << 32 | left);
  };
  const auto next_candidate = [&] {
    const bool from_heap = !queue.empty() && (taken == candidates.size() || queue.top() < candidates[taken]);
    if (!from_heap) return candidates[taken++];
    const uint64_t top = queue.top();
    queue.pop();
    return top;
  };
  while (!queue.empty() || taken < candidates.size()) {
    const uint64_t candidate = next_candidate();
    const auto left = static_cast<uint32_t>(candidate);
    const auto expected = static_cast<uint32_t>(candidate >> 32);
    if (symbols[left] == gone || next[left] == end) continue;
    const uint32_t right = next[left];
    const Slot* slot = find(symbols[left], symbols[right]);
    if (slot == nullptr || slot->rank != expected) continue;  // one of the two has been merged meanwhile
    symbols[left] = slot->result;
    symbols[right] = gone;
    next[left] = next[right];
    if (next[left] != end) previous[next[left]] = left;
    offer(previous[left]);
    offer(left);
  }
  return static_cast<size_t>(std::remove(symbols, symbols + count, gone) - symbols);
}

}  // namespace troika::text
