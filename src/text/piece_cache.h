// What the pieces of one text became: prose repeats its words, and one line of memory answers sooner than the lookups
// in a vocabulary of a quarter of a million tokens. Direct-mapped; lives for one call of encode().
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace troika::text {

class PieceCache {
 public:
  // Short texts get none: clearing it would cost more than it gains.
  explicit PieceCache(size_t text_bytes) : slots_(text_bytes < kWorthwhile ? 0 : kSlots) {}

  // Appends what `piece` became, when that is remembered; otherwise false.
  bool take(std::string_view piece, std::vector<int32_t>& ids) const {
    if (slots_.empty() || piece.size() > kLongest) return false;
    const Key key = key_of(piece);
    const Slot& slot = slots_[place_of(key)];
    if (slot.key != key) return false;
    ids.insert(ids.end(), slot.ids.begin(), slot.ids.begin() + slot.count);
    return true;
  }

  // `ids` from `from` on are what `piece` became.
  void keep(std::string_view piece, const std::vector<int32_t>& ids, size_t from) {
    const size_t count = ids.size() - from;
    if (slots_.empty() || piece.size() > kLongest || count > kMostIds) return;
    const Key key = key_of(piece);
    Slot& slot = slots_[place_of(key)];
    slot.key = key;
    slot.count = static_cast<int32_t>(count);
    std::copy(ids.begin() + static_cast<ptrdiff_t>(from), ids.end(), slot.ids.begin());
  }

 private:
  static constexpr size_t kWorthwhile = 4096, kSlots = 8192, kLongest = 31, kMostIds = 7;

  // The bytes of the piece, zeros, and in the last byte its length: zero in an empty slot, never in a key.
  using Key = std::array<uint64_t, 4>;
  struct alignas(64) Slot {
    Key key{};
    std::array<int32_t, kMostIds> ids{};
    int32_t count = 0;
  };

  static Key key_of(std::string_view piece) {
    Key key{};
    std::memcpy(key.data(), piece.data(), piece.size());
    key[3] |= uint64_t{piece.size()} << 56;
    return key;
  }
  static size_t place_of(const Key& key) {
    uint64_t mixed = key[0] * 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ mixed >> 32 ^ key[1]) * 0xC2B2AE3D27D4EB4Fu;
    mixed = (mixed ^ mixed >> 29 ^ key[2]) * 0x9E3779B97F4A7C15u;
    mixed = (mixed ^ mixed >> 32 ^ key[3]) * 0xC2B2AE3D27D4EB4Fu;
    return static_cast<size_t>(mixed >> 32) & (kSlots - 1);
  }

  std::vector<Slot> slots_;
};

}  // namespace troika::text
