// Copies of the books of tensor/quant/iq_tables.h.
#include "device/vulkan/grids.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "tensor/quant/iq_tables.h"

namespace troika::device::vulkan {
namespace {

struct Book {
  Format format;
  const void* entries;
  size_t bytes;
};

constexpr Book kBooks[] = {
    {Format::iq3_s, &quant::kIq3SBook, sizeof quant::kIq3SBook},
    {Format::iq3_xxs, &quant::kIq3XxsBook, sizeof quant::kIq3XxsBook},
    {Format::iq2_s, &quant::kIq2SBook, sizeof quant::kIq2SBook},
    {Format::iq2_xs, &quant::kIq2XsBook, sizeof quant::kIq2XsBook},
    {Format::iq2_xxs, &quant::kIq2XxsBook, sizeof quant::kIq2XxsBook},
    {Format::iq1_m, &quant::kIq1Book, sizeof quant::kIq1Book},
    {Format::iq1_s, &quant::kIq1Book, sizeof quant::kIq1Book},
};

}  // namespace

std::vector<uint32_t> grid_words(Format format) {
  auto book = std::ranges::find(kBooks, format, &Book::format);
  if (book == std::end(kBooks)) return {};
  std::vector<uint32_t> words(book->bytes / sizeof(uint32_t));
  std::memcpy(words.data(), book->entries, book->bytes);
  return words;
}

}  // namespace troika::device::vulkan
