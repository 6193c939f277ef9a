#include "device/npu/npu_device.h"

#include "base/error.h"
#include "base/log.h"
#include "device/cpu/cpu_device.h"
#include "device/npu/linear.h"

namespace troika::device::npu {
namespace {

// What array and CPU do in turn.
class Turns : public Executable {
 public:
  explicit Turns(std::vector<std::unique_ptr<Executable>> parts) : parts_(std::move(parts)) {}
  void submit() override {
    for (const auto& part : parts_) {
      part->submit();
      part->wait();
    }
  }
  void wait() override {}

 private:
  std::vector<std::unique_ptr<Executable>> parts_;
};

class NpuDevice : public Device {
 public:
  NpuDevice(const DeviceOptions& options, double most_error, std::shared_ptr<ProductArray> array)
      : most_error_(most_error), cpu_(cpu::make(options)), array_(std::move(array)), info_(cpu_->info()) {
    if (options.float32) fail("--device npu multiplies in int8; leave --dtype f32 out, or use --device cpu");
    info_.is_simulated = array_->facts().is_simulated;
    info_.name = info_.is_simulated ? "npu (simulated)" : "npu";
    info_.description = fmt::format("{}: {}", array_->facts().device, cpu_->info().description);
  }

  const DeviceInfo& info() const override { return info_; }
  // Of a fused product it is handed the parts, each of which the array can do.
  bool supports(const ops::Program&, const ops::Op& op) const override { return op.kind != ops::OpKind::linear_gated; }
  std::shared_ptr<Buffer> allocate(size_t bytes) override { return cpu_->allocate(bytes); }
  std::shared_ptr<Buffer> import(HostRegion region) override { return cpu_->import(region); }

  std::shared_ptr<Weight> prepare(const WeightView& view, WeightUse use) override {
    auto weight = std::make_shared<NpuWeight>();
    weight->shape = view.shape;
    weight->matrix = pack_matrix(*array_, view, use, most_error_);
    if (weight->matrix) {
      bool four_bits = weight->matrix->tile.weights == troika::npu::WeightKind::w4;
      log::debug("{}: on the array, {}", view.name, four_bits ? "W4A8" : "W8A8");
      packed_bytes_ += weight->matrix->packed.size();
      use.multiplied = false;  // by the CPU only in part (a slice of a model), read where it lies
    }
    if (view.shape.rank == 1) {
      weight->vector.resize(static_cast<size_t>(view.shape.values()));
      troika::info(view.format).unpack(view.bytes.data(), weight->vector);
    }
    weight->on_cpu = cpu_->prepare(view, use);
    count_bytes();
    return weight;
  }

  bool settle() override {
    bool more = cpu_->settle();
    count_bytes();
    return more;
  }

  std::unique_ptr<Executable> compile(const Segment& segment) override {
    std::vector<std::shared_ptr<Weight>> on_cpu;
    for (const auto& weight : segment.weights) {
      auto ours = std::dynamic_pointer_cast<NpuWeight>(weight);
      on_cpu.push_back(ours ? ours->on_cpu : nullptr);
    }
    Segment rest = segment;  // of the CPU's ops so far
    rest.weights = on_cpu;
    std::vector<std::unique_ptr<Executable>> parts;
    const auto hand_to_cpu = [&](size_t end) {
      rest.end = end;
      if (rest.begin < rest.end) parts.push_back(cpu_->compile(rest));
    };
    for (size_t i = segment.begin; i < segment.end; ++i) {
      const ops::Op& op = segment.program->ops[i];
      if (!runs_on_array(segment, op)) continue;
      hand_to_cpu(i);
      parts.push_back(compile_linear(segment, op, array_));
      rest.begin = i + 1;
    }
    hand_to_cpu(segment.end);
    return std::make_unique<Turns>(std::move(parts));
  }

 private:
  void count_bytes() {
    info_.weight_bytes = cpu_->info().weight_bytes + packed_bytes_;
    info_.bytes_put_off = cpu_->info().bytes_put_off;
  }

  const double most_error_;  // of 4-bit weights
  const std::unique_ptr<Device> cpu_;
  const std::shared_ptr<ProductArray> array_;
  DeviceInfo info_;
  size_t packed_bytes_ = 0;
};

}  // namespace

std::unique_ptr<Device> make(const DeviceOptions& options, double most_error, troika::npu::ArrayOptions wanted) {
  wanted.weight_bytes = options.file_bytes;
  std::shared_ptr<ProductArray> array = open_products(wanted);
  if (!array) return cpu::make(options);
  return std::make_unique<NpuDevice>(options, most_error, std::move(array));
}

}  // namespace troika::device::npu
