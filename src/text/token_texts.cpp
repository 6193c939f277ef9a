// Open addressing over the hash of the bytes.
#include "text/token_texts.h"

#include <bit>
#include <functional>

namespace troika::text {

TokenTexts::TokenTexts(size_t tokens) : starts_{0}, slots_(std::bit_ceil(tokens * 2 + 16), -1) {
  starts_.reserve(tokens + 1);
}

void TokenTexts::add(std::string_view bytes) {
  block_ += bytes;
  starts_.push_back(block_.size());
}

void TokenTexts::enter(int32_t id) {
  const std::string_view own = bytes(id);
  if (own.empty()) return;
  int32_t& place = slots_[slot(own)];
  if (place < 0) place = id;
}

std::string_view TokenTexts::bytes(int32_t id) const {
  if (id < 0 || static_cast<size_t>(id) + 1 >= starts_.size()) return {};
  return std::string_view(block_).substr(starts_[id], starts_[id + 1] - starts_[id]);
}

size_t TokenTexts::slot(std::string_view wanted) const {
  size_t at = std::hash<std::string_view>{}(wanted) & (slots_.size() - 1);
  while (slots_[at] >= 0 && bytes(slots_[at]) != wanted) at = (at + 1) & (slots_.size() - 1);
  return at;
}

}  // namespace troika::text
