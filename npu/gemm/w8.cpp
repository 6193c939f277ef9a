#include "npu/gemm/w8.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace troika::npu {

W8Matrix quantise_w8(std::span<const float> weights, int n, int k) {
  check(weights.size() == size_t(n) * k, "size of the weights");
  W8Matrix w{n, k, std::vector<float>(n), std::vector<int8_t>(weights.size())};
  for (int row = 0; row < n; ++row) {
    std::span<const float> values = weights.subspan(size_t(row) * k, k);
    float largest = 0;
    for (float v : values) largest = std::max(largest, std::fabs(v));
    w.channel_scale[row] = largest / 127;
    float inverse = largest > 0 ? 127 / largest : 0;
    for (int i = 0; i < k; ++i)
      w.values[size_t(row) * k + i] = int8_t(std::clamp(std::round(values[i] * inverse), -127.0f, 127.0f));
  }
  return w;
}

}  // namespace troika::npu
