// Children are linked lists: below the root a node has few.
#include "text/added_tokens.h"

#include "base/error.h"

namespace troika::text {

AddedTokens::AddedTokens() : nodes_(1) {}

uint32_t AddedTokens::child(uint32_t node, uint8_t byte) const {
  uint32_t at = nodes_[node].child;
  while (at != 0 && nodes_[at].byte != byte) at = nodes_[at].sibling;
  return at;
}

void AddedTokens::add(std::string_view text, int32_t id) {
  if (text.size() > kMaxBytes) {
    fail("tokenizer: the added token {} has {} bytes; at most {} are supported", id, text.size(), kMaxBytes);
  }
  if (text.empty()) return;
  uint32_t at = 0;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    uint32_t next = at == 0 ? first_[byte] : child(at, byte);
    if (next == 0) {
      next = static_cast<uint32_t>(nodes_.size());
      nodes_.push_back({.sibling = at == 0 ? 0 : nodes_[at].child, .byte = byte});
      (at == 0 ? first_[byte] : nodes_[at].child) = next;
    }
    at = next;
  }
  if (nodes_[at].id < 0) nodes_[at].id = id;
}

AddedTokens::Found AddedTokens::find(std::string_view text, size_t from) const {
  for (size_t begin = from; begin < text.size(); ++begin) {
    uint32_t at = first_[static_cast<uint8_t>(text[begin])];
    Found best{.begin = begin};
    for (size_t end = begin + 1; at != 0; ++end) {
      if (nodes_[at].id >= 0) best.bytes = end - begin, best.id = nodes_[at].id;
      if (end == text.size()) break;
      at = child(at, static_cast<uint8_t>(text[end]));
    }
    if (best.id >= 0) return best;
  }
  return {};
}

}  // namespace troika::text
