#include "ops/reference.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <numbers>
#include <numeric>
#include <utility>
#include <vector>

#include "base/error.h"
#include "tensor/rotation.h"

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
    int32_t id = r.inputs.token_ids[t];
    size_t row = id < r.in_info(0).shape[0] ? size_t(id) : 0;
    std::memcpy(r.out() + t * width, r.in(0) + row * width, width * sizeof(float));
  }
}

void features(const Run& r) {
  std::memcpy(r.out(), r.inputs.features.data(), size_t(r.rows()) * r.columns() * sizeof(float));
}

void insert_features(const Run& r) {
  size_t width = r.columns();
  for (int t = 0; t < r.rows(); ++t) {
    int32_t row = r.inputs.feature_rows[t];
    const float* from = row >= 0 ? r.inputs.features.data() + row * width : r.in(0) + t * width;
    std::memcpy(r.out() + t * width, from, width * sizeof(float));
  }
}

// Row o of x · weightᵀ for token t; `input` is the weight's place among the op's inputs, which may be larger than used.
double product(const Run& r, int input, int t, size_t row) {
  size_t depth = r.in_info(0).shape.columns(), stride = r.in_info(input).shape.columns();
  return dot(r.in(0) + t * depth, r.in(input) + row * stride, int(depth));
}

void linear(const Run& r) {
  int columns = r.columns(), first = r.op.as<LinearParams>().first;
  const float* bias = r.op.in.size() > 2 ? r.in(2) : nullptr;
  for (int t = 0; t < r.rows(); ++t) {
    for (int o = 0; o < columns; ++o) {
      r.out()[size_t(t) * columns + o] = static_cast<float>(product(r, 1, t, first + o) + (bias ? bias[o] : 0.0));
    }
  }
}

void linear_where(const Run& r) {
  int columns = r.columns(), first = r.op.as<LinearParams>().first;
  for (int t = 0; t < r.rows(); ++t) {
    for (int o = 0; o < columns; ++o) {
      size_t at = size_t(t) * columns + o;
      r.out()[at] = r.in(2)[at] != 0 ? static_cast<float>(product(r, 1, t, first + o)) : 0;
    }
  }
}

