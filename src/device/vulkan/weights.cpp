#include "device/vulkan/weights.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "base/file_map.h"
#include "base/platform.h"
#include "device/on_threads.h"
#include "device/vulkan/grids.h"

namespace troika::device::vulkan {
namespace {

constexpr size_t kChunk = size_t{64} << 20;
constexpr size_t kMostShared = size_t{8} << 20;  // so that no chunk stays empty for more than an eighth
constexpr size_t kAlignment = 256;
constexpr size_t kBytesPerThread = size_t{4} << 20;  // less is not worth a thread
constexpr size_t kPieceBytes = size_t{1} << 20;      // long enough for a disk, short enough to be packed from a core's cache

}  // namespace

// A part of the weight, where it is in memory: read from its file into `read`, for a page that is looked at in the mapping
// brings some of its neighbours and stays.
const std::byte* WeightLoader::in_memory(const WeightView& view, std::span<const std::byte> part,
                                         std::vector<std::byte>& read) const {
  if (!view.file) return part.data();
  read.resize(part.size());
  view.file->read(part, read.data());
  if (!file_stays_) view.file->drop_cached(part);
  return read.data();
}

WeightLoader::Piece WeightLoader::place(size_t bytes) {
  bytes_ += bytes;
  if (bytes > kMostShared) return {context_->allocate_unset(bytes), 0};
  if (!chunk_ || bytes > chunk_->size() - used_) {
    chunk_ = context_->allocate_unset(kChunk);
    used_ = 0;
  }
  const size_t offset = used_;
  used_ = std::min(chunk_->size(), (used_ + bytes + kAlignment - 1) / kAlignment * kAlignment);
  return {chunk_, offset};
}

VkDeviceAddress WeightLoader::tables(const PanelFormat& format) {
  const std::vector<uint32_t> words = grid_words(format.format);
  if (words.empty()) return 0;
  std::shared_ptr<GpuBuffer>& buffer = tables_[format.format];
  if (!buffer) {
    buffer = context_->allocate(words.size() * sizeof(uint32_t));
    std::memcpy(buffer->host(), words.data(), buffer->size());
  }
  return buffer->address();
}

std::shared_ptr<GpuWeight> WeightLoader::load_vector(const WeightView& view) {
  auto weight = std::make_shared<GpuWeight>();
  weight->shape = view.shape;
  std::vector<float> values(static_cast<size_t>(view.shape.values()));
  std::vector<std::byte> read;
  info(view.format).unpack(in_memory(view, view.bytes, read), values);
  const Piece piece = place(values.size() * sizeof(float));
  std::memcpy(piece.buffer->host() + piece.offset, values.data(), values.size() * sizeof(float));
  weight->buffer = piece.buffer;
  weight->address = piece.buffer->address() + piece.offset;
  return weight;
}

std::shared_ptr<GpuWeight> WeightLoader::load(const WeightView& view) {
  check(view.bytes.size() == bytes_of(view.format, view.shape), "a weight has the bytes of its shape");
  if (view.shape.rank < 2) return load_vector(view);
  if (view.shape.rows() > INT32_MAX) fail("A weight of {} rows is more than the GPU's kernels count.", view.shape.rows());
  auto weight = std::make_shared<GpuWeight>();
  weight->shape = view.shape;
  const PanelFormat* known = find_panel_format(view.format);
  weight->panel = known ? known : find_panel_format(Format::f32);  // what has no shader is unpacked
  weight->panel_bytes = panel_bytes(*weight->panel, view.shape.columns());
  const Piece piece = place(size_t(pieces(uint32_t(view.shape.rows()), kPanelRows)) * weight->panel_bytes);
  pack(view, *weight->panel, piece.buffer->host() + piece.offset);
  weight->buffer = piece.buffer;
  weight->address = piece.buffer->address() + piece.offset;
  if (known) weight->tables = tables(*known);
  return weight;
}

void WeightLoader::pack(const WeightView& view, const PanelFormat& format, std::byte* panels) const {
  const int64_t rows = view.shape.rows();
  const int columns = view.shape.columns();
  const size_t row_size = row_bytes(view.format, columns), each = panel_bytes(format, columns);
  const int threads = std::clamp(int(view.bytes.size() / kBytesPerThread), 1, platform::cpu().cores);
  const int64_t even = rows / (threads * 4), long_enough = int64_t(kPieceBytes / row_size);
  const int64_t at_once = std::max<int64_t>(1, std::min(even, long_enough) / kPanelRows) * kPanelRows;
  std::atomic<int64_t> next{0};
  on_threads(threads, [&] {
    std::vector<std::byte> read;
    std::vector<float> floats(format.format == view.format ? 0 : size_t(kPanelRows) * size_t(columns));
    for (int64_t first; (first = next.fetch_add(at_once)) < rows;) {
      const int count = int(std::min(at_once, rows - first));
      const std::span part = view.bytes.subspan(size_t(first) * row_size, size_t(count) * row_size);
      const std::byte* from = in_memory(view, part, read);
      std::byte* panel = panels + size_t(first / kPanelRows) * each;
      for (int row = 0; row < count; row += kPanelRows, panel += each) {
        if (floats.empty()) {
          pack_panel(format, from, count, columns, row, panel);
          continue;
        }
        const int present = std::min(kPanelRows, count - row);
        info(view.format).unpack(from + size_t(row) * row_size, std::span(floats).first(size_t(present) * size_t(columns)));
        pack_panel(format, reinterpret_cast<const std::byte*>(floats.data()), present, columns, 0, panel);
      }
    }
  });
  if (view.file && !file_stays_) view.file->drop_cached(view.bytes);  // pages that two pieces share
}

}  // namespace troika::device::vulkan
