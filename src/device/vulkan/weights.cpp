#include "device/vulkan/weights.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include "base/platform.h"
#include "device/vulkan/grids.h"

namespace troika::device::vulkan {
namespace {

constexpr size_t kChunk = size_t{256} << 20;
constexpr size_t kMostShared = size_t{32} << 20;  // so that no chunk stays empty for more than an eighth
constexpr size_t kAlignment = 256;
constexpr size_t kBytesPerThread = size_t{4} << 20;  // less is not worth a thread

// Calls work(first, end) on pieces of [0, count) on several threads.
template <typename Work>
void in_parallel(int64_t count, size_t bytes, const Work& work) {
  const int threads = std::clamp(int(bytes / kBytesPerThread), 1, platform::cpu().cores);
  const int64_t piece = std::max<int64_t>(1, count / (threads * 8));
  std::atomic<int64_t> next{0};
  const auto take = [&] {
    for (int64_t first; (first = next.fetch_add(piece)) < count;) work(first, std::min(first + piece, count));
  };
  std::vector<std::jthread> helpers;
  for (int i = 1; i < threads; ++i) helpers.emplace_back(take);
  take();
}

}  // namespace

WeightLoader::Piece WeightLoader::place(size_t bytes) {
  bytes_ += bytes;
  if (bytes > kMostShared) return {context_->allocate(bytes), 0};
  if (!chunk_ || bytes > chunk_->size() - used_) {
    chunk_ = context_->allocate(kChunk);
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
  info(view.format).unpack(view.bytes.data(), values);
  const Piece piece = place(values.size() * sizeof(float));
  std::memcpy(piece.buffer->host() + piece.offset, values.data(), values.size() * sizeof(float));
  weight->buffer = piece.buffer;
  weight->address = piece.buffer->address() + piece.offset;
  return weight;
}

std::shared_ptr<GpuWeight> WeightLoader::load(const WeightView& view) {
  check(view.bytes.size() == bytes_of(view.format, view.shape), "a weight has the bytes of its shape");
  if (view.shape.rank < 2) return load_vector(view);
  auto weight = std::make_shared<GpuWeight>();
  weight->shape = view.shape;
  const int rows = static_cast<int>(view.shape.rows()), columns = view.shape.columns();
  const PanelFormat* known = find_panel_format(view.format);
  weight->panel = known ? known : find_panel_format(Format::f32);  // what has no shader is unpacked
  weight->panel_bytes = panel_bytes(*weight->panel, columns);
  const int64_t panels = (rows + kPanelRows - 1) / kPanelRows;
  const Piece piece = place(size_t(panels) * weight->panel_bytes);
  std::byte* to = piece.buffer->host() + piece.offset;
  const size_t row_size = row_bytes(view.format, columns);
  in_parallel(panels, view.bytes.size(), [&](int64_t first, int64_t end) {
    std::vector<float> floats(known ? 0 : size_t(kPanelRows) * size_t(columns));
    for (int64_t p = first; p < end; ++p, floats.clear()) {
      const int row = int(p) * kPanelRows, count = std::min(kPanelRows, rows - row);
      std::byte* panel = to + size_t(p) * weight->panel_bytes;
      if (known) {
        pack_panel(*known, view.bytes.data(), rows, columns, row, panel);
        continue;
      }
      floats.resize(size_t(count) * size_t(columns));
      info(view.format).unpack(view.bytes.data() + size_t(row) * row_size, floats);
      pack_panel(*weight->panel, reinterpret_cast<const std::byte*>(floats.data()), count, columns, 0, panel);
    }
  });
  weight->buffer = piece.buffer;
  weight->address = piece.buffer->address() + piece.offset;
  if (known) weight->tables = tables(*known);
  return weight;
}

}  // namespace troika::device::vulkan
