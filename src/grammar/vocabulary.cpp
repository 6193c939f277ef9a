#include "grammar/vocabulary.h"

#include <algorithm>
#include <array>
#include <bit>

#include "grammar/plain_text.h"

namespace troika::grammar {
namespace {

// Plain tokens of up to so many bytes stand together. Longer ones are few.
constexpr size_t kPlainLengths[] = {4, 8, 16, 32};

bool is_plain(std::string_view text) {
  PlainText::Place place = PlainText::kBetween;
  for (char c : text) {
    place = PlainText::follow(place, uint8_t(c));
    if (place == PlainText::kNowhere) return false;
  }
  return place == PlainText::kBetween;
}

}  // namespace

size_t TokenMask::count() const {
  size_t count = 0;
  for (uint64_t word : words_) count += size_t(std::popcount(word));
  return count;
}

Vocabulary::Vocabulary(const text::Tokenizer& tokenizer) : tokenizer_(&tokenizer) {
  constexpr size_t kLengths = std::size(kPlainLengths);
  std::array<std::vector<int32_t>, kLengths + 1> ids;  // plain ones by length, the others
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    if (!is_text(id)) continue;
    std::string_view own = text(id);
    longest_ = std::max(longest_, own.size());
    size_t part = kLengths;
    if (is_plain(own))
      part = std::lower_bound(kPlainLengths, kPlainLengths + kLengths, own.size()) - kPlainLengths;
    ids[part].push_back(id);
  }
  plain_.emplace_back(tokens());
  for (size_t i = 0; i < ids.size(); ++i) {
    bool plain = i < kLengths;
    if (plain) {
      plain_.push_back(plain_.back());
      for (int32_t id : ids[i]) plain_.back().allow(id);
    }
    add_part(std::move(ids[i]), plain ? kPlainLengths[i] : longest_, plain);
  }
  first_token_.push_back(static_cast<uint32_t>(order_.size()));
}

bool Vocabulary::is_text(int32_t token) const {
  switch (tokenizer_->type(token)) {
    case text::TokenType::normal:
    case text::TokenType::user_defined:
    case text::TokenType::byte:
      break;
    case text::TokenType::unknown:
    case text::TokenType::control:
    case text::TokenType::unused:
      return false;
  }
  std::span<const int32_t> ends = end_tokens();
  return !text(token).empty() && std::find(ends.begin(), ends.end(), token) == ends.end();
}

void Vocabulary::add_part(std::vector<int32_t> ids, size_t longest, bool plain) {
  std::sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) { return text(a) < text(b); });
  Part part{.first = static_cast<uint32_t>(nodes()), .longest = longest, .plain = plain};
  std::vector<uint32_t> path;  // nodes of the token before
  auto leave = [&](size_t depth) {
    for (; path.size() > depth; path.pop_back()) ends_[path.back()] = static_cast<uint32_t>(nodes());
  };
  std::string_view before;
  for (int32_t id : ids) {
    std::string_view own = text(id);
    size_t shared = static_cast<size_t>(
        std::mismatch(own.begin(), own.end(), before.begin(), before.end()).first - own.begin());
    leave(shared);
    for (size_t i = shared; i < own.size(); ++i) {
      path.push_back(static_cast<uint32_t>(nodes()));
      bytes_.push_back(uint8_t(own[i]));
      ends_.push_back(0);
      first_token_.push_back(static_cast<uint32_t>(order_.size()));
    }
    order_.push_back(id);
    before = own;
  }
  leave(0);
  part.end = static_cast<uint32_t>(nodes());
  parts_.push_back(part);
}

}  // namespace troika::grammar
