// The bytes that each token stands for, by id, and the way back from bytes to an id. All texts lie in one block:
// vocabularies have a quarter of a million of them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troika::text {

// Thread-safe once filled.
class TokenTexts {
 public:
  explicit TokenTexts(size_t tokens);

  // The bytes of the next id, from 0.
  void add(std::string_view bytes);
  // From now on find() knows this id. Of tokens with the same bytes the first one entered is found; a token without
  // bytes never is.
  void enter(int32_t id);

  std::string_view bytes(int32_t id) const;  // "" for ids that were not added
  int32_t find(std::string_view bytes) const { return slots_[slot(bytes)]; }  // -1: no such token

 private:
  size_t slot(std::string_view wanted) const;  // where these bytes are, or where they would go

  std::string block_;
  std::vector<size_t> starts_;
  std::vector<int32_t> slots_;  // open addressing; a power of two, at most half full
};

}  // namespace troika::text
