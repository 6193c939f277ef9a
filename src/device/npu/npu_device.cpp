#include "device/npu/npu_device.h"

#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/platform.h"
#include "device/host_memory.h"
#include "device/npu/linear.h"

namespace troika::device::npu {
namespace {

// Products that follow each other. One begins when the one before it is done, which it may read, and whose X and Y it shares
// if they are of one shape; the last one runs until wait(), so that other devices work meanwhile.
class Products : public Executable {
 public:
  explicit Products(std::vector<std::unique_ptr<Executable>> all) : all_(std::move(all)) {}
  void submit() override {
    for (const auto& product : all_) {
      wait();
      product->submit();
      running_ = product.get();
    }
  }
  void wait() override {
    if (Executable* product = std::exchange(running_, nullptr)) product->wait();
  }

 private:
  std::vector<std::unique_ptr<Executable>> all_;
  Executable* running_ = nullptr;
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
      info_.weight_bytes += weight->vector.size() * sizeof(float);
      return weight;
    }
    weight->matrix = pack_matrix(*array_, view, use, rounding_);
    if (!weight->matrix) return nullptr;
    log::debug("{}: on the array, {}", view.name, weight->matrix->tile.name);
    info_.weight_bytes += weight->matrix->bytes();
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

size_t most_bytes(ops::OpKind op, Format format, const Shape& weight) {
  if (op != ops::OpKind::linear) return 0;
  return weight.rank == 2 ? most_rounded_bytes(format, weight) : bytes_of(Format::f32, weight);
}

std::unique_ptr<Device> make(const DeviceOptions& options, const Rounding& rounding, troika::npu::ArrayOptions wanted) {
  wanted.weight_bytes = options.weight_bytes;
  return std::make_unique<NpuDevice>(options, rounding, open_products(wanted));
}

}  // namespace troika::device::npu
