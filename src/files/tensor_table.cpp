#include "files/tensor_table.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "base/error.h"

namespace troika::files {
namespace {

// The strictest alignment that a kernel relies on: of one number, or of the halves in a block.
size_t number_bytes(Format format) {
  const FormatInfo& f = info(format);
  return f.block_values == 1 ? static_cast<size_t>(f.block_bytes) : 2;
}

// A Shape has four dimensions; the innermost ones of a longer one count as one (the kernel of a Conv3D).
Shape shape_of(const TensorEntry& entry, std::string_view where) {
  if (entry.shape.empty()) fail("{}: tensor {} has no dimensions", where, entry.name);
  Shape shape;
  for (int64_t d : entry.shape) {
    int64_t folded = shape.rank < 4 ? d : 0;
    if (shape.rank == 4 && __builtin_mul_overflow(int64_t{shape.dim[3]}, d, &folded)) folded = 0;
    if (folded <= 0 || folded > std::numeric_limits<int>::max())
      fail("{}: tensor {} has a dimension of {}, which Troika cannot read", where, entry.name, d);
    if (shape.rank < 4) ++shape.rank;
    shape.dim[shape.rank - 1] = static_cast<int>(folded);
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
                  place.file->bytes().subspan(place.begin, entry.bytes), place.file, place.file.get()};
  // GGUF aligns; safetensors need not. A tensor at an odd address is copied once, so that kernels may read
  // it.
  if (reinterpret_cast<uintptr_t>(view.bytes.data()) % number_bytes(view.format) != 0) {
    auto copy = std::make_shared<const std::vector<std::byte>>(view.bytes.begin(), view.bytes.end());
    view.bytes = *copy;
    view.keep = copy;
    view.file = nullptr;
  }
  return view;
}

}  // namespace troika::files
