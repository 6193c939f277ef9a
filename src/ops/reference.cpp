#include "ops/reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <vector>

#include "base/error.h"

namespace troika::ops {
namespace {

struct Run {
  const Program& program;
  const Op& op;
  const StepInputs& inputs;
  const ReferenceStorage& storage;

  const TensorInfo& in_info(int i) const { return program[op.in[i]]; }
  const float* in(int i) const { return storage.tensors[op.in[i].id]; }
  float* out(int i = 0) const { return storage.tensors[op.out[i].id]; }
  int rows() const { return live_rows(op.out.empty() ? in_info(0) : program[op.out[0]], inputs); }
  int columns(int i = 0) const { return program[op.out[i]].shape.columns(); }

  template <typename F>
  void each(F&& f) const {  // out[i] = f(i) over all live values
    size_t n = size_t(rows()) * columns();
    for (size_t i = 0; i < n; ++i) out()[i] = static_cast<float>(f(i));
  }
};

double dot(const float* a, const float* b, int n) {
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += double(a[i]) * b[i];
  return sum;
}

void embed(const Run& r) {
  size_t width = r.columns();
  for (int t = 0; t < r.rows(); ++t) {
    std::memcpy(r.out() + t * width, r.in(0) + r.inputs.token_ids[t] * width, width * sizeof(float));
  }
}

// out[n, columns] = x · weightᵀ (+ bias)
void linear(const Run& r, const float* weight, const float* bias, float* out, int columns) {
  size_t depth = r.in_info(0).shape.columns();
  for (int t = 0; t < r.rows(); ++t) {
    for (int o = 0; o < columns; ++o) {
      double sum = dot(r.in(0) + t * depth, weight + o * depth, int(depth));
      out[size_t(t) * columns + o] = static_cast<float>(sum + (bias ? bias[o] : 0.0));
    }
  }
}

void rms_norm(const float* x, const float* weight, int columns, int rows, float epsilon, float* out) {
  for (int t = 0; t < rows; ++t, x += columns, out += columns) {
    double inverse = 1 / std::sqrt(dot(x, x, columns) / columns + epsilon);
    for (int i = 0; i < columns; ++i) out[i] = static_cast<float>(x[i] * inverse * weight[i]);
  }
}

void layer_norm(const Run& r) {
  int n = r.columns();
  for (int t = 0; t < r.rows(); ++t) {
    const float* x = r.in(0) + size_t(t) * n;
    double mean = 0, variance = 0;
    for (int i = 0; i < n; ++i) mean += x[i];
    mean /= n;
    for (int i = 0; i < n; ++i) variance += (x[i] - mean) * (x[i] - mean);
    double inverse = 1 / std::sqrt(variance / n + r.op.as<NormParams>().epsilon);
    for (int i = 0; i < n; ++i) {
      r.out()[size_t(t) * n + i] = static_cast<float>((x[i] - mean) * inverse * r.in(1)[i] + r.in(2)[i]);
    }
  }
}

void rope(const Run& r) {
  const auto& p = r.op.as<RopeParams>();
  int half = p.head_dim / 2;
  for (int t = 0; t < r.rows(); ++t) {
    for (int i = 0; i < half; ++i) {
      // The angle is rounded to float32 as in the models' training code; the rest is exact.
      float angle = float(r.inputs.positions[t]) * p.table->inverse_frequency[i];
      double c = std::cos(double(angle)) * p.table->amplitude, s = std::sin(double(angle)) * p.table->amplitude;
      for (int h = 0; h < p.heads; ++h) {
        size_t at = (size_t(t) * p.heads + h) * p.head_dim + i;
        double a = r.in(0)[at], b = r.in(0)[at + half];
        r.out()[at] = static_cast<float>(a * c - b * s);
        r.out()[at + half] = static_cast<float>(b * c + a * s);
      }
    }
  }
}

// Offset of one head's vector at a position: caches are [pages, G, P, D].
size_t cache_offset(const CacheInfo& c, const int32_t* pages, int position, int kv_head) {
  size_t page = pages[position / kPageTokens];
  return ((page * c.kv_heads + kv_head) * kPageTokens + position % kPageTokens) * c.head_dim;
}

void kv_write(const Run& r) {
  int number = r.op.as<KvParams>().cache;
  const CacheInfo& c = r.program.caches[number];
  const ReferenceCache& cache = r.storage.caches[number];
  for (int t = 0; t < r.rows(); ++t) {
    for (int g = 0; g < c.kv_heads; ++g) {
      size_t to = cache_offset(c, r.inputs.pages(t), r.inputs.positions[t], g);
      size_t from = (size_t(t) * c.kv_heads + g) * c.head_dim;
      std::memcpy(cache.keys + to, r.in(0) + from, c.head_dim * sizeof(float));
      std::memcpy(cache.values + to, r.in(1) + from, c.head_dim * sizeof(float));
    }
  }
}

void attend(const Run& r) {
  const auto& p = r.op.as<AttendParams>();
  const CacheInfo& c = r.program.caches[p.cache];
  const ReferenceCache& cache = r.storage.caches[p.cache];
  for (int t = 0; t < r.rows(); ++t) {
    int last = r.inputs.positions[t];
    int first = p.window > 0 ? std::max(0, last - p.window + 1) : 0;
    const int32_t* pages = r.inputs.pages(t);
    for (int h = 0; h < p.heads; ++h) {
      int g = h / (p.heads / c.kv_heads);
      const float* q = r.in(0) + (size_t(t) * p.heads + h) * c.head_dim;
      std::vector<double> weight(last - first + 1);
      double largest = -INFINITY, sum = 0;
      for (int j = first; j <= last; ++j) {
        double score = p.scale * dot(q, cache.keys + cache_offset(c, pages, j, g), c.head_dim);
        if (p.softcap > 0) score = p.softcap * std::tanh(score / p.softcap);
        weight[j - first] = score;
        largest = std::max(largest, score);
      }
      for (double& w : weight) sum += w = std::exp(w - largest);
      for (int d = 0; d < c.head_dim; ++d) {
        double value = 0;
        for (int j = first; j <= last; ++j) {
          value += weight[j - first] * cache.values[cache_offset(c, pages, j, g) + d];
        }
        r.out()[(size_t(t) * p.heads + h) * c.head_dim + d] = static_cast<float>(value / sum);
      }
    }
  }
}

void pick_rows(const Run& r) {
  size_t width = r.columns();
  for (int o = 0; o < r.rows(); ++o) {
    std::memcpy(r.out() + o * width, r.in(0) + r.inputs.output_rows[o] * width, width * sizeof(float));
  }
}

void concat(const Run& r) {
  size_t a = r.in_info(0).shape.columns(), b = r.in_info(1).shape.columns();
  for (int t = 0; t < r.rows(); ++t) {
    std::memcpy(r.out() + t * (a + b), r.in(0) + t * a, a * sizeof(float));
    std::memcpy(r.out() + t * (a + b) + a, r.in(1) + t * b, b * sizeof(float));
  }
}

void slice(const Run& r) {
  size_t from = r.in_info(0).shape.columns(), to = r.columns();
  for (int t = 0; t < r.rows(); ++t) {
    std::memcpy(r.out() + t * to, r.in(0) + t * from + r.op.as<SliceParams>().first, to * sizeof(float));
  }
}

void add_norm(const Run& r) {
  r.each([&](size_t i) { return double(r.in(0)[i]) + r.in(1)[i]; });
  rms_norm(r.out(0), r.in(2), r.columns(), r.rows(), r.op.as<NormParams>().epsilon, r.out(1));
}

void linear_gated(const Run& r) {
  int columns = r.columns();
  std::vector<float> gate(size_t(r.rows()) * columns), up(gate.size());
  linear(r, r.in(1), nullptr, gate.data(), columns);
  linear(r, r.in(2), nullptr, up.data(), columns);
  r.each([&](size_t i) { return activate(r.op.as<ActParams>().act, gate[i]) * up[i]; });
}

}  // namespace

double activate(Activation act, double x) {
  switch (act) {
    case Activation::silu: return x / (1 + std::exp(-x));
    case Activation::gelu_tanh: {
      double inner = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
      return 0.5 * x * (1 + std::tanh(inner));
    }
    case Activation::gelu_erf: return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2));
    case Activation::relu: return std::max(x, 0.0);
  }
  return x;
}

