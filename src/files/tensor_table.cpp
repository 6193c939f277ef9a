#include "files/tensor_table.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "base/error.h"

namespace troika::files {
namespace {

// The strictest alignment that a kernel reading this format one number at a time relies on.
size_t number_bytes(Format format) {
  switch (format) {
    case Format::f32:
    case Format::i32:
      return 4;
    case Format::f16:
    case Format::bf16:
    case Format::q4_0:
    case Format::q4_1:
    case Format::q5_0:
    case Format::q5_1:
    case Format::q8_0:
    case Format::q4_k:
    case Format::q5_k:
    case Format::q6_k:
      return 2;
  }
  return 4;
}

Shape shape_of(const TensorEntry& entry, std::string_view where) {
  if (entry.shape.empty() || entry.shape.size() > 4)
    fail("{}: tensor {} has {} dimensions; Troika reads 1 to 4", where, entry.name, entry.shape.size());
  Shape shape;
  for (int64_t d : entry.shape) {
    if (d <= 0 || d > std::numeric_limits<int>::max())
      fail("{}: tensor {} has a dimension of {}, which Troika cannot read", where, entry.name, d);
    shape.dim[shape.rank++] = static_cast<int>(d);
  }
  return shape;
}

}  // namespace

void TensorTable::add(TensorEntry entry, std::shared_ptr<const FileMap> file, size_t begin,
                      std::string_view where) {
  if (!index_.try_emplace(entry.name, entries_.size()).second)
    fail("{}: tensor {} appears twice", where, entry.name);
  entries_.push_back(std::move(entry));
  places_.push_back({std::move(file), begin});
}

void TensorTable::refuse_overlaps(size_t first, std::string_view where) const {
  std::vector<size_t> order(entries_.size() - first);
  std::iota(order.begin(), order.end(), first);
  std::ranges::sort(order, {}, [&](size_t i) { return std::pair(places_[i].begin, entries_[i].bytes); });
  for (size_t k = 1; k < order.size(); ++k) {
    size_t before = order[k - 1], after = order[k];
    if (places_[before].begin + entries_[before].bytes > places_[after].begin)
      fail("{}: tensors {} and {} share bytes of the file", where, entries_[before].name,
           entries_[after].name);
  }
}

std::optional<WeightView> TensorTable::find(std::string_view name, std::string_view where) const {
  auto at = index_.find(std::string(name));
  if (at == index_.end()) return std::nullopt;
  const TensorEntry& entry = entries_[at->second];
  const Place& place = places_[at->second];
  if (!entry.format)
    fail("{}: tensor {} has type {}, which Troika cannot read", where, entry.name, entry.type);
  WeightView view{entry.name, *entry.format, shape_of(entry, where),
                  place.file->bytes().subspan(place.begin, entry.bytes), place.file};
  // GGUF aligns; safetensors need not. A tensor at an odd address is copied once, so that kernels may read
  // it.
  if (reinterpret_cast<uintptr_t>(view.bytes.data()) % number_bytes(view.format) != 0) {
    auto copy = std::make_shared<const std::vector<std::byte>>(view.bytes.begin(), view.bytes.end());
    view.bytes = *copy;
    view.keep = copy;
  }
  return view;
}

}  // namespace troika::files
