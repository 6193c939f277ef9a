#include "device/cpu/cpu_device.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/file_map.h"
#include "base/platform.h"
#include "device/cpu/compiler.h"
#include "device/cpu/repack.h"
#include "device/host_memory.h"

namespace troika::device::cpu {
namespace {

constexpr int kMaxThreads = 256;

// submit() sets the other threads to work; the caller joins them in wait().
class CpuExecutable : public Executable {
 public:
  CpuExecutable(Compiled compiled, std::shared_ptr<ThreadPool> pool)
      : compiled_(std::move(compiled)), pool_(std::move(pool)) {}
  ~CpuExecutable() override { pool_->finish(); }
  void submit() override { pool_->start(compiled_.launches); }
  void wait() override { pool_->finish(); }

 private:
  Compiled compiled_;
  std::shared_ptr<ThreadPool> pool_;
};

// Threads stay on their cores only where each has one and the machine is ours: with fewer threads, or beside others
// who were given a part of it, we do not know which cores are free, and the system does.
std::span<const std::vector<int>> places(const DeviceOptions& options, int threads) {
  const platform::Cores& cores = platform::cpu().topology;
  if (!options.pin || cores.restricted || size_t(threads) != cores.threads.size()) return {};
  return cores.threads;
}

class CpuDevice : public Device {
 public:
  explicit CpuDevice(const DeviceOptions& options)
      : kernels_(kernels::kernel_table(options.isa)), float32_(options.float32), repacks_(options.repack),
        file_bytes_(options.file_bytes) {
    int threads = std::clamp(options.threads > 0 ? options.threads : platform::cpu().cores, 1, kMaxThreads);
    pool_ = std::make_shared<ThreadPool>(
        PoolOptions{.threads = threads, .relax = kernels_.relax, .places = places(options, threads)});
    info_ = {"cpu", fmt::format("{}, {} threads, {}", platform::cpu().name, threads, kernels_.name),
             platform::memory().total_bytes};
  }

  const DeviceInfo& info() const override { return info_; }
  bool supports(const ops::Program&, const ops::Op&) const override { return true; }
  std::shared_ptr<Buffer> allocate(size_t bytes) override { return allocate_host(bytes); }
  std::shared_ptr<Buffer> import(HostRegion region) override { return wrap_host(region); }

  std::shared_ptr<Weight> prepare(const WeightView& view, WeightUse use) override {
    check(view.bytes.size() == bytes_of(view.format, view.shape), "a weight has the bytes of its shape");
    auto weight = std::make_shared<CpuWeight>();
    weight->view = view;
    if (view.shape.rank >= 2) {
      prepare_matrix(weight, use);
    } else {
      weight->floats.resize(static_cast<size_t>(view.shape.values()));
      troika::info(view.format).unpack(view.bytes.data(), weight->floats);
      weight->data = reinterpret_cast<const std::byte*>(weight->floats.data());
      info_.weight_bytes += weight->floats.size() * sizeof(float);
    }
    return weight;
  }

  bool settle() override {
    bool more = repacker_ && repacker_->proceed();
    info_.bytes_put_off = repacker_ ? repacker_->bytes_put_off() : 0;
    return more;
  }

  void limit_threads(double share) override { pool_->limit(static_cast<int>(std::ceil(share * pool_->threads()))); }

  std::unique_ptr<Executable> compile(const Segment& segment) override {
    CompileOptions options{.kernels = &kernels_, .threads = pool_->threads(), .float32 = float32_};
    return std::make_unique<CpuExecutable>(cpu::compile(segment, options), pool_);
  }

 private:
  void prepare_matrix(const std::shared_ptr<CpuWeight>& shared, WeightUse use) {
    CpuWeight& weight = *shared;
    WeightView& view = weight.view;
    weight.format = view.format;
    weight.data = view.bytes.data();
    if (use.multiplied && repacks_ && view.shape.rank == 2) repack(shared, use);
    if (view.file) {
      if (use.multiplied && !weight.panel) will_need(view.bytes);
    } else if (weight.panel && !use.looked_up) {  // memory of its own that nobody reads any more
      view.bytes = {};
      view.keep.reset();
      weight.data = nullptr;
    } else {
      info_.weight_bytes += view.bytes.size();
    }
  }

  void repack(const std::shared_ptr<CpuWeight>& weight, WeightUse use) {
    if (!repacker_) repacker_.emplace(*pool_, RepackBudget(platform::memory().available_bytes, file_bytes_));
    size_t before = repacker_->bytes();
    kernels::Arithmetic arithmetic = arithmetic_of(kernels_, weight->format, float32_);
    if (repacker_->can_put_off(weight->view)) repacker_->put_off(weight, use, arithmetic);
    else repacker_->repack(*weight, use, arithmetic);
    info_.weight_bytes += repacker_->bytes() - before;
    info_.bytes_put_off = repacker_->bytes_put_off();
  }

  const kernels::KernelTable& kernels_;
  bool float32_, repacks_;
  size_t file_bytes_;
  std::optional<Repacker> repacker_;
  std::shared_ptr<ThreadPool> pool_;
  DeviceInfo info_;
};

}  // namespace

std::unique_ptr<Device> make(const DeviceOptions& options) { return std::make_unique<CpuDevice>(options); }

}  // namespace troika::device::cpu
