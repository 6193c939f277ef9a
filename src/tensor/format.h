// The table of number formats: how the values of a tensor lie in memory. Plain floats are blocks of one value;
// quantised formats pack 32 or 256 consecutive values of a row with their scales. One row per format; the code
// of each stands in its own file under quant/. Byte layouts are GGUF's (github.com/ggml-org/ggml).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tensor/shape.h"

namespace troika {

class FileMap;

// The numbers are GGUF's tensor type ids.
enum class Format : uint32_t {
  f32 = 0, f16 = 1, q4_0 = 2, q4_1 = 3, q5_0 = 6, q5_1 = 7, q8_0 = 8, q2_k = 10, q3_k = 11, q4_k = 12, q5_k = 13,
  q6_k = 14, iq2_xxs = 16, iq2_xs = 17, iq3_xxs = 18, iq1_s = 19, iq4_nl = 20, iq3_s = 21, iq2_s = 22, iq4_xs = 23,
  i32 = 26, iq1_m = 29, bf16 = 30, tq1_0 = 34, tq2_0 = 35, mxfp4 = 39, q1_0 = 41, q2_0 = 42,
};

struct FormatInfo {
  Format format;
  std::string_view name;  // lower case: "q4_k"
  int block_values;       // values per block; a row's length is a multiple of it
  int block_bytes;
  // values.size() is a multiple of block_values; `out` has room for all blocks. `importance` is empty or has one
  // weight per value (larger = more important to represent well). Null: Troika only reads this format.
  void (*pack)(std::span<const float> values, std::span<const float> importance, std::byte* out);
  void (*unpack)(const std::byte* in, std::span<float> values);
};

std::span<const FormatInfo> formats();
const FormatInfo& info(Format format);
std::optional<Format> find_format(std::string_view name);  // any case: "Q4_K"
std::optional<Format> find_format(uint32_t gguf_type);

// Bytes of a tensor; throws Error when the columns are no multiple of the block or the size overflows.
size_t bytes_of(Format format, const Shape& shape);
inline size_t row_bytes(Format format, int64_t columns) {
  const FormatInfo& f = info(format);
  return static_cast<size_t>(columns / f.block_values) * f.block_bytes;
}

// A weight as it lies in a file: looking only; `keep` holds the mapping (or converted copy) alive.
struct WeightView {
  std::string name;
  Format format = Format::f32;
  Shape shape;  // [out, in] for a matrix
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> keep;
  const FileMap* file = nullptr;  // in whose mapping the bytes lie; null: in memory of their own
};

}  // namespace troika
