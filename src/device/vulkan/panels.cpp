// Permuting the bytes of 16 rows into a panel (panels.h draws it).
#include "device/vulkan/panels.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace troika::device::vulkan {
namespace {

constexpr int kPieceBytes = 16;
constexpr int kMostBlockBytes = 210;

constexpr PanelFormat kPanelFormats[] = {
    {Format::f32, "f32", 4, 16, 0},
    {Format::f16, "f16", 8, 16, 0},
    {Format::bf16, "bf16", 8, 16, 0},
    {Format::q8_0, "q8_0", 32, 34, 2},
    {Format::q4_0, "q4_0", 32, 18, 2},
    {Format::q4_k, "q4_k", 256, 144, 0},
    {Format::q6_k, "q6_k", 256, 210, 0},
};
static_assert(std::ranges::max(kPanelFormats, {}, &PanelFormat::block_bytes).block_bytes == kMostBlockBytes);

// Fewer than 16 bytes; a call of memcpy would take longer than they do.
std::byte* copy_few(const std::byte* from, int count, std::byte* to) {
  auto copy = [&](size_t bytes) {
    std::memcpy(to, from, bytes);
    from += bytes;
    to += bytes;
  };
  if (count & 8) copy(8);
  if (count & 4) copy(4);
  if (count & 2) copy(2);
  if (count & 1) copy(1);
  return to;
}

// Where the blocks of one row go.
struct BlockShape {
  int pieces, head, tail;

  explicit BlockShape(const PanelFormat& format)
      : pieces(format.block_bytes / kPieceBytes),
        head(format.head),
        tail(format.block_bytes % kPieceBytes - format.head) {}

  void put(const std::byte* block, int row, std::byte* out) const {
    const std::byte* from = block + head;
    std::byte* to = out + row * kPieceBytes;
    for (int p = 0; p < pieces; ++p, from += kPieceBytes, to += kPanelRows * kPieceBytes)
      std::memcpy(to, from, kPieceBytes);
    std::byte* rest = out + pieces * kPanelRows * kPieceBytes + row * (head + tail);
    copy_few(from, tail, copy_few(block, head, rest));
  }
};

}  // namespace

const PanelFormat* find_panel_format(Format format) {
  auto row = std::ranges::find(kPanelFormats, format, &PanelFormat::format);
  return row == std::end(kPanelFormats) ? nullptr : &*row;
}

size_t panel_bytes(const PanelFormat& format, int columns) {
  size_t blocks = (size_t(columns) + format.block_values - 1) / format.block_values;
  return blocks * kPanelRows * format.block_bytes;
}

void pack_panel(const PanelFormat& format, const std::byte* matrix, int rows, int columns, int first, std::byte* panel) {
  static constexpr std::byte kZeros[kMostBlockBytes] = {};  // a block of a row that there is not
  const BlockShape shape(format);
  size_t stride = row_bytes(format.format, columns), block_bytes = format.block_bytes;
  matrix += size_t(first) * stride;
  int present = std::min(rows - first, kPanelRows);

  size_t at = 0;  // in each row
  for (; at + block_bytes <= stride; at += block_bytes, panel += kPanelRows * block_bytes) {
    for (int r = 0; r < present; ++r) shape.put(matrix + r * stride + at, r, panel);
    for (int r = present; r < kPanelRows; ++r) shape.put(kZeros, r, panel);
  }
  if (at == stride) return;
  for (int r = 0; r < kPanelRows; ++r) {  // floats that fill no block
    std::byte last[kPieceBytes] = {};
    if (r < present) std::memcpy(last, matrix + r * stride + at, stride - at);
    shape.put(last, r, panel);
  }
}

}  // namespace troika::device::vulkan
