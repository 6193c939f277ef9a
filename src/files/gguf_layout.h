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

// Every tensor type that GGUF files use, so that the sizes of all tensors can be checked, also of those whose
// format Troika does not know yet.
struct TensorType {
  uint32_t id;
  std::string_view name;
  int block_values, block_bytes;
};
inline constexpr std::array kTensorTypes = {
    TensorType{0, "f32", 1, 4},         TensorType{1, "f16", 1, 2},
    TensorType{2, "q4_0", 32, 18},      TensorType{3, "q4_1", 32, 20},
    TensorType{6, "q5_0", 32, 22},      TensorType{7, "q5_1", 32, 24},
    TensorType{8, "q8_0", 32, 34},      TensorType{9, "q8_1", 32, 36},
    TensorType{10, "q2_k", 256, 84},    TensorType{11, "q3_k", 256, 110},
    TensorType{12, "q4_k", 256, 144},   TensorType{13, "q5_k", 256, 176},
    TensorType{14, "q6_k", 256, 210},   TensorType{15, "q8_k", 256, 292},
    TensorType{16, "iq2_xxs", 256, 66}, TensorType{17, "iq2_xs", 256, 74},
    TensorType{18, "iq3_xxs", 256, 98}, TensorType{19, "iq1_s", 256, 50},
    TensorType{20, "iq4_nl", 32, 18},   TensorType{21, "iq3_s", 256, 110},
    TensorType{22, "iq2_s", 256, 82},   TensorType{23, "iq4_xs", 256, 136},
    TensorType{24, "i8", 1, 1},         TensorType{25, "i16", 1, 2},
    TensorType{26, "i32", 1, 4},        TensorType{27, "i64", 1, 8},
    TensorType{28, "f64", 1, 8},        TensorType{29, "iq1_m", 256, 56},
    TensorType{30, "bf16", 1, 2},       TensorType{34, "tq1_0", 256, 54},
    TensorType{35, "tq2_0", 256, 66},   TensorType{39, "mxfp4", 32, 17},
    TensorType{40, "nvfp4", 64, 36},    TensorType{41, "q1_0", 128, 18},
    TensorType{42, "q2_0", 64, 18},
};

}  // namespace troika::files::gguf
