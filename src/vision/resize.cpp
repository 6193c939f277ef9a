// The order of the floating-point operations in the weights is the reference's: a weight that falls on the
// other side of a half becomes another whole number, and some pixel another value.
#include "vision/resize.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/error.h"

namespace troika::vision {
namespace {

// ---- The filters

double triangle(double x) {
  x = std::abs(x);
  return x < 1 ? 1 - x : 0;
}

double cubic(double x, double a) {
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

// The value of a filter at x, and how far it reaches to either side.
struct Kernel {
  Filter filter;
  double a;

  double operator()(double x) const { return filter == Filter::bilinear ? triangle(x) : cubic(x, a); }
  int reach() const { return filter == Filter::bilinear ? 1 : 2; }
};

// ---- What one axis computes: out[i] = (sum over k < count[i] of weight[i, k] · in[first[i] + k]) >> bits,
// rounded

struct Axis {
  Axis(int outputs, int taps)
      : taps(taps),
        first(static_cast<size_t>(outputs)),
        count(first.size()),
        exact(first.size() * static_cast<size_t>(taps)) {}

  int taps;  // the most that an output has
  std::vector<int> first, count;
  std::vector<double> exact;    // [outputs, taps]
  double largest = 0;           // of the exact weights, and where taps are folded also of their partial sums
  std::vector<int32_t> weight;  // [outputs, taps]: exact · 2^bits, rounded
  int bits = 0;

  double* exact_row(size_t i) { return exact.data() + i * static_cast<size_t>(taps); }
  const int32_t* row(size_t i) const { return weight.data() + i * static_cast<size_t>(taps); }
};

Axis antialiased(int inputs, int outputs, const Kernel& kernel) {
  const double scale = static_cast<double>(inputs) / outputs;
  const double reach = scale >= 1 ? kernel.reach() * scale : kernel.reach();
  const double narrow = scale >= 1 ? 1 / scale : 1;
  Axis axis(outputs, static_cast<int>(std::ceil(reach)) * 2 + 1);
  for (size_t i = 0; i < axis.first.size(); ++i) {
    const double center = scale * (static_cast<double>(i) + 0.5);
    const int64_t first = std::max<int64_t>(static_cast<int64_t>(center - reach + 0.5), 0);
    const int64_t end = std::min<int64_t>(static_cast<int64_t>(center + reach + 0.5), inputs);
    const int count = static_cast<int>(std::clamp<int64_t>(end - first, 0, axis.taps));
    axis.first[i] = static_cast<int>(first);
    axis.count[i] = count;
    double* weights = axis.exact_row(i);
    double sum = 0;
    for (int k = 0; k < count; ++k) {
      weights[k] = kernel((static_cast<double>(k + first) - center + 0.5) * narrow);
      sum += weights[k];
    }
    for (int k = 0; k < count && sum != 0; ++k) {
      weights[k] /= sum;
      axis.largest = std::max(axis.largest, weights[k]);
    }
  }
  return axis;
}

Axis interpolated(int inputs, int outputs, const Kernel& kernel) {
  const double scale = static_cast<double>(inputs) / outputs;
  const int reach = kernel.reach();
  Axis axis(outputs, 2 * reach);
  for (size_t i = 0; i < axis.first.size(); ++i) {
    double place = scale * (static_cast<double>(i) + 0.5) - 0.5;
    if (kernel.filter == Filter::bilinear) place = std::max(place, 0.0);
    const int below = std::min(static_cast<int>(std::floor(place)), inputs - 1);
    const double fraction = std::clamp(place - below, 0.0, 1.0);
    const int unbound = below - reach + 1;  // of the first tap; it and the last may lie outside
    axis.first[i] = std::max(unbound, 0);
    axis.count[i] = std::clamp(std::min(below + reach + 1, inputs) - axis.first[i], 0, axis.taps);
    double* weights = axis.exact_row(i);
    for (int k = 0; k < axis.taps; ++k) {
      double& weight = weights[std::clamp(unbound + k, 0, inputs - 1) - axis.first[i]];
      weight += kernel(static_cast<double>(k + 1 - reach) - fraction);
      axis.largest = std::max(axis.largest, weight);
    }
  }
  return axis;
}

// As many bits as leave the largest weight below 2^15, at most 22.
int fractional_bits(double largest) {
  int bits = 0;
  while (bits < 22 && static_cast<int>(0.5 + largest * (1 << (bits + 1))) < (1 << 15)) ++bits;
  return bits;
}

Axis make_axis(int inputs, int outputs, const ResizeOptions& options) {
  const Kernel kernel{options.filter, options.antialias ? -0.5 : -0.75};
  Axis axis =
      options.antialias ? antialiased(inputs, outputs, kernel) : interpolated(inputs, outputs, kernel);
  axis.bits = fractional_bits(axis.largest);
  axis.weight.reserve(axis.exact.size());
  for (const double exact : axis.exact) {
    const double scaled = exact * (1 << axis.bits);
    axis.weight.push_back(static_cast<int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5));
  }
  return axis;
}

// ---- The two passes

uint8_t to_byte(int32_t sum, int bits) { return static_cast<uint8_t>(std::clamp(sum >> bits, 0, 255)); }

Picture along_x(const Picture& in, int width, const ResizeOptions& options) {
  const Axis axis = make_axis(in.width, width, options);
  const int32_t half = 1 << (axis.bits - 1);
  Picture out(width, in.height);
  for (int y = 0; y < in.height; ++y) {
    uint8_t* to = out.row(y);
    for (size_t x = 0; x < axis.first.size(); ++x, to += 3) {
      const uint8_t* from = in.row(y) + 3 * axis.first[x];
      const int32_t* weight = axis.row(x);
      int32_t r = half, g = half, b = half;
      for (int k = 0; k < axis.count[x]; ++k, from += 3) {
        r += weight[k] * from[0];
        g += weight[k] * from[1];
        b += weight[k] * from[2];
      }
      to[0] = to_byte(r, axis.bits);
      to[1] = to_byte(g, axis.bits);
      to[2] = to_byte(b, axis.bits);
    }
  }
  return out;
}

Picture along_y(const Picture& in, int height, const ResizeOptions& options) {
  const Axis axis = make_axis(in.height, height, options);
  const size_t values = size_t{3} * static_cast<size_t>(in.width);
  Picture out(in.width, height);
  std::vector<int32_t> sum(values);
  for (int y = 0; y < height; ++y) {
    const auto row = static_cast<size_t>(y);
    std::ranges::fill(sum, 1 << (axis.bits - 1));
    for (int k = 0; k < axis.count[row]; ++k) {
      const uint8_t* from = in.row(axis.first[row] + k);
      const int32_t weight = axis.row(row)[k];
      for (size_t i = 0; i < values; ++i) sum[i] += weight * from[i];
    }
    uint8_t* to = out.row(y);
    for (size_t i = 0; i < values; ++i) to[i] = to_byte(sum[i], axis.bits);
  }
  return out;
}

}  // namespace

Picture resize(const Picture& picture, int width, int height, const ResizeOptions& options) {
  check(picture.width > 0 && picture.height > 0 && width > 0 && height > 0, "sizes to resize from and to");
  if (width == picture.width && height == picture.height) return picture;
  if (width == picture.width) return along_y(picture, height, options);
  Picture wide = along_x(picture, width, options);
  return height == picture.height ? wide : along_y(wide, height, options);
}

}  // namespace troika::vision
