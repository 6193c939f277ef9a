#include "device/npu/linear.h"

#include <algorithm>
#include <utility>

#include "npu/gemm/rows.h"
#include "ops/reference.h"

namespace troika::device::npu {
namespace {

std::shared_ptr<NpuWeight> weight_of(const Segment& segment, ops::Tensor t) {
  auto weight = std::dynamic_pointer_cast<NpuWeight>(segment.weights[t.id]);
  check(weight != nullptr, "the NPU prepared the weight");
  return weight;
}

class Linear : public Executable {
 public:
  Linear(const Segment& segment, const ops::Op& op, const std::shared_ptr<ProductArray>& array)
      : inputs_(*segment.inputs), in_((*segment.program)[op.in[0]]), array_(array), arena_(segment.arena),
        x_(data(segment, op.in[0])), y_(data(segment, op.out[0])), columns_((*segment.program)[op.out[0]].shape.columns()),
        weight_(weight_of(segment, op.in[1])), bias_(op.in.size() > 2 ? weight_of(segment, op.in[2]) : nullptr),
        scales_(static_cast<size_t>(in_.shape.rows())) {
    const ArrayMatrix& w = *weight_->matrix;
    int rows = static_cast<int>(in_.shape.rows());
    const GemmTile& few = for_rows(w.tile, rows);
    const GemmTile& tile = array->has(few) ? few : w.tile;
    int block = tile.block_m();
    product_ = array->product(tile, {(rows + block - 1) / block * block, w.n, w.k});
    if (!product_) product_ = w.shared.block;
  }

  void submit() override {
    const size_t rows = static_cast<size_t>(ops::live_rows(in_, inputs_)), most = static_cast<size_t>(product_->shape.m);
    for (size_t first = 0; first < rows; first += most) {
      wait();
      start({first, std::min(most, rows - first)});
    }
  }

  void wait() override {
    if (running_.count == 0) return;
    const Rows rows = std::exchange(running_, {});
    array_->finish(*product_);
    scale_sums(product_->tile, product_->shape, product_->y.host(), std::span(scales_).first(rows.count),
               weight_->matrix->channel_scale, bias_ ? std::span<const float>(bias_->vector) : std::span<const float>{},
               columns_, {y_ + rows.first * columns_, rows.count * columns_});
  }

 private:
  struct Rows {
    size_t first = 0, count = 0;
  };

  void start(Rows rows) {
    const size_t depth = static_cast<size_t>(in_.shape.columns());
    round_rows(product_->tile, product_->shape, {x_ + rows.first * depth, rows.count * depth}, in_.shape.columns(),
               weight_->matrix->most_x, product_->x.host(), std::span(scales_).first(rows.count));
    array_->start(*product_, weight_->matrix->shared.w);
    running_ = rows;
  }

  static float* data(const Segment& segment, ops::Tensor t) {
    return reinterpret_cast<float*>(segment.arena->host() + segment.offsets[t.id]);
  }

  const ops::StepInputs& inputs_;
  const ops::TensorInfo& in_;
  const std::shared_ptr<ProductArray> array_;
  const std::shared_ptr<Buffer> arena_;
  const float* x_;  // [rows, K]
  float* y_;        // [rows, N]
  const int columns_;
  const std::shared_ptr<NpuWeight> weight_, bias_;
  Product* product_;           // of all rows or, where the array has no room for that, of a block of them at a time
  std::vector<float> scales_;  // of the rows that run
  Rows running_;
};

}  // namespace

bool runs_on_array(const ops::Program& program, const ops::Op& op) {
  if (op.kind != ops::OpKind::linear) return false;
  const Shape& weight = program[op.in[1]].shape;
  return program[op.out[0]].shape.columns() == weight[0] && program[op.in[0]].shape.columns() == weight[1];
}

std::unique_ptr<Executable> compile_linear(const Segment& segment, const ops::Op& op,
                                           const std::shared_ptr<ProductArray>& array) {
  return std::make_unique<Linear>(segment, op, array);
}

}  // namespace troika::device::npu
