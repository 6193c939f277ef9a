// A model on disk behind one door, whatever its container: a GGUF file (or all parts of a split one) or a
// Hugging Face folder of safetensors. Weights are memory-mapped: opening reads the tables only, and a
// WeightView is a look into the mapping. Everything a file claims is checked against its size before it is
// used. Immutable once open: any thread may read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "files/metadata.h"
#include "tensor/format.h"

namespace troika::files {

enum class FileKind { gguf, safetensors };

struct TensorEntry {
  std::string name;
  std::string type;              // as people write it: "q4_k", "iq2_xs", "i64", "type 77"
  std::optional<Format> format;  // empty when Troika cannot read this type; find() then says so
  std::vector<int64_t> shape;    // outermost first; empty for a safetensors scalar
  size_t bytes = 0;              // 0 when the type's size is unknown
};

class ModelFile {
 public:
  // A .gguf file (of a split one: the first part), or a folder with config.json and either model.safetensors,
  // model.safetensors.index.json with its shards, or a single *.safetensors.
  static std::unique_ptr<ModelFile> open(const std::filesystem::path& path);
  virtual ~ModelFile() = default;

  virtual FileKind kind() const = 0;
  virtual const std::filesystem::path& path() const = 0;
  virtual const Metadata& metadata() const = 0;

  // Names as in the file. Nothing when there is no such tensor; Error when it has a type Troika cannot read.
  virtual std::optional<WeightView> find(std::string_view name) const = 0;
  virtual std::span<const TensorEntry> tensors() const = 0;  // in the order of the file
  std::vector<std::string> names() const;

  virtual size_t bytes() const = 0;  // of all weight files on disk

  // A file beside the weights of a safetensors folder ("tokenizer.json", "merges.txt",
  // "chat_template.jinja"), "" when it is absent; a GGUF file has none.
  virtual std::string text_file(std::string_view name) const = 0;
};

}  // namespace troika::files
