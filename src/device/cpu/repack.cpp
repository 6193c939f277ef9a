#include "device/cpu/repack.h"

#include <algorithm>
#include <exception>
#include <limits>
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
constexpr int kPiecesPerPart = 4;        // of each thread: a few milliseconds

}  // namespace

// A matrix that gets panels; its bytes are taken from the budget.
struct Repacker::Job {
  std::shared_ptr<CpuWeight> weight;
  WeightUse use;
  const kernels::PanelFormat* format;
  size_t bytes;
};

// A job under way, piece after piece; each thread reads into a buffer of its own.
class Repacker::Packing {
 public:
  Packing(Job of, std::shared_ptr<Buffer> panels, int threads)
      : job(std::move(of)), panels_(std::move(panels)), view_(job.weight->view), rows_(view_.shape[0]),
        columns_(view_.shape[1]), row_bytes_(row_bytes(view_.format, columns_)) {
    int all = (rows_ + kernels::kPanelRows - 1) / kernels::kPanelRows;
    int even = std::max(1, all / (4 * threads));
    int long_enough = static_cast<int>(kPieceBytes / (kernels::kPanelRows * row_bytes_));
    piece_rows_ = std::max(1, std::min(even, long_enough)) * kernels::kPanelRows;
    if (!view_.file) return;
    for (int i = 0; i < threads; ++i) {
      buffers_.push_back(std::make_unique_for_overwrite<std::byte[]>(size_t(piece_rows_) * row_bytes_));
    }
  }

  // Packs up to `most` more pieces on the pool, whose tasks must not throw; throws what the first failed one threw.
  void run(ThreadPool& pool, int most) {
    std::mutex mutex;
    std::exception_ptr error;
    int first = done_, count = std::min(most, pieces() - first);
    Launch launch{[=] { return count; }, [&](int piece, int thread) {
                    try {
                      pack(first + piece, thread);
                    } catch (...) {
                      std::lock_guard lock(mutex);
                      if (!error) error = std::current_exception();
                    }
                  }};
    pool.start({&launch, 1});
    pool.finish();
    if (error) std::rethrow_exception(error);
    done_ += count;
  }

  bool is_done() const { return done_ == pieces(); }
  std::shared_ptr<Buffer> panels() const { return panels_; }

  const Job job;

 private:
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
    size_t bytes = kernels::panel_bytes(*job.format, columns_);
    for (int row = 0; row < count; row += kernels::kPanelRows) {
      std::byte* panel = panels_->host() + size_t(first + row) / kernels::kPanelRows * bytes;
      kernels::pack_panel(*job.format, from, count, columns_, row, panel);
    }
  }

  std::shared_ptr<Buffer> panels_;
  const WeightView& view_;
  int rows_, columns_;
  size_t row_bytes_;
  int piece_rows_, done_ = 0;
  std::vector<std::unique_ptr<std::byte[]>> buffers_;
};

size_t packed_bytes(Format format, kernels::Arithmetic arithmetic, int rows, int columns) {
  const kernels::PanelFormat* panel = kernels::find_panel_format(format, arithmetic);
  if (!panel) return 0;
  return (size_t(rows) + kernels::kPanelRows - 1) / kernels::kPanelRows * kernels::panel_bytes(*panel, columns);
}

Repacker::Repacker(ThreadPool& pool, RepackBudget budget) : pool_(pool), budget_(budget) {}
Repacker::~Repacker() = default;

void Repacker::repack(CpuWeight& weight, WeightUse use, kernels::Arithmetic arithmetic) {
  check(!packing_, "one matrix is packed at a time");
  std::optional<Job> job = plan({std::shared_ptr<CpuWeight>(), &weight}, use, arithmetic);
  if (job) begin(std::move(*job));
  while (packing_) advance(std::numeric_limits<int>::max());
}

bool Repacker::can_put_off(const WeightView& view) const {
  return view.file && budget_.file_stays() && view.file->is_cached(view.bytes);
}

void Repacker::put_off(std::shared_ptr<CpuWeight> weight, WeightUse use, kernels::Arithmetic arithmetic) {
  std::optional<Job> job = plan(std::move(weight), use, arithmetic);
  if (!job) return;
  waiting_bytes_ += job->bytes;
  put_off_.push_back(std::move(*job));
}

bool Repacker::proceed() {
  if (!packing_ && !put_off_.empty()) {
    Job next = std::move(put_off_.front());
    put_off_.pop_front();
    waiting_bytes_ -= next.bytes;
    begin(std::move(next));
  }
  if (packing_) advance(kPiecesPerPart * pool_.threads());
  return packing_ || !put_off_.empty();
}

size_t Repacker::bytes_put_off() const {
  return waiting_bytes_ + (packing_ ? packing_->job.bytes : 0);
}

std::optional<Repacker::Job> Repacker::plan(std::shared_ptr<CpuWeight> weight, WeightUse use,
                                            kernels::Arithmetic arithmetic) {
  const WeightView& view = weight->view;
  const kernels::PanelFormat* format = kernels::find_panel_format(view.format, arithmetic);
  if (!format) return std::nullopt;
  size_t bytes = packed_bytes(view.format, arithmetic, view.shape[0], view.shape[1]);
  if (!budget_.take(bytes)) {
    refuse(*weight);
    return std::nullopt;
  }
  return Job{std::move(weight), use, format, bytes};
}

void Repacker::begin(Job job) {
  std::shared_ptr<Buffer> panels;
  try {
    panels = memory_.allocate(job.bytes);
  } catch (const Error&) {  // free it may be, but not for this process
    budget_.give_back(job.bytes);
    return refuse(*job.weight);
  }
  packing_ = std::make_unique<Packing>(std::move(job), std::move(panels), pool_.threads());
}

void Repacker::advance(int pieces) {
  try {
    packing_->run(pool_, pieces);
  } catch (...) {
    budget_.give_back(packing_->job.bytes);
    packing_.reset();
    throw;
  }
  if (!packing_->is_done()) return;
  const Job& job = packing_->job;
  CpuWeight& weight = *job.weight;
  weight.panels = packing_->panels();
  weight.panel = job.format;
  if (weight.view.file && !job.use.looked_up) weight.view.file->drop_mapped(weight.view.bytes);
  if (weight.view.file && !budget_.keeps_file_cached(job.use)) weight.view.file->drop_cached(weight.view.bytes);
  packing_.reset();
}

void Repacker::refuse(const CpuWeight& weight) {
  if (std::exchange(refused_, true)) return;
  log::warn("memory is short: {} MB of weights are repacked for speed, the others from {} on are read where the file "
            "is mapped, which is slower", budget_.taken() / 1'000'000, weight.view.name);
}

}  // namespace troika::device::cpu
