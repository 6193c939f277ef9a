// Cache pages on their way between two lanes: what they hold, as bytes. Both lanes' caches have the same format.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/kv_pages.h"
#include "engine/model.h"
#include "engine/step.h"

namespace troika::engine {

class PageCarrier {
 public:
  explicit PageCarrier(const Model& model);

  // Of a text's tokens [first, end), whole pages: those that a token at `end` looks at, one page group after the other.
  // `pages`: the text's, by page group.
  std::vector<std::byte> read(const Step& step, std::span<const PageList> pages, int first, int end) const;
  void write(Step& step, std::span<const PageList> pages, int first, int end, std::span<const std::byte> bytes) const;

  std::span<const int> windows() const { return windows_; }          // by page group, as KvPages has them
  std::span<const size_t> page_bytes() const { return page_bytes_; }  // by page group

 private:
  template <class Do>
  void for_each_page(std::span<const PageList> pages, int first, int end, Do&& act) const;

  std::vector<int> windows_;
  std::vector<size_t> page_bytes_;
};

}  // namespace troika::engine
