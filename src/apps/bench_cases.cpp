#include "apps/bench_cases.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <span>

#include "base/error.h"

namespace troika::apps {
namespace {

using ops::Builder;
using ops::Tensor;
using Tensors = std::vector<Tensor>;

constexpr int kHeadDim = 128, kQueriesPerKey = 4;
constexpr int kMostCopies = 64;
constexpr int kPrompt = 512, kUsers = 8;
constexpr float kEpsilon = 1e-6f;
constexpr int kStretchBytes = 16 << 10;  // of blocks that differ; they repeat from there on

struct Heads {
  int queries, keys, head_dim;
};
Heads heads_of(const OpShapes& s) {
  Heads h{.queries = std::max(1, s.columns / kHeadDim), .head_dim = std::min(kHeadDim, s.columns / 2 * 2)};
  h.keys = h.queries % kQueriesPerKey == 0 ? h.queries / kQueriesPerKey : h.queries;
  return h;
}

int copies_for(double bytes, const OpShapes& s) {
  return std::clamp(static_cast<int>(std::ceil(double(s.rotated_bytes) / bytes)), 1, kMostCopies);
}

// Where the copies do not fill more than the processor's caches, what they hold comes from there.
double from_memory(double bytes, int copies, const OpShapes& s) {
  return bytes * copies >= double(s.rotated_bytes) / 2 ? bytes : 0;
}

double weight_bytes(Format format, const OpShapes& s) { return double(s.out) * double(row_bytes(format, s.columns)); }

// An operation on whole rows of x, or of the parts that x is cut into.
OpCase row_case(std::string op, std::string detail, int rows, int columns, int parts,
                std::function<void(Builder&, const Tensors&)> timed) {
  OpCase c{.op = std::move(op),
           .detail = std::move(detail),
           .shape = fmt::format("{}", columns),
           .moved_bytes = double(rows) * columns * sizeof(float) * (parts + 1)};
  c.tape = {.tokens = rows,
            .columns = columns * parts,
            .inputs = [columns, parts](Builder& b, Tensor x) {
              Tensors in;
              for (int i = 0; i < parts; ++i) in.push_back(b.slice(x, i * columns, columns));
              return in;
            },
            .timed = [timed = std::move(timed)](Builder& b, const Tensors& in, int) { timed(b, in); }};
  return c;
}

struct AttentionCase {
  const char* detail;
  int tokens, users, depth;
};

OpCase attention_case(const AttentionCase& a, const OpShapes& s) {
  Heads h = heads_of(s);
  double value = double(row_bytes(s.cache, h.head_dim)) / h.head_dim;
  double positions = 0;  // that all tokens look at together
  for (int i = 0; i < a.tokens / a.users; ++i) positions += a.users * double(a.depth + i + 1);
  double cached = 2.0 * h.keys * h.head_dim * value * a.users * (a.depth + a.tokens / a.users);
  int copies = copies_for(cached, s);
  OpCase c{.op = "attention",
           .detail = a.detail,
           .shape = fmt::format("{}/{}x{} @{}", h.queries, h.keys, h.head_dim, a.depth),
           .cost = {.bytes = from_memory(cached, copies, s), .attention = 4.0 * h.queries * h.head_dim * positions},
           .moved_bytes = cached};
  c.tape = {.tokens = a.tokens,
            .sequences = a.users,
            .depth = a.depth,
            .columns = h.queries * h.head_dim,
            .copies = copies,
            .kv_heads = h.keys,
            .head_dim = h.head_dim,
            .cache = s.cache,
            .timed = [h](Builder& b, const Tensors& in, int copy) {
              float scale = 1 / std::sqrt(float(h.head_dim));
              b.attend(in[0], {.cache = copy, .heads = h.queries, .scale = scale});
            }};
  return c;
}

// Neither infinite nor so small that the processor takes a slow path.
bool is_ordinary(std::span<const float> values) {
  float largest = 0;
  for (float value : values) {
    if (!std::isfinite(value)) return false;
    largest = std::max(largest, std::abs(value));
  }
  return largest > 1e-3f && largest < 8;
}

// Random bytes until they make ordinary values: so no format's layout need be known here.
void fill_block(const FormatInfo& format, std::mt19937& random, std::byte* block) {
  constexpr int kMostTries = 100000;
  std::vector<float> values(static_cast<size_t>(format.block_values));
  for (int i = 0; i < kMostTries; ++i) {
    for (int b = 0; b < format.block_bytes; ++b) block[b] = static_cast<std::byte>(random());
    format.unpack(block, values);
    if (is_ordinary(values)) return;
  }
  fail("no random bytes make ordinary values in {}", format.name);
}

}  // namespace

void read_shape(const std::string& text, OpShapes& shapes) {
  constexpr int kMost = 1 << 20;
  int end = 0;
  bool read = std::sscanf(text.c_str(), "%7dx%7d%n", &shapes.out, &shapes.columns, &end) == 2;
  bool fits = shapes.out >= 1 && shapes.out <= kMost && shapes.columns >= 32 && shapes.columns <= kMost;
  if (!read || end != int(text.size()) || !fits || shapes.columns % 32 != 0) {
    fail("--shape {}: give ROWSxCOLUMNS of a weight, such as 4096x11008; columns are a multiple of 32", text);
  }
}

WeightView random_weight(std::string name, Format format, const Shape& shape, uint32_t seed) {
  const FormatInfo& f = info(format);
  auto storage = std::make_shared<std::vector<std::byte>>(bytes_of(format, shape));
  std::mt19937 random(seed);
  size_t block = static_cast<size_t>(f.block_bytes);
  size_t stretch = std::min((kStretchBytes + block - 1) / block * block, storage->size());
  for (size_t at = 0; at < stretch; at += block) fill_block(f, random, storage->data() + at);
  for (size_t at = stretch; at < storage->size(); at += stretch) {
    std::memcpy(storage->data() + at, storage->data(), std::min(stretch, storage->size() - at));
  }
  return {std::move(name), format, shape, *storage, storage};
}

int linear_copies(Format format, const OpShapes& s) { return copies_for(weight_bytes(format, s), s); }

std::vector<OpCase> linear_cases(Format format, const OpShapes& s, const PreparedWeights& weights) {
  std::vector<OpCase> cases;
  double bytes = weight_bytes(format, s);
  for (int rows : s.rows) {
    OpCase c{.op = "linear",
             .detail = std::string(info(format).name),
             .shape = fmt::format("{}x{}", s.out, s.columns),
             .cost = {.bytes = from_memory(bytes, int(weights.size()), s)},
             .moved_bytes = bytes + double(rows) * (s.out + s.columns) * sizeof(float)};
    c.cost.products(arithmetic_of(s.device, s.isa, format)) = 2.0 * rows * s.out * s.columns;
    c.tape = {.tokens = rows,
              .columns = s.columns,
              .copies = static_cast<int>(weights.size()),
              .timed = [out = s.out](Builder& b, const Tensors& in, int) { b.linear(in[0], "w", out); },
              .weights = &weights};
    cases.push_back(std::move(c));
  }
  return cases;
}

std::vector<OpCase> attention_cases(const OpShapes& s) {
  std::vector<OpCase> cases{attention_case({"prompt", kPrompt, 1, 0}, s)};
  for (int depth : s.depths) {
    cases.push_back(attention_case({"token", 1, 1, depth}, s));
    cases.push_back(attention_case({"8 users", kUsers, kUsers, depth}, s));
    cases.push_back(attention_case({"prompt", kPrompt, 1, depth}, s));
  }
  return cases;
}

std::vector<OpCase> norm_cases(const OpShapes& s) {
  std::vector<OpCase> cases;
  for (int rows : s.rows) {
    cases.push_back(row_case("rms_norm", "", rows, s.columns, 1,
                             [](Builder& b, const Tensors& in) { b.rms_norm(in[0], "norm", kEpsilon); }));
    cases.push_back(row_case("add_norm", "", rows, s.columns, 2, [](Builder& b, const Tensors& in) {
      b.rms_norm(b.add(in[0], in[1]), "norm", kEpsilon);
    }));
    cases.back().moved_bytes += double(rows) * s.columns * sizeof(float);  // the sum is a result too
    cases.push_back(row_case("layer_norm", "", rows, s.columns, 1,
                             [](Builder& b, const Tensors& in) { b.layer_norm(in[0], "norm", kEpsilon); }));
  }
  return cases;
}

std::vector<OpCase> rope_cases(const OpShapes& s) {
  Heads h = heads_of(s);
  auto table = std::make_shared<ops::RopeTable>();
  for (int i = 0; i < h.head_dim / 2; ++i) {
    table->inverse_frequency.push_back(std::pow(10000.0f, -2.0f * float(i) / float(h.head_dim)));
  }
  std::vector<OpCase> cases;
  for (int rows : s.rows) {
    cases.push_back(row_case("rope", "", rows, h.queries * h.head_dim, 1, [h, table](Builder& b, const Tensors& in) {
      b.rope(in[0], h.queries, table);
    }));
  }
  return cases;
}

std::vector<OpCase> activation_cases(const OpShapes& s) {
  using ops::Activation;
  constexpr struct {
    const char* name;
    Activation act;
  } kActivations[] = {
      {"silu", Activation::silu}, {"gelu_tanh", Activation::gelu_tanh}, {"gelu_erf", Activation::gelu_erf}};
  std::vector<OpCase> cases;
  for (int rows : s.rows) {
    for (auto [name, act] : kActivations) {
      cases.push_back(row_case("gated", name, rows, s.columns, 2,
                               [act](Builder& b, const Tensors& in) { b.gated(act, in[0], in[1]); }));
    }
    cases.push_back(row_case("softcap", "", rows, s.columns, 1,
                             [](Builder& b, const Tensors& in) { b.softcap(in[0], 30); }));
  }
  return cases;
}

}  // namespace troika::apps
