// The texts of a model's tokens as tries of bytes, laid out so that a grammar's automaton walks over them in
// one pass, beginnings that tokens share only once.
//
// Most tokens of a large vocabulary are plain: whole characters, no quote, no backslash, no control
// character. Inside the strings of JSON, and in free text, all of them are allowed. So plain tokens stand in
// tries of their own, by length, and a state that surely takes plain text that long (plain_reach.h) is spared
// the walk over them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "text/tokenizer.h"

namespace troika::grammar {

// One bit a token: set, it may come next.
class TokenMask {
 public:
  explicit TokenMask(size_t tokens = 0) : words_((tokens + 63) / 64) {}

  std::span<const uint64_t> words() const { return words_; }
  bool allows(int32_t id) const { return words_[size_t(id) / 64] >> (id % 64) & 1; }
  void allow(int32_t id) { words_[size_t(id) / 64] |= uint64_t{1} << (id % 64); }
  void clear() { std::fill(words_.begin(), words_.end(), 0); }
  void add(std::span<const uint64_t> words) {
    for (size_t i = 0; i < words.size(); ++i) words_[i] |= words[i];
  }
  size_t count() const;

 private:
  std::vector<uint64_t> words_;
};

class Vocabulary {
 public:
  // Tokens of text, whatever they are: those that only control a model (begin, end, padding) are no text and
  // are never allowed, but for those that end a generation, where the text may end.
  explicit Vocabulary(const text::Tokenizer& tokenizer);

  size_t tokens() const { return size_t(tokenizer_->vocab_size()); }
  std::string_view text(int32_t token) const { return tokenizer_->bytes(token); }
  std::span<const int32_t> end_tokens() const { return tokenizer_->data().end_ids; }
  bool is_text(int32_t token) const;
  size_t longest() const { return longest_; }  // bytes of a token
  bool drops_first_space() const { return tokenizer_->data().strip_leading_space; }

  // Nodes are numbered from the front of the trie to its end; all below a node follow it.
  size_t nodes() const { return bytes_.size(); }
  uint8_t byte(uint32_t node) const { return bytes_[node]; }
  uint32_t end(uint32_t node) const { return ends_[node]; }  // behind the last node below it
  // The tokens that end at a node.
  std::span<const int32_t> tokens_at(uint32_t node) const {
    return {&order_[first_token_[node]], first_token_[node + 1] - first_token_[node]};
  }

  // Parts of the trie: the plain tokens by length, then all others.
  struct Part {
    uint32_t first = 0, end = 0;  // nodes
    size_t longest = 0;           // bytes of its tokens
    bool plain = false;
  };
  std::span<const Part> parts() const { return parts_; }
  // All tokens of the first `parts` parts.
  std::span<const uint64_t> plain_tokens(size_t parts) const { return plain_[parts].words(); }

 private:
  void add_part(std::vector<int32_t> ids, size_t longest, bool plain);

  const text::Tokenizer* tokenizer_;
  std::vector<uint8_t> bytes_;
  std::vector<uint32_t> ends_, first_token_;
  std::vector<int32_t> order_;
  std::vector<Part> parts_;
  std::vector<TokenMask> plain_;  // by number of parts
  size_t longest_ = 0;
};

}  // namespace troika::grammar
