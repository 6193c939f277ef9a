#include "npu/gemm/w8.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/error.h"
#include "npu/gemm/magnitude.h"

namespace troika::npu {

W8Matrix quantise_w8(std::span<const float> weights, int n, int k) {
  check(weights.size() == size_t(n) * k, "size of the weights");
  W8Matrix w{n, k, std::vector<float>(n), std::vector<int8_t>(weights.size())};
  for (int row = 0; row < n; ++row) {
    std::span<const float> values = weights.subspan(size_t(row) * k, k);
    const float largest = largest_magnitude(values);
    if (std::isnan(largest)) fail("Output channel {} has a weight that is no number; its file is damaged.", row);
    w.channel_scale[row] = largest / 127;
    const float inverse = largest > 0 ? 127 / largest : 0;
    for (int i = 0; i < k; ++i)
      w.values[size_t(row) * k + i] = int8_t(std::clamp(std::round(values[i] * inverse), -127.0f, 127.0f));
  }
  return w;
}

int most_x16(const W8Matrix& w) {
  int64_t largest = 1;
  for (int n = 0; n < w.n; ++n) {
    int64_t sum = 0;
    for (int k = 0; k < w.k; ++k) sum += std::abs(w.values[size_t(n) * w.k + k]);
    largest = std::max(largest, sum);
  }
  return int(std::min<int64_t>(std::numeric_limits<int16_t>::max(), std::numeric_limits<int32_t>::max() / largest));
}

}  // namespace troika::npu