int live_rows(const TensorInfo& tensor, const StepInputs& inputs) {
  switch (tensor.extent) {
    case Extent::fixed: return static_cast<int>(tensor.shape.rows());
    case Extent::tokens: return inputs.tokens;
    case Extent::outputs: return inputs.outputs;
  }
  return 0;
}

void run_reference(const Program& program, const Op& op, const StepInputs& inputs,
                   const ReferenceStorage& storage) {
  Run r{program, op, inputs, storage};
  switch (op.kind) {
    case OpKind::embed: return embed(r);
    case OpKind::linear: return linear(r, r.in(1), op.in.size() > 2 ? r.in(2) : nullptr, r.out(), r.columns());
    case OpKind::rms_norm:
      return rms_norm(r.in(0), r.in(1), r.columns(), r.rows(), op.as<NormParams>().epsilon, r.out());
    case OpKind::layer_norm: return layer_norm(r);
    case OpKind::add: return r.each([&](size_t i) { return double(r.in(0)[i]) + r.in(1)[i]; });
    case OpKind::mul: return r.each([&](size_t i) { return double(r.in(0)[i]) * r.in(1)[i]; });
    case OpKind::scale: return r.each([&](size_t i) { return double(r.in(0)[i]) * op.as<ScaleParams>().factor; });
    case OpKind::gated:
      return r.each([&](size_t i) { return activate(op.as<ActParams>().act, r.in(0)[i]) * r.in(1)[i]; });
    case OpKind::act: return r.each([&](size_t i) { return activate(op.as<ActParams>().act, r.in(0)[i]); });
    case OpKind::softcap: {
      double cap = op.as<SoftcapParams>().cap;
      return r.each([&](size_t i) { return cap * std::tanh(r.in(0)[i] / cap); });
    }
    case OpKind::rope: return rope(r);
    case OpKind::kv_write: return kv_write(r);
    case OpKind::attend: return attend(r);
    case OpKind::pick_rows: return pick_rows(r);
    case OpKind::concat: return concat(r);
    case OpKind::slice: return slice(r);
    case OpKind::add_norm: return add_norm(r);
    case OpKind::linear_gated: return linear_gated(r);
  }
}

}  // namespace troika::ops
