#include "npu/runtime/self_test.h"

#include <algorithm>

#include "npu/gemm/reference.h"
#include "npu/gemm/w4.h"

namespace troika::npu {
namespace {

// Numbers without a pattern that a fault could share: the upper bits of a linear congruence.
class Numbers {
 public:
  uint32_t operator()(uint32_t below) {
    state_ = state_ * 1'664'525 + 1'013'904'223;
    return (state_ >> 16) % below;
  }

 private:
  uint32_t state_ = 1;
};

std::vector<int8_t> int8_numbers(Numbers& next, size_t count) {
  std::vector<int8_t> numbers(count);
  for (int8_t& number : numbers) number = int8_t(int(next(255)) - 127);
  return numbers;
}

W4Matrix w4_numbers(Numbers& next) {
  const size_t values = size_t(kKnownShape.n) * kKnownShape.k, groups = values / kW4Group;
  W4Matrix w{.n = kKnownShape.n, .k = kKnownShape.k};
  w.channel_scale.assign(kKnownShape.n, 1);
  w.group_scale.resize(groups);
  w.zero.resize(groups);
  w.q.resize(values);
  for (int8_t& scale : w.group_scale) scale = int8_t(1 + next(8));  // 15 · 8 stays below 128
  for (uint8_t& zero : w.zero) zero = uint8_t(next(16));
  for (uint8_t& q : w.q) q = uint8_t(next(16));
  return w;
}

}  // namespace

KnownProduct::KnownProduct(const GemmContext& context)
    : product(context, kKnownShape), w_(context.array.allocate(kArgumentW, packed_w_bytes(product.tile, kKnownShape))) {
  Numbers next;
  const std::vector<int8_t> x = int8_numbers(next, size_t(kKnownShape.m) * kKnownShape.k);
  packed_x_ = pack_x(product.tile, kKnownShape, x);
  std::vector<int8_t> w;
  std::vector<std::byte> packed_w;
  if (product.tile.weights == WeightKind::w4) {
    const W4Matrix w4 = w4_numbers(next);
    w = int8_of(w4);
    packed_w = pack_w(product.tile, w4);
  } else {
    w = int8_numbers(next, size_t(kKnownShape.n) * kKnownShape.k);
    packed_w = pack_w(product.tile, kKnownShape, w);
  }
  std::ranges::copy(packed_w, w_.host().begin());
  w_.to_device(0, w_.size());
  answer_ = multiply(kKnownShape, x, w);
}

void KnownProduct::run(std::span<std::byte> x) {
  std::ranges::copy(packed_x_, x.begin());
  product.start(w_);
  product.finish();
  const std::vector<int32_t> sums = unpack_sums(product.tile, kKnownShape, product.y.host());
  const auto [wrong, right] = std::ranges::mismatch(sums, answer_);
  if (wrong == sums.end()) return;
  const auto at = wrong - sums.begin();
  const auto& [m, n, k] = kKnownShape;
  throw WrongAnswer(fmt::format("the self-test is wrong at [{}, {}] of {} x {}: {} in place of {}", at / n, at % n, m, n,
                                *wrong, *right));
}

}  // namespace troika::npu
