// The tensors of one model, from one or more mapped files: found by name, each name once, no two sharing
// bytes. Both containers fill one while they are opened.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/file_map.h"
#include "files/model_file.h"

namespace troika::files {

class TensorTable {
 public:
  // `begin` counts from the file's first byte; [begin, begin + entry.bytes) must lie in the file (checked by
  // the caller). Throws Error when the name is there already; `where` names the file in that sentence.
  void add(TensorEntry entry, std::shared_ptr<const FileMap> file, size_t begin, std::string_view where);
  // Throws Error when two tensors of one file overlap. Call once per file, with the index of its first
  // tensor.
  void refuse_overlaps(size_t first, std::string_view where) const;

  std::optional<WeightView> find(std::string_view name, std::string_view where) const;
  bool has(std::string_view name) const { return index_.contains(std::string(name)); }
  std::span<const TensorEntry> entries() const { return entries_; }

 private:
  struct Place {
    std::shared_ptr<const FileMap> file;
    size_t begin;
  };
  std::vector<TensorEntry> entries_;
  std::vector<Place> places_;  // one per entry
  std::unordered_map<std::string, size_t> index_;
};

}  // namespace troika::files
