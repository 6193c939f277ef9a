// The arithmetic of --device npu, plainly: rows and sums by their definition, row-major and one op at a time, with no array, no
// packing and no streams. Which numbers a weight becomes is the device's own choice (rounding.h).
#pragma once

#include <cmath>

#include "base/error.h"
#include "device/host_memory.h"
#include "device/npu/rounding.h"
#include "ops/reference.h"

namespace troika::device {

struct PlainNpuWeight : Weight {
  Shape shape;
  std::vector<float> floats;  // of a vector
  int depth = 0;              // of a row of values, padding included
  int most_x = 0;             // the largest value of a row of x
  std::vector<int8_t> values;
  std::vector<float> channel_scale;
};

// y = x · weightᵀ + bias for the live rows.
class PlainNpuLinear : public Executable {
 public:
  PlainNpuLinear(const Segment& s, const ops::Op& op)
      : inputs_(*s.inputs), in_((*s.program)[op.in[0]]), x_(data(s, op.in[0])), y_(data(s, op.out[0])),
        weight_(std::dynamic_pointer_cast<PlainNpuWeight>(s.weights[op.in[1].id])),
        bias_(op.in.size() > 2 ? std::dynamic_pointer_cast<PlainNpuWeight>(s.weights[op.in[2].id]) : nullptr) {}
  void submit() override {
    for (int row = 0; row < ops::live_rows(in_, inputs_); ++row) multiply(row);
  }
  void wait() override {}

 private:
  static float* data(const Segment& s, ops::Tensor t) {
    return reinterpret_cast<float*>(s.arena->host() + s.offsets[t.id]);
  }
  void multiply(int row) {
    const int columns = in_.shape.columns();
    const float* x = x_ + size_t(row) * columns;
    float largest = 0;
    for (int k = 0; k < columns; ++k) largest = std::max(largest, std::fabs(x[k]));
    std::vector<int32_t> q(columns);
    const float most = float(weight_->most_x);
    for (int k = 0; k < columns; ++k) q[k] = int32_t(std::lrint(largest > 0 ? x[k] * (most / largest) : 0.0f));
    for (int n = 0; n < weight_->shape[0]; ++n) {
      int32_t sum = 0;
      for (int k = 0; k < columns; ++k) sum += q[k] * weight_->values[size_t(n) * weight_->depth + k];
      float y = float(sum) * (largest / most * weight_->channel_scale[n]);
      y_[size_t(row) * weight_->shape[0] + n] = bias_ ? y + bias_->floats[n] : y;
    }
  }

  const ops::StepInputs& inputs_;
  const ops::TensorInfo& in_;
  const float* x_;
  float* y_;
  std::shared_ptr<PlainNpuWeight> weight_, bias_;
};

class OneByOne : public Executable {
 public:
  std::vector<std::unique_ptr<Executable>> ops;
  void submit() override {
    for (auto& op : ops) {
      op->submit();
      op->wait();
    }
  }
  void wait() override {}
};

class PlainNpu : public Device {
 public:
  explicit PlainNpu(const npu::Rounding& rounding = {}) : rounding_(rounding) {}
  const DeviceInfo& info() const override { return info_; }
  bool supports(const ops::Program& program, const ops::Op& op) const override {
    if (op.kind != ops::OpKind::linear) return false;
    const Shape& whole = program[op.in[1]].shape;
    return program[op.out[0]].shape.columns() == whole[0] && program[op.in[0]].shape.columns() == whole[1];
  }
  std::shared_ptr<Buffer> allocate(size_t bytes) override { return allocate_host(bytes); }
  std::shared_ptr<Buffer> import(HostRegion region) override { return wrap_host(region); }

  std::shared_ptr<Weight> prepare(const WeightView& view, WeightUse use) override {
    auto weight = std::make_shared<PlainNpuWeight>();
    weight->shape = view.shape;
    if (view.shape.rank == 1) {
      weight->floats.resize(size_t(view.shape.values()));
      troika::info(view.format).unpack(view.bytes.data(), weight->floats);
      return weight;
    }
    auto rounded = npu::round_matrix(view, use, rounding_);
    if (!rounded) return nullptr;
    weight->most_x = rounded->most_x;
    if (const auto* w4 = std::get_if<troika::npu::W4Matrix>(&rounded->values)) {
      weight->values = int8_of(*w4);
    } else {
      weight->values = std::get<troika::npu::W8Matrix>(rounded->values).values;
    }
    std::visit([&](const auto& w) { weight->depth = w.k, weight->channel_scale = w.channel_scale; }, rounded->values);
    return weight;
  }

  std::unique_ptr<Executable> compile(const Segment& segment) override {
    auto all = std::make_unique<OneByOne>();
    for (size_t i = segment.begin; i < segment.end; ++i) {
      all->ops.push_back(std::make_unique<PlainNpuLinear>(segment, segment.program->ops[i]));
    }
    return all;
  }

 private:
  const npu::Rounding rounding_;
  DeviceInfo info_{.name = "plain npu", .description = "the NPU's arithmetic, plainly"};
};

}  // namespace troika::device
