// GGUF in numbers, for the reader and the writer: value types, tensor types, limits. The container is
//   "GGUF", u32 version, u64 tensors, u64 keys, keys × (text, u32 value type, value),
//   tensors × (text name, u32 n, n × u64 sizes innermost first, u32 type, u64 offset), padding, data
// where text = u64 bytes + UTF-8 and a list value = u32 element type, u64 count, elements. Little-endian.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace troika::files::gguf {

inline constexpr std::string_view kMagic = "GGUF";
inline constexpr uint32_t kVersion = 3;  // 2 has the same layout
inline constexpr size_t kDefaultAlignment = 32;
inline constexpr size_t kLargestAlignment = size_t{1} << 20;
inline constexpr size_t kLongestKey = 65535;
inline constexpr size_t kLongestName = 63;  // other engines keep names in 64 bytes

enum class ValueType : uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  text = 8,
  list = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12,
};

// The tensor types of GGUF files that Troika has no format for (the others stand in tensor/format.h, under the same
// ids), so that the sizes of all tensors can be checked.
struct TensorType {
  uint32_t id;
  std::string_view name;
  int block_values, block_bytes;
};
inline constexpr std::array kOtherTypes = {
    TensorType{9, "q8_1", 32, 36}, TensorType{15, "q8_k", 256, 292},  // of activations
    TensorType{24, "i8", 1, 1},    TensorType{25, "i16", 1, 2},
    TensorType{27, "i64", 1, 8},   TensorType{28, "f64", 1, 8},
    TensorType{40, "nvfp4", 64, 36},  // needs a second tensor for its scale
};

}  // namespace troika::files::gguf
