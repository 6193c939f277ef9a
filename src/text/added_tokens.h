// Added tokens are found in the raw text before anything else happens to it: leftmost first, of those the
// longest.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace troika::text {

// A trie over bytes. Thread-safe once filled.
class AddedTokens {
 public:
  AddedTokens();

  // Texts are limited to kMaxBytes (throws Error), which also bounds the time of a search; an empty one is
  // ignored.
  void add(std::string_view text, int32_t id);

  struct Found {
    size_t begin = 0, bytes = 0;
    int32_t id = -1;  // -1: none from here to the end
  };
  Found find(std::string_view text, size_t from) const;

  static constexpr size_t kMaxBytes = 1000;

 private:
  struct Node {
    int32_t id = -1;
    uint32_t child = 0, sibling = 0;  // 0: none, since the root is nobody's child
    uint8_t byte = 0;
  };
  uint32_t child(uint32_t node, uint8_t byte) const;

  std::vector<Node> nodes_;
  std::array<uint32_t, 256> first_{};  // the root's children by byte: most bytes of a text start nothing
};

}  // namespace troika::text
