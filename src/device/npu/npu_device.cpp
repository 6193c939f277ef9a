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
  NpuDevice(const DeviceOptions& options, const Rounding& rounding, std::shared_ptr<ProductArray> array)
      : rounding_(rounding), array_(std::move(array)) {
    if (options.float32) fail("--device npu multiplies in int8; leave --dtype f32 out, or use --device cpu");
    info_.is_simulated = array_->facts().is_simulated;
    info_.name = info_.is_simulated ? "npu (simulated)" : "npu";
    info_.description = array_->facts().device;
    info_.memory_bytes = platform::memory().total_bytes;
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
    weight->matrix = pack_matrix(*array_, view, use, rounding_);
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
  const std::shared_ptr<ProductArray> array_;
  DeviceInfo info_;
};

}  // namespace

std::unique_ptr<Device> make(const DeviceOptions& options, const Rounding& rounding, troika::npu::ArrayOptions wanted) {
  wanted.weight_bytes = options.file_bytes;
  return std::make_unique<NpuDevice>(options, rounding, open_products(wanted));
}

}  // namespace troika::device::npu
