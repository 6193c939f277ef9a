#include "device/npu/npu_device.h"

#include "base/error.h"
#include "base/log.h"
#include "base/platform.h"
#include "device/host_memory.h"
#include "device/npu/linear.h"

namespace troika::device::npu {
namespace {

// Products that follow each other.
class Products : public Executable {
 public:
  explicit Products(std::vector<std::unique_ptr<Executable>> all) : all_(std::move(all)) {}
  void submit() override {
    for (const auto& product : all_) {
      product->submit();
      product->wait();
    }
  }
  void wait() override {}

 private:
  std::vector<std::unique_ptr<Executable>> all_;
};

class NpuDevice : public Device {
 public:
  NpuDevice(const DeviceOptions& options, const Rounding& rounding) : rounding_(rounding) {
    if (options.float32) fail("--device npu multiplies in int8; leave --dtype f32 out, or use --device cpu");
    info_.name = "npu (simulated)";
    info_.description = "NPU (XDNA1), simulated on the CPU";
    info_.memory_bytes = platform::memory().total_bytes;
    info_.is_simulated = true;
    log::warn("--device npu: Troika has no driver for an NPU yet; its array is simulated on the CPU, exactly and very slowly");
  }

  const DeviceInfo& info() const override { return info_; }
  bool supports(const ops::Program& program, const ops::Op& op) const override { return runs_on_array(program, op); }
  std::shared_ptr<Buffer> allocate(size_t bytes) override { return allocate_host(bytes); }
  std::shared_ptr<Buffer> import(HostRegion region) override { return wrap_host(region); }

  // Declines matrices that the array cannot hold, or that it would round too roughly.
  std::shared_ptr<Weight> prepare(const WeightView& view, WeightUse use) override {
    auto weight = std::make_shared<NpuWeight>();
    weight->shape = view.shape;
    if (view.shape.rank == 1) {
      weight->vector.resize(static_cast<size_t>(view.shape.values()));
      troika::info(view.format).unpack(view.bytes.data(), weight->vector);
      return weight;
    }
    weight->matrix = pack_matrix(view, use, rounding_);
    if (!weight->matrix) return nullptr;
    log::debug("{}: on the array, {}", view.name, weight->matrix->tile.name);
    info_.weight_bytes += weight->matrix->packed.size();
    return weight;
  }

  std::unique_ptr<Executable> compile(const Segment& segment) override {
    std::vector<std::unique_ptr<Executable>> products;
    for (size_t i = segment.begin; i < segment.end; ++i) {
      const ops::Op& op = segment.program->ops[i];
      check(runs_on_array(*segment.program, op), "the NPU only multiplies");
      products.push_back(compile_linear(segment, op, array_));
    }
    return std::make_unique<Products>(std::move(products));
  }

 private:
  const Rounding rounding_;
  const std::shared_ptr<SimulatedArray> array_ = std::make_shared<SimulatedArray>();
  DeviceInfo info_;
};

}  // namespace

std::unique_ptr<Device> make(const DeviceOptions& options, const Rounding& rounding) {
  return std::make_unique<NpuDevice>(options, rounding);
}

}  // namespace troika::device::npu
