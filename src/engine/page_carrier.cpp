#include "engine/page_carrier.h"

#include <algorithm>

namespace troika::engine {

PageCarrier::PageCarrier(const Model& model) {
  const Tape tape = trace_bucket(model, 1);
  windows_ = tape.program.windows;
  for (size_t g = 0; g < windows_.size(); ++g)
    page_bytes_.push_back(engine::page_bytes(tape.program, static_cast<int>(g), model.kv_format));
}

template <class Do>
void PageCarrier::for_each_page(std::span<const PageList> pages, int first, int end, Do&& act) const {
  for (size_t g = 0; g < windows_.size(); ++g) {
    const int needed = KvPages(0, windows_[g]).first_needed(end) / ops::kPageTokens;
    for (int i = std::max(first / ops::kPageTokens, needed); i < end / ops::kPageTokens; ++i)
      act(static_cast<int>(g), pages[g][size_t(i)], page_bytes_[g]);
  }
}

std::vector<std::byte> PageCarrier::read(const Step& step, std::span<const PageList> pages, int first, int end) const {
  size_t bytes = 0, at = 0;
  for_each_page(pages, first, end, [&](int, int32_t, size_t page_bytes) { bytes += page_bytes; });
  std::vector<std::byte> all(bytes);
  for_each_page(pages, first, end, [&](int group, int32_t page, size_t page_bytes) {
    step.read_page(group, page, std::span(all).subspan(at, page_bytes));
    at += page_bytes;
  });
  return all;
}

void PageCarrier::write(Step& step, std::span<const PageList> pages, int first, int end,
                        std::span<const std::byte> bytes) const {
  for_each_page(pages, first, end, [&](int group, int32_t page, size_t page_bytes) {
    step.write_page(group, page, bytes.first(page_bytes));
    bytes = bytes.subspan(page_bytes);
  });
}

}  // namespace troika::engine
