#include "device/cpu/repack.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file_map.h"
#include "base/log.h"
#include "kernels/panel.h"

namespace troika::device::cpu {
namespace {

constexpr size_t kPieceBytes = 1 << 20;  // long enough for a disk, short enough to be packed from a core's cache

// Packs pieces of one matrix; each thread reads into a buffer of its own.
class Packing {
 public:
  Packing(const CpuWeight& weight, const kernels::PanelFormat& format, std::byte* panels, int threads)
      : view_(weight.view), format_(format), panels_(panels), rows_(view_.shape[0]), columns_(view_.shape[1]),
        row_bytes_(row_bytes(view_.format, columns_)) {
    int all = (rows_ + kernels::kPanelRows - 1) / kernels::kPanelRows;
    int even = std::max(1, all / (4 * threads));
    int long_enough = static_cast<int>(kPieceBytes / (kernels::kPanelRows * row_bytes_));
    piece_rows_ = std::max(1, std::min(even, long_enough)) * kernels::kPanelRows;
    if (!view_.file) return;
    for (int i = 0; i < threads; ++i) {
      buffers_.push_back(std::make_unique_for_overwrite<std::byte[]>(size_t(piece_rows_) * row_bytes_));
    }
  }

  int pieces() const { return (rows_ + piece_rows_ - 1) / piece_rows_; }

  void pack(int piece, int thread) {
    int first = piece * piece_rows_, count = std::min(piece_rows_, rows_ - first);
    auto part = view_.bytes.subspan(size_t(first) * row_bytes_, size_t(count) * row_bytes_);
    const std::byte* from = part.data();
    if (view_.file) {
      std::byte* buffer = buffers_[size_t(thread)].get();
      view_.file->read(part, buffer);
      from = buffer;
    }
    size_t bytes = kernels::panel_bytes(format_, columns_);
    for (int row = 0; row < count; row += kernels::kPanelRows) {
      std::byte* panel = panels_ + size_t(first + row) / kernels::kPanelRows * bytes;
      kernels::pack_panel(format_, from, count, columns_, row, panel);
    }
  }

 private:
  const WeightView& view_;
  const kernels::PanelFormat& format_;
  std::byte* panels_;
  int rows_, columns_;
  size_t row_bytes_;
  int piece_rows_;
  std::vector<std::unique_ptr<std::byte[]>> buffers_;
};

// Runs all pieces on the pool, whose tasks must not throw; throws what the first failed one threw.
void run(ThreadPool& pool, Packing& packing) {
  std::mutex mutex;
  std::exception_ptr error;
  Launch launch{[&] { return packing.pieces(); }, [&](int piece, int thread) {
                  try {
                    packing.pack(piece, thread);
                  } catch (...) {
                    std::lock_guard lock(mutex);
                    if (!error) error = std::current_exception();
                  }
                }};
  pool.start({&launch, 1});
  pool.finish();
  if (error) std::rethrow_exception(error);
}

}  // namespace

size_t packed_bytes(Format format, int rows, int columns) {
  const kernels::PanelFormat* panel = kernels::find_panel_format(format, kernels::Arithmetic::float32);
  if (!panel) return 0;
  return (size_t(rows) + kernels::kPanelRows - 1) / kernels::kPanelRows * kernels::panel_bytes(*panel, columns);
}

void Repacker::repack(CpuWeight& weight, WeightUse use, kernels::Arithmetic arithmetic) {
  const WeightView& view = weight.view;
  const kernels::PanelFormat* format = kernels::find_panel_format(view.format, arithmetic);
  if (!format) return;
  size_t bytes = packed_bytes(view.format, view.shape[0], view.shape[1]);
  std::shared_ptr<Buffer> buffer = room_for(bytes);
  if (!buffer) return refuse(weight);
  try {
    Packing packing(weight, *format, buffer->host(), pool_.threads());
    run(pool_, packing);
  } catch (...) {
    budget_.give_back(bytes);
    throw;
  }
  weight.panels = std::move(buffer);
  weight.panel = format;
  if (view.file && !budget_.keeps_file_cached(use)) view.file->drop_cached(view.bytes);
}

std::shared_ptr<Buffer> Repacker::room_for(size_t bytes) {
  if (!budget_.take(bytes)) return nullptr;
  try {
    return memory_.allocate(bytes);
  } catch (const Error&) {  // free it may be, but not for this process
    budget_.give_back(bytes);
    return nullptr;
  }
}

void Repacker::refuse(const CpuWeight& weight) {
  if (std::exchange(refused_, true)) return;
  log::warn("memory is short: {} MB of weights are repacked for speed, the others from {} on are read where the file "
            "is mapped, which is slower", budget_.taken() / 1'000'000, weight.view.name);
}

}  // namespace troika::device::cpu
