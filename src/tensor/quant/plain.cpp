// Formats whose block is one number: floats of 32 and 16 bits, and whole numbers.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "base/half.h"
#include "tensor/quant/quant.h"

namespace troika::quant {
namespace {

// Files do not promise aligned numbers, so each is moved with memcpy, which compiles to one load or store.
template <typename Number, typename Convert>
void pack_each(Values values, std::byte* out, Convert convert) {
  for (size_t i = 0; i < values.size(); ++i) {
    Number number = convert(values[i]);
    std::memcpy(out + i * sizeof number, &number, sizeof number);
  }
}

template <typename Number, typename Convert>
void unpack_each(const std::byte* in, std::span<float> values, Convert convert) {
  for (size_t i = 0; i < values.size(); ++i) {
    Number number;
    std::memcpy(&number, in + i * sizeof number, sizeof number);
    values[i] = convert(number);
  }
}

int32_t to_i32(float value) {
  if (!(value == value)) return 0;
  if (value >= 0x1p31f) return std::numeric_limits<int32_t>::max();
  if (value <= -0x1p31f) return std::numeric_limits<int32_t>::min();
  return static_cast<int32_t>(std::lround(value));
}

}  // namespace

void pack_f32(Values values, Values, std::byte* out) {
  if (!values.empty()) std::memcpy(out, values.data(), values.size_bytes());
}
void pack_f16(Values values, Values, std::byte* out) { pack_each<uint16_t>(values, out, float_to_f16); }
void pack_bf16(Values values, Values, std::byte* out) { pack_each<bf16>(values, out, float_to_bf16); }
void pack_i32(Values values, Values, std::byte* out) { pack_each<int32_t>(values, out, to_i32); }

void unpack_f32(const std::byte* in, std::span<float> values) {
  if (!values.empty()) std::memcpy(values.data(), in, values.size_bytes());
}
void unpack_f16(const std::byte* in, std::span<float> values) {
  unpack_each<uint16_t>(in, values, f16_to_float);
}
void unpack_bf16(const std::byte* in, std::span<float> values) {
  unpack_each<bf16>(in, values, bf16_to_float);
}
void unpack_i32(const std::byte* in, std::span<float> values) {
  unpack_each<int32_t>(in, values, [](int32_t number) { return static_cast<float>(number); });
}

}  // namespace troika::quant
