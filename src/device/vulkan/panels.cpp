// Permuting the bytes of 16 rows into a panel (panels.h draws it).
#include "device/vulkan/panels.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace troika::device::vulkan {
namespace {

constexpr size_t kPieceBytes = 16;
constexpr int kMostBlockBytes = 210;

constexpr PanelFormat kPanelFormats[] = {
    {Format::f32, "f32", 4, 16, 0},
    {Format::f16, "f16", 8, 16, 0},
    {Format::bf16, "bf16", 8, 16, 0},
    {Format::q8_0, "q8_0", 32, 34, 2},
    {Format::q4_0, "q4_0", 32, 18, 2},
    {Format::q4_1, "q4_1", 32, 20, 4},
    {Format::q5_0, "q5_0", 32, 22, 6},
    {Format::q5_1, "q5_1", 32, 24, 8},
    {Format::iq4_nl, "iq4_nl", 32, 18, 2},
    {Format::mxfp4, "mxfp4", 32, 17, 1},
    {Format::q1_0, "q1_0", 128, 18, 2},
    {Format::q2_0, "q2_0", 64, 18, 2},
    {Format::q2_k, "q2_k", 256, 84, 0},
    {Format::q3_k, "q3_k", 256, 110, 0},
    {Format::q4_k, "q4_k", 256, 144, 0},
    {Format::q5_k, "q5_k", 256, 176, 0},
    {Format::q6_k, "q6_k", 256, 210, 0},
    {Format::iq4_xs, "iq4_xs", 256, 136, 8},
    {Format::iq3_s, "iq3_s", 256, 110, 2},
    {Format::iq3_xxs, "iq3_xxs", 256, 98, 2},
    {Format::iq2_s, "iq2_s", 256, 82, 2},
    {Format::iq2_xs, "iq2_xs", 256, 74, 2},
    {Format::iq2_xxs, "iq2_xxs", 256, 66, 2},
    {Format::iq1_m, "iq1_m", 256, 56, 0},
    {Format::iq1_s, "iq1_s", 256, 50, 2},
    {Format::tq1_0, "tq1_0", 256, 54, 0},
    {Format::tq2_0, "tq2_0", 256, 66, 0},
};
static_assert(std::ranges::max(kPanelFormats, {}, &PanelFormat::block_bytes).block_bytes == kMostBlockBytes);

using Blocks = const std::byte* const (&)[kPanelRows];  // one of each row

// Bytes [offset, offset + kBytes) of each block, `stride` apart.
template <size_t kBytes>
void copy_rows(Blocks blocks, size_t offset, std::byte* out, size_t stride) {
  for (int r = 0; r < kPanelRows; ++r) std::memcpy(out + r * stride, blocks[r] + offset, kBytes);
}

// The same for a count below 16, as the powers of two in it.
void copy_few(Blocks blocks, size_t offset, size_t count, std::byte* out, size_t stride) {
  if (count & 8) copy_rows<8>(blocks, offset, out, stride);
  if (count & 4) copy_rows<4>(blocks, offset + (count & 8), out + (count & 8), stride);
  if (count & 2) copy_rows<2>(blocks, offset + (count & 12), out + (count & 12), stride);
  if (count & 1) copy_rows<1>(blocks, offset + (count & 14), out + (count & 14), stride);
}

void pack_block(const PanelFormat& format, Blocks blocks, std::byte* out) {
  const size_t pieces = format.block_bytes / kPieceBytes, rest = format.block_bytes % kPieceBytes;
  const size_t head = format.head;
  for (size_t p = 0; p < pieces; ++p, out += kPanelRows * kPieceBytes)
    copy_rows<kPieceBytes>(blocks, head + p * kPieceBytes, out, kPieceBytes);
  copy_few(blocks, 0, head, out, rest);
  copy_few(blocks, head + pieces * kPieceBytes, rest - head, out + head, rest);
}

}  // namespace

const PanelFormat* find_panel_format(Format format) {
  auto row = std::ranges::find(kPanelFormats, format, &PanelFormat::format);
  return row == std::end(kPanelFormats) ? nullptr : &*row;
}

size_t panel_bytes(const PanelFormat& format, int columns) {
  size_t blocks = (size_t(columns) + format.block_values - 1) / format.block_values;
  return blocks * kPanelRows * format.block_bytes;
}

void pack_panel(const PanelFormat& format, const std::byte* matrix, int rows, int columns, int first,
                std::byte* panel) {
  static constexpr std::byte kZeros[kMostBlockBytes] = {};  // a block of a row that there is not
  const size_t stride = row_bytes(format.format, columns), block_bytes = format.block_bytes;
  const int present = std::min(rows - first, kPanelRows);
  matrix += size_t(first) * stride;

  const std::byte* blocks[kPanelRows];
  std::ranges::fill(blocks, kZeros);
  size_t at = 0;  // in each row
  for (; at + block_bytes <= stride; at += block_bytes, panel += kPanelRows * block_bytes) {
    for (int r = 0; r < present; ++r) blocks[r] = matrix + r * stride + at;
    pack_block(format, blocks, panel);
  }
  if (at == stride) return;
  std::byte last[kPanelRows][kPieceBytes] = {};  // floats that fill no block
  for (int r = 0; r < present; ++r) {
    std::memcpy(last[r], matrix + r * stride + at, stride - at);
    blocks[r] = last[r];
  }
  pack_block(format, blocks, panel);
}

}  // namespace troika::device::vulkan
