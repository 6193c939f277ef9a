#include "tensor/format.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>

#include "base/error.h"
#include "tensor/quant/quant.h"

namespace troika {
namespace {

using namespace quant;

constexpr std::array kFormats = {
    FormatInfo{Format::f32, "f32", 1, 4, pack_f32, unpack_f32},
    FormatInfo{Format::f16, "f16", 1, 2, pack_f16, unpack_f16},
    FormatInfo{Format::bf16, "bf16", 1, 2, pack_bf16, unpack_bf16},
    FormatInfo{Format::i32, "i32", 1, 4, pack_i32, unpack_i32},
    FormatInfo{Format::q8_0, "q8_0", 32, 34, pack_q8_0, unpack_q8_0},
    FormatInfo{Format::q4_0, "q4_0", 32, 18, pack_q4_0, unpack_q4_0},
    FormatInfo{Format::q4_1, "q4_1", 32, 20, pack_q4_1, unpack_q4_1},
    FormatInfo{Format::q5_0, "q5_0", 32, 22, pack_q5_0, unpack_q5_0},
    FormatInfo{Format::q5_1, "q5_1", 32, 24, pack_q5_1, unpack_q5_1},
    FormatInfo{Format::iq4_nl, "iq4_nl", 32, 18, pack_iq4_nl, unpack_iq4_nl},
    FormatInfo{Format::mxfp4, "mxfp4", 32, 17, pack_mxfp4, unpack_mxfp4},
    FormatInfo{Format::q1_0, "q1_0", 128, 18, pack_q1_0, unpack_q1_0},
    FormatInfo{Format::q2_0, "q2_0", 64, 18, pack_q2_0, unpack_q2_0},
    FormatInfo{Format::q2_k, "q2_k", 256, 84, pack_q2_k, unpack_q2_k},
    FormatInfo{Format::q3_k, "q3_k", 256, 110, pack_q3_k, unpack_q3_k},
    FormatInfo{Format::q4_k, "q4_k", 256, 144, pack_q4_k, unpack_q4_k},
    FormatInfo{Format::q5_k, "q5_k", 256, 176, pack_q5_k, unpack_q5_k},
    FormatInfo{Format::q6_k, "q6_k", 256, 210, pack_q6_k, unpack_q6_k},
    FormatInfo{Format::iq4_xs, "iq4_xs", 256, 136, pack_iq4_xs, unpack_iq4_xs},
    FormatInfo{Format::iq3_s, "iq3_s", 256, 110, nullptr, unpack_iq3_s},
    FormatInfo{Format::iq3_xxs, "iq3_xxs", 256, 98, nullptr, unpack_iq3_xxs},
    FormatInfo{Format::iq2_s, "iq2_s", 256, 82, nullptr, unpack_iq2_s},
    FormatInfo{Format::iq2_xs, "iq2_xs", 256, 74, nullptr, unpack_iq2_xs},
    FormatInfo{Format::iq2_xxs, "iq2_xxs", 256, 66, nullptr, unpack_iq2_xxs},
    FormatInfo{Format::iq1_m, "iq1_m", 256, 56, nullptr, unpack_iq1_m},
    FormatInfo{Format::iq1_s, "iq1_s", 256, 50, nullptr, unpack_iq1_s},
    FormatInfo{Format::tq1_0, "tq1_0", 256, 54, pack_tq1_0, unpack_tq1_0},
    FormatInfo{Format::tq2_0, "tq2_0", 256, 66, pack_tq2_0, unpack_tq2_0},
};

bool equal_in_any_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

std::span<const FormatInfo> formats() { return kFormats; }

const FormatInfo& info(Format format) {
  auto row = std::ranges::find(kFormats, format, &FormatInfo::format);
  check(row != kFormats.end(), "a format has a row in the table");
  return *row;
}

std::optional<Format> find_format(std::string_view name) {
  for (const FormatInfo& row : kFormats)
    if (equal_in_any_case(row.name, name)) return row.format;
  return std::nullopt;
}

std::optional<Format> find_format(uint32_t gguf_type) {
  for (const FormatInfo& row : kFormats)
    if (static_cast<uint32_t>(row.format) == gguf_type) return row.format;
  return std::nullopt;
}

size_t bytes_of(Format format, const Shape& shape) {
  const FormatInfo& f = info(format);
  if (shape.rank == 0) fail("a tensor without dimensions has no bytes in format {}", f.name);
  if (shape.columns() % f.block_values != 0)
    fail("rows of {} values do not fit format {}, whose blocks hold {} values", shape.columns(), f.name,
         f.block_values);
  size_t bytes = static_cast<size_t>(shape.columns() / f.block_values) * f.block_bytes;
  for (int i = 0; i + 1 < shape.rank; ++i)
    if (__builtin_mul_overflow(bytes, static_cast<size_t>(shape[i]), &bytes))
      fail("a tensor of shape {} is too large", to_string(shape));
  return bytes;
}

}  // namespace troika
