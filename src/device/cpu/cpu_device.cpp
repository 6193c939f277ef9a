#include "device/cpu/cpu_device.h"

#include <algorithm>

#include "base/error.h"
#include "base/platform.h"
#include "device/cpu/compiler.h"
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

class CpuDevice : public Device {
 public:
  explicit CpuDevice(const DeviceOptions& options) : float32_(options.float32) {
    int threads = std::clamp(options.threads > 0 ? options.threads : platform::cpu().cores, 1, kMaxThreads);
    pool_ = std::make_shared<ThreadPool>(threads, kernels_.relax);
    info_ = {"cpu", fmt::format("{}, {} threads, {}", platform::cpu().name, threads, kernels_.name),
             platform::memory().total_bytes};
  }

  const DeviceInfo& info() const override { return info_; }
  bool supports(const ops::Program&, const ops::Op&) const override { return true; }
  std::shared_ptr<Buffer> allocate(size_t bytes) override { return allocate_host(bytes); }
  std::shared_ptr<Buffer> import(HostRegion region) override { return wrap_host(region); }

  std::shared_ptr<Weight> prepare(const WeightView& view) override {
    check(view.bytes.size() == bytes_of(view.format, view.shape), "a weight has the bytes of its shape");
    auto weight = std::make_shared<CpuWeight>();
    weight->view = view;
    if (view.shape.rank >= 2) {  // as it lies in the file, whatever the format
      weight->format = view.format;
      weight->data = view.bytes.data();
    } else {
      weight->floats.resize(static_cast<size_t>(view.shape.values()));
      troika::info(view.format).unpack(view.bytes.data(), weight->floats);
      weight->data = reinterpret_cast<const std::byte*>(weight->floats.data());
    }
    return weight;
  }

  std::unique_ptr<Executable> compile(const Segment& segment) override {
    CompileOptions options{.kernels = &kernels_, .threads = pool_->threads(), .float32 = float32_};
    return std::make_unique<CpuExecutable>(cpu::compile(segment, options), pool_);
  }

 private:
  const kernels::KernelTable& kernels_ = kernels::kernel_table();
  bool float32_;
  std::shared_ptr<ThreadPool> pool_;
  DeviceInfo info_;
};

}  // namespace

std::unique_ptr<Device> make(const DeviceOptions& options) { return std::make_unique<CpuDevice>(options); }

}  // namespace troika::device::cpu