// Without a weight: as if it were all ones.
void rms_norm(const float* x, const float* weight, int columns, int rows, float epsilon, float* out) {
  for (int t = 0; t < rows; ++t, x += columns, out += columns) {
    double inverse = 1 / std::sqrt(dot(x, x, columns) / columns + epsilon);
    for (int i = 0; i < columns; ++i) out[i] = static_cast<float>(x[i] * inverse * (weight ? weight[i] : 1));
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
      int position = r.inputs.rope_positions[p.table->axis_of(i)][t];
      float angle = float(position) * p.table->inverse_frequency[i];
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

// Where value d of one head's vector at a position lies: keys are [pages, G, D, P], values [pages, G, P, D].
size_t page_offset(const CacheInfo& c, const int32_t* pages, int position, int kv_head) {
  return (size_t(pages[position / kPageTokens]) * c.kv_heads + kv_head) * kPageTokens * c.head_dim;
}
size_t key_offset(const CacheInfo& c, const int32_t* pages, int position, int kv_head, int d) {
  return page_offset(c, pages, position, kv_head) + size_t(d) * kPageTokens + position % kPageTokens;
}
size_t value_offset(const CacheInfo& c, const int32_t* pages, int position, int kv_head, int d) {
  return page_offset(c, pages, position, kv_head) + size_t(position % kPageTokens) * c.head_dim + d;
}

// A head as a cache keeps it.
std::vector<float> kept(std::span<const float> head, Format format) {
  std::vector<float> x = rotated(head, rotation(format, static_cast<int>(head.size())));
  std::vector<std::byte> bytes(row_bytes(format, static_cast<int64_t>(x.size())));
  info(format).pack(x, {}, bytes.data());
  info(format).unpack(bytes.data(), x);
  return x;
}

void kv_write(const Run& r) {
  int number = r.op.as<KvParams>().cache;
  const CacheInfo& c = r.program.caches[number];
  const ReferenceCache& cache = r.storage.caches[number];
  for (int t = 0; t < r.rows(); ++t) {
    for (int g = 0; g < c.kv_heads; ++g) {
      const int32_t* pages = r.inputs.pages(t, c.group);
      size_t from = (size_t(t) * c.kv_heads + g) * c.head_dim, dim = size_t(c.head_dim);
      std::vector<float> key = kept({r.in(0) + from, dim}, cache.format);
      std::vector<float> value = kept({r.in(1) + from, dim}, cache.format);
      for (int d = 0; d < c.head_dim; ++d) {
        cache.keys[key_offset(c, pages, r.inputs.positions[t], g, d)] = key[d];
        cache.values[value_offset(c, pages, r.inputs.positions[t], g, d)] = value[d];
      }
    }
  }
}

void attend(const Run& r) {
  const auto& p = r.op.as<AttendParams>();
  const CacheInfo& c = r.program.caches[p.cache];
  const ReferenceCache& cache = r.storage.caches[p.cache];
  int together = rotation(cache.format, c.head_dim);
  for (int t = 0; t < r.rows(); ++t) {
    // The token's own past, a window of it perhaps, and all of the run it lies in.
    int first = p.window > 0 ? std::max(0, r.inputs.positions[t] - p.window + 1) : 0;
    first = std::min(first, r.inputs.run_first[t]);
    int last = r.inputs.run_last[t];
    const int32_t* pages = r.inputs.pages(t, c.group);
    for (int h = 0; h < p.heads; ++h) {
      int g = h / (p.heads / c.kv_heads);
      size_t at = (size_t(t) * p.heads + h) * c.head_dim;
      std::vector<float> q = rotated({r.in(0) + at, size_t(c.head_dim)}, together), out(c.head_dim);
      std::vector<double> weight(last - first + 1);
      double largest = -INFINITY, sum = 0;
      for (int j = first; j <= last; ++j) {
        double score = 0;
        for (int d = 0; d < c.head_dim; ++d) score += double(q[d]) * cache.keys[key_offset(c, pages, j, g, d)];
        score *= p.scale;
        if (p.softcap > 0) score = p.softcap * std::tanh(score / p.softcap);
        weight[j - first] = score;
        largest = std::max(largest, score);
      }
      for (double& w : weight) sum += w = std::exp(w - largest);
      for (int d = 0; d < c.head_dim; ++d) {
        double value = 0;
        for (int j = first; j <= last; ++j) {
          value += weight[j - first] * cache.values[value_offset(c, pages, j, g, d)];
        }
        out[d] = static_cast<float>(value / sum);
      }
      out = rotated(out, together);
      std::copy(out.begin(), out.end(), r.out() + at);
    }
  }
}

void attend_spans(const Run& r) {
  const auto& p = r.op.as<SpanParams>();
  const StepInputs::Spans& spans = r.inputs.spans[size_t(p.kind)];
  int dim = r.columns() / p.heads;
  for (int t = 0; t < r.rows(); ++t) {
    for (int h = 0; h < p.heads; ++h) {
      int g = h / (p.heads / p.kv_heads);
      auto row = [&](int input, int j) { return r.in(input) + (size_t(j) * p.kv_heads + g) * dim; };
      const float* q = r.in(0) + (size_t(t) * p.heads + h) * dim;
      std::vector<double> weight;
      double largest = -INFINITY, sum = 0;
      for (int j = spans.begin[t]; j < spans.end[t]; ++j) {
        weight.push_back(p.scale * dot(q, row(1, j), dim));
        largest = std::max(largest, weight.back());
      }
      for (double& w : weight) sum += w = std::exp(w - largest);
      for (int d = 0; d < dim; ++d) {
        double value = 0;
        for (int j = spans.begin[t]; j < spans.end[t]; ++j) value += weight[j - spans.begin[t]] * row(2, j)[d];
        r.out()[(size_t(t) * p.heads + h) * dim + d] = static_cast<float>(value / sum);
      }
    }
  }
}

// Rows that follow each other lie together already.
void join_rows(const Run& r) {
  std::memcpy(r.out(), r.in(0), size_t(r.rows()) * r.columns() * sizeof(float));
}

void mean_rows(const Run& r) {
  int group = r.program.tokens / r.program.outputs, n = r.columns();
  for (int o = 0; o < r.rows(); ++o) {
    for (int i = 0; i < n; ++i) {
      double sum = 0;
      for (int j = 0; j < group; ++j) sum += r.in(0)[(size_t(o) * group + j) * n + i];
      r.out()[size_t(o) * n + i] = static_cast<float>(sum / group);
    }
  }
}

void mix(const Run& r) {
  int n = r.columns(), weights = r.in_info(0).shape.columns(), first = r.op.as<MixParams>().first;
  for (int t = 0; t < r.rows(); ++t) {
    const float* w = r.in(0) + size_t(t) * weights + first;
    for (int i = 0; i < n; ++i) {
      double sum = 0;
      for (size_t j = 1; j < r.op.in.size(); ++j) sum += double(w[j - 1]) * r.in(int(j))[size_t(t) * n + i];
      r.out()[size_t(t) * n + i] = static_cast<float>(sum);
    }
  }
}

// The experts of one row, best first; shares sum to 1 when they are normalised.
std::vector<std::pair<int, double>> choose_experts(const float* router, int experts, const MoeParams& p) {
  std::vector<int> order(experts);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return router[a] > router[b]; });
  double sum = 0;
  for (int i = 0; i < (p.normalise ? p.used : experts); ++i) sum += std::exp(double(router[order[i]]) - router[order[0]]);
  std::vector<std::pair<int, double>> chosen;
  for (int i = 0; i < p.used; ++i) {
    chosen.emplace_back(order[i], std::exp(double(router[order[i]]) - router[order[0]]) / sum);
  }
  return chosen;
}

