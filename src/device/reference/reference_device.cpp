#include "device/reference/reference_device.h"

#include "base/error.h"
#include "base/platform.h"
#include "device/host_memory.h"
#include "ops/reference.h"

namespace troika::device::reference {
namespace {

struct FloatWeight : Weight {
  std::vector<float> values;
};

class ReferenceExecutable : public Executable {
 public:
  explicit ReferenceExecutable(const Segment& s)
      : program_(*s.program), begin_(s.begin), end_(s.end), inputs_(*s.inputs), arena_(s.arena),
        weights_(s.weights.begin(), s.weights.end()), caches_(s.caches.begin(), s.caches.end()),
        tensors_(program_.tensors.size()) {
    for (uint32_t id = 0; id < tensors_.size(); ++id) {
      if (program_.tensors[id].role == ops::Role::activation) {
        tensors_[id] = reinterpret_cast<float*>(arena_->host() + s.offsets[id]);
      } else if (auto weight = std::dynamic_pointer_cast<FloatWeight>(weights_[id])) {
        tensors_[id] = weight->values.data();
      }
    }
    for (const Cache& cache : caches_) {
      if (cache.format != Format::f32) fail("the reference device keeps its caches in f32 only; use --kv f32");
      cache_pointers_.push_back({reinterpret_cast<float*>(cache.keys->host()),
                                 reinterpret_cast<float*>(cache.values->host())});
    }
  }

  void submit() override {
    for (size_t i = begin_; i < end_; ++i) {
      ops::run_reference(program_, program_.ops[i], inputs_, {.tensors = tensors_, .caches = cache_pointers_});
    }
  }
  void wait() override {}

 private:
  const ops::Program& program_;
  size_t begin_, end_;
  const ops::StepInputs& inputs_;
  std::shared_ptr<Buffer> arena_;
  std::vector<std::shared_ptr<Weight>> weights_;
  std::vector<Cache> caches_;
  std::vector<float*> tensors_;  // by id
  std::vector<ops::ReferenceCache> cache_pointers_;
};

class ReferenceDevice : public Device {
 public:
  const DeviceInfo& info() const override { return info_; }
  bool supports(const ops::Program&, const ops::Op&) const override { return true; }
  std::shared_ptr<Buffer> allocate(size_t bytes) override { return allocate_host(bytes); }
  std::shared_ptr<Buffer> import(HostRegion region) override { return wrap_host(region); }
  std::shared_ptr<Weight> prepare(const WeightView& view, WeightUse) override {
    auto weight = std::make_shared<FloatWeight>();
    weight->values.resize(static_cast<size_t>(view.shape.values()));
    troika::info(view.format).unpack(view.bytes.data(), weight->values);
    return weight;
  }
  std::unique_ptr<Executable> compile(const Segment& segment) override {
    return std::make_unique<ReferenceExecutable>(segment);
  }

 private:
  DeviceInfo info_{"reference", "every operation in plain double precision, one thread",
                   platform::memory().total_bytes};
};

}  // namespace

std::unique_ptr<Device> make(const DeviceOptions&) { return std::make_unique<ReferenceDevice>(); }

}  // namespace troika::device::reference
