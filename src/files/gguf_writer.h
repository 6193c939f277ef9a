// Writes a GGUF v3 file. Keys are set and tensors announced first; finish() then streams header and data to a
// file beside the target and renames it, so a half-written model never stands under its name and at most one
// tensor is in memory.
//
//   GgufWriter writer("m.gguf");
//   writer.set("general.architecture", "qwen2");
//   writer.set("qwen2.block_count", uint32_t{24});  // the integer's type is kept: readers want uint32_t
//   writer.add("output_norm.weight", Format::f32, {896}, bytes);
//   writer.finish();
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "files/metadata.h"
#include "tensor/format.h"

namespace troika::files {

class GgufWriter {
 public:
  // Fills exactly the bytes of one tensor.
  using Produce = std::function<void(std::span<std::byte>)>;

  explicit GgufWriter(std::filesystem::path path) : path_(std::move(path)) {}

  void set(std::string_view key, bool value);
  void set(std::string_view key, uint32_t value);
  void set(std::string_view key, int32_t value);
  void set(std::string_view key, uint64_t value);
  void set(std::string_view key, int64_t value);
  void set(std::string_view key, float value);
  void set(std::string_view key, double value);
  void set(std::string_view key, std::string_view value);
  void set(std::string_view key, const char* value) { set(key, std::string_view(value)); }
  void set(std::string_view key, std::span<const std::string_view> values);
  void set(std::string_view key, std::span<const std::string> values);
  void set(std::string_view key, std::span<const int32_t> values);
  void set(std::string_view key, std::span<const float> values);
  // A key of another GGUF file exactly as it stands there.
  void copy(const Metadata::Entry& entry);

  // `bytes` stay the caller's and must live until finish().
  void add(std::string name, Format format, const Shape& shape, std::span<const std::byte> bytes);
  void add(std::string name, Format format, const Shape& shape, Produce produce);

  void finish();

 private:
  struct Tensor {
    std::string name;
    Format format;
    Shape shape;
    size_t bytes;
    Produce produce;
  };
  void begin_key(std::string_view key);

  std::filesystem::path path_;
  std::string keys_;  // encoded
  uint64_t key_count_ = 0;
  std::vector<Tensor> tensors_;
  std::set<std::string, std::less<>> taken_;  // keys as "k:…", tensors as "t:…"
};

}  // namespace troika::files