void moe(const Run& r) {
  const auto& p = r.op.as<MoeParams>();
  int n = r.columns(), experts = r.in_info(1).shape.columns(), width = r.in_info(2).shape[0];
  std::vector<double> inner(width), sum(n);
  for (int t = 0; t < r.rows(); ++t) {
    const float* x = r.in(0) + size_t(t) * n;
    std::fill(sum.begin(), sum.end(), 0);
    for (auto [expert, share] : choose_experts(r.in(1) + size_t(t) * experts, experts, p)) {
      const float *gate = r.in(2 + 3 * expert), *up = r.in(3 + 3 * expert), *down = r.in(4 + 3 * expert);
      for (int i = 0; i < width; ++i) {
        inner[i] = activate(p.act, dot(x, gate + size_t(i) * n, n)) * dot(x, up + size_t(i) * n, n);
      }
      for (int o = 0; o < n; ++o) {
        double value = 0;
        for (int i = 0; i < width; ++i) value += down[size_t(o) * width + i] * inner[i];
        sum[o] += share * value;
      }
    }
    for (int o = 0; o < n; ++o) r.out()[size_t(t) * n + o] = static_cast<float>(sum[o]);
  }
}

void match_rms(const Run& r) {
  int n = r.columns();
  for (int t = 0; t < r.rows(); ++t) {
    const float *x = r.in(0) + size_t(t) * n, *like = r.in(1) + size_t(t) * n;
    double floor = r.op.as<MatchParams>().floor;
    double factor = std::sqrt(dot(like, like, n) / n) / std::sqrt(std::max(dot(x, x, n) / n, floor));
    for (int i = 0; i < n; ++i) r.out()[size_t(t) * n + i] = static_cast<float>(x[i] * factor);
  }
}

void cut_below(const Run& r) {
  int n = r.columns();
  for (int t = 0; t < r.rows(); ++t) {
    const float* x = r.in(0) + size_t(t) * n;
    double mean = 0, variance = 0;
    for (int i = 0; i < n; ++i) mean += x[i];
    mean /= n;
    for (int i = 0; i < n; ++i) variance += (x[i] - mean) * (x[i] - mean);
    double cutoff = mean + std::sqrt(variance / n) * r.op.as<CutParams>().deviations;
    for (int i = 0; i < n; ++i) r.out()[size_t(t) * n + i] = static_cast<float>(std::max(0.0, x[i] - cutoff));
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
  r.each([&](size_t i) {
    int t = int(i / columns);
    float gate = static_cast<float>(product(r, 1, t, i % columns));
    float up = static_cast<float>(product(r, 2, t, i % columns));
    return activate(r.op.as<ActParams>().act, gate) * up;
  });
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
    case Activation::tanh: return std::tanh(x);
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

std::vector<float> rotated(std::span<const float> x, int size) {
  std::vector<float> out(x.begin(), x.end());
  for (size_t first = 0; size > 0 && first < x.size(); first += size_t(size)) {
    for (unsigned i = 0; i < unsigned(size); ++i) {
      double sum = 0;
      for (unsigned j = 0; j < unsigned(size); ++j) sum += std::popcount(i & j) % 2 == 0 ? x[first + j] : -x[first + j];
      out[first + i] = static_cast<float>(sum / std::sqrt(double(size)));
    }
  }
  return out;
}

void run_reference(const Program& program, const Op& op, const StepInputs& inputs,
                   const ReferenceStorage& storage) {
  Run r{program, op, inputs, storage};
  switch (op.kind) {
    case OpKind::embed: return embed(r);
    case OpKind::linear: return linear(r);
    case OpKind::linear_where: return linear_where(r);
    case OpKind::features: return features(r);
    case OpKind::insert_features: return insert_features(r);
    case OpKind::rms_norm: {
      auto [epsilon, width] = op.as<NormParams>();
      const float* weight = op.in.size() > 1 ? r.in(1) : nullptr;
      return rms_norm(r.in(0), weight, width, r.rows() * (r.columns() / width), epsilon, r.out());
    }
    case OpKind::layer_norm: return layer_norm(r);
    case OpKind::add: return r.each([&](size_t i) { return double(r.in(0)[i]) + r.in(1)[i]; });
    case OpKind::mul: {
      size_t period = r.in_info(1).role == Role::weight ? size_t(r.columns()) : SIZE_MAX;
      return r.each([&](size_t i) { return double(r.in(0)[i]) * r.in(1)[i % period]; });
    }
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
    case OpKind::attend_spans: return attend_spans(r);
    case OpKind::pick_rows: return pick_rows(r);
    case OpKind::join_rows: return join_rows(r);
    case OpKind::mean_rows: return mean_rows(r);
    case OpKind::mix: return mix(r);
    case OpKind::moe: return moe(r);
    case OpKind::match_rms: return match_rms(r);
    case OpKind::cut_below: return cut_below(r);
    case OpKind::concat: return concat(r);
    case OpKind::slice: return slice(r);
    case OpKind::add_norm: return add_norm(r);
    case OpKind::linear_gated: return linear_gated(r);
  }
}

}  // namespace troika::ops
