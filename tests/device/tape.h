// A program with everything a device needs to run it: weights, arena with sentinels around every tensor, caches
// and step inputs. One set of random numbers serves all devices and the reference.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/half.h"
#include "device/device.h"
#include "ops/builder.h"
#include "ops/reference.h"
#include "tensor/random_blocks.h"
#include "tensor/rotation.h"

namespace troika::device {

inline constexpr float kSentinel = -7.25e33f;
inline constexpr size_t kGap = 64;  // floats around each tensor

// Nearly normal: the sum of four uniform numbers from a fast generator.
inline std::vector<float> random_values(size_t n, uint32_t seed, float scale = 1) {
  uint64_t state = 0x9e3779b97f4a7c15u * (seed + 1);
  std::vector<float> values(n);
  for (float& v : values) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    int32_t sum = int32_t(state & 0xffff) + int32_t(state >> 16 & 0xffff) + int32_t(state >> 32 & 0xffff) +
                  int32_t(state >> 48) - 2 * 0xffff;
    v = float(sum) * (scale * 1.7320508f / 65536);
  }
  return values;
}

// Values packed in a format, as a file would hold them.
inline WeightView packed(const std::string& name, Format format, const Shape& shape, const std::vector<float>& values) {
  size_t size = bytes_of(format, shape);  // throws where the blocks do not fit the rows
  auto bytes = std::make_shared<std::vector<std::byte>>(as_blocks(format, values));
  EXPECT_EQ(bytes->size(), size);
  return {name, format, shape, *bytes, bytes};
}

// What a cache format holds without loss: halves, or for q8_0 blocks of 32 multiples of a step (1/16, 1/32 or 1/64,
// which differ from block to block) up to 127 steps, or for q4_0 what was rounded to it before.
inline void round_to(Format cache_format, std::span<float> values) {
  for (float& v : values) v = f16_to_float(float_to_f16(v));
  if (cache_format == Format::q4_0) {
    std::vector<std::byte> blocks(row_bytes(cache_format, int64_t(values.size())));
    info(cache_format).pack(values, {}, blocks.data());
    info(cache_format).unpack(blocks.data(), values);
  }
  if (cache_format != Format::q8_0) return;
  for (size_t i = 0; i < values.size(); ++i) {
    size_t block = i / 32;
    float step = 1.0f / float(16 << (block + block / 5) % 3);
    values[i] = std::clamp(std::round(values[i] / step), -127.0f, 127.0f) * step + 0.0f;  // no −0
    if (i % 32 == block % 32) values[i] = values[i] < 0 ? -127 * step : 127 * step;
  }
}

struct Tape {
  ops::Program program;
  ops::StepInputs inputs{1, 1, 1, 1};
  std::map<uint32_t, WeightView> weights;          // by tensor id
  std::map<uint32_t, std::vector<float>> values;   // the same weights unpacked, and the given activations
  int pages = 1;                                   // of each cache
  size_t first_op = 0;                             // ops before it only declare inputs
  Format cache_format = Format::f32;               // that the caches are kept in, if the device offers it
  std::function<void(struct Outcome&)> fill_caches{};  // after they were filled with random numbers

  // Matrices in `format`; vectors alternate between f32 and f16, which files mix too.
  void fill_weights(Format format, uint32_t seed) {
    for (uint32_t id = 0; id < program.tensors.size(); ++id) {
      const ops::TensorInfo& t = program.tensors[id];
      if (t.role != ops::Role::weight) continue;
      Format f = t.shape.rank > 1 ? format : id % 2 ? Format::f32 : Format::f16;
      float scale = t.shape.rank > 1 ? 1 / std::sqrt(float(t.shape.columns())) : 1;
      weights[id] = packed(t.name, f, t.shape, random_values(size_t(t.shape.values()), seed + id, scale));
      values[id].resize(size_t(t.shape.values()));
      info(f).unpack(weights[id].bytes.data(), values[id]);
    }
  }

  // Live rows are random numbers (which the cache can hold once it has rotated them, so that it loses nothing), dead
  // rows NaN: nothing may come of them.
  void fill_inputs(uint32_t seed) {
    for (size_t i = 0; i < first_op; ++i) {
      ops::Tensor t = program.ops[i].out[0];
      const ops::TensorInfo& tensor = program[t];
      auto v = random_values(size_t(tensor.shape.values()), seed + t.id);
      round_to(cache_format, v);
      if (!program.caches.empty()) v = ops::rotated(v, rotation(cache_format, program.caches.back().head_dim));
      std::fill(v.begin() + ops::live_rows(tensor, inputs) * tensor.shape.columns(), v.end(), NAN);
      values[t.id] = std::move(v);
    }
  }
};

// What a tape left behind: all tensors with their gaps, and the caches in float32 (as device.h draws them).
struct Outcome {
  std::vector<float> arena;
  std::vector<size_t> offsets;  // floats, by tensor id
  std::vector<std::vector<float>> keys, values;
};

// [D, P] of each page and head becomes [P, D], or back.
inline std::vector<float> turned(const std::vector<float>& from, size_t rows, size_t columns) {
  std::vector<float> to(from.size());
  for (size_t page = 0; page < from.size(); page += rows * columns) {
    for (size_t i = 0; i < rows * columns; ++i) to[page + i % columns * rows + i / columns] = from[page + i];
  }
  return to;
}

enum class Side { keys, values };

// The bytes of a cache, by device.h's drawing.
inline std::vector<std::byte> cache_bytes(Format format, const std::vector<float>& from, size_t head_dim, Side side) {
  std::vector<std::byte> bytes(row_bytes(format, int64_t(from.size())));
  if (info(format).block_values == 1) {
    info(format).pack(from, {}, bytes.data());
    return bytes;
  }
  constexpr size_t P = ops::kPageTokens;
  size_t block_bytes = size_t(info(format).block_bytes), width = block_bytes - 2;  // of a block's numbers
  size_t blocks = head_dim / 32, head_bytes = P * row_bytes(format, int64_t(head_dim));
  std::vector<float> tokens = side == Side::keys ? turned(from, head_dim, P) : from;
  std::vector<std::byte> packed(row_bytes(format, int64_t(from.size())));  // per token, blocks of scale and 32 values
  info(format).pack(tokens, {}, packed.data());
  for (size_t token = 0; token < tokens.size() / head_dim; ++token) {
    std::byte* page = bytes.data() + token / P * head_bytes;
    for (size_t b = 0; b < blocks; ++b) {
      const std::byte* block = packed.data() + (token * blocks + b) * block_bytes;
      size_t scale = side == Side::keys ? b * P + token % P : token % P * blocks + b;
      std::memcpy(page + P * blocks * width + 2 * scale, block, 2);
      for (size_t i = 0; i < width; ++i) {
        size_t row = b * width + i;
        page[side == Side::keys ? row * P + token % P : token % P * blocks * width + row] = block[2 + i];
      }
    }
  }
  return bytes;
}

inline std::vector<float> cache_floats(Format format, const std::byte* bytes, size_t count, size_t head_dim, Side side) {
  std::vector<float> floats(count);
  if (info(format).block_values == 1) {
    info(format).unpack(bytes, floats);
    return floats;
  }
  constexpr size_t P = ops::kPageTokens;
  size_t block_bytes = size_t(info(format).block_bytes), width = block_bytes - 2;
  size_t blocks = head_dim / 32, head_bytes = P * row_bytes(format, int64_t(head_dim));
  std::vector<std::byte> packed(row_bytes(format, int64_t(count)));  // per token, blocks of scale and 32 values
  for (size_t token = 0; token < count / head_dim; ++token) {
    const std::byte* page = bytes + token / P * head_bytes;
    for (size_t b = 0; b < blocks; ++b) {
      std::byte* block = packed.data() + (token * blocks + b) * block_bytes;
      size_t scale = side == Side::keys ? b * P + token % P : token % P * blocks + b;
      std::memcpy(block, page + P * blocks * width + 2 * scale, 2);
      for (size_t i = 0; i < width; ++i) {
        size_t row = b * width + i;
        block[2 + i] = page[side == Side::keys ? row * P + token % P : token % P * blocks * width + row];
      }
    }
  }
  info(format).unpack(packed.data(), floats);
  return side == Side::keys ? turned(floats, P, head_dim) : floats;
}

inline Outcome lay_out(const Tape& tape) {
  Outcome o;
  size_t size = kGap;
  for (const ops::TensorInfo& t : tape.program.tensors) {
    o.offsets.push_back(size);
    if (t.role == ops::Role::activation) size += (size_t(t.shape.values()) + 15) / 16 * 16 + kGap;
  }
  o.arena.assign(size, kSentinel);
  for (const auto& [id, values] : tape.values) {
    if (tape.program.tensors[id].role == ops::Role::activation) {
      std::copy(values.begin(), values.end(), o.arena.begin() + ptrdiff_t(o.offsets[id]));
    }
  }
  for (size_t i = 0; i < tape.program.caches.size(); ++i) {
    const ops::CacheInfo& c = tape.program.caches[i];
    size_t n = size_t(tape.pages) * c.kv_heads * ops::kPageTokens * c.head_dim;
    for (auto* side : {&o.keys, &o.values}) {
      side->push_back(random_values(n, uint32_t(1000 + 2 * i + (side == &o.values))));
      round_to(tape.cache_format, side->back());
    }
    o.keys.back() = turned(o.keys.back(), ops::kPageTokens, size_t(c.head_dim));
  }
  if (tape.fill_caches) tape.fill_caches(o);
  return o;
}

inline Outcome run_plain(const Tape& tape) {
  Outcome o = lay_out(tape);
  std::vector<std::vector<float>> weights(tape.program.tensors.size());
  std::vector<float*> tensors;
  for (uint32_t id = 0; id < tape.program.tensors.size(); ++id) {
    if (tape.weights.count(id)) weights[id] = tape.values.at(id);
    tensors.push_back(tape.weights.count(id) ? weights[id].data() : o.arena.data() + o.offsets[id]);
  }
  std::vector<ops::ReferenceCache> caches;
  for (size_t i = 0; i < o.keys.size(); ++i) {
    caches.push_back({o.keys[i].data(), o.values[i].data(), tape.cache_format});
  }
  for (size_t i = tape.first_op; i < tape.program.ops.size(); ++i) {
    ops::run_reference(tape.program, tape.program.ops[i], tape.inputs, {.tensors = tensors, .caches = caches});
  }
  return o;
}

// A tape in a device's memory, ready to be compiled.
struct Loaded {
  Outcome layout;  // with what the device was given
  std::shared_ptr<Buffer> arena;
  std::vector<size_t> offsets;
  std::vector<std::shared_ptr<Weight>> weights;
  std::vector<Cache> caches;

  Segment segment(const Tape& tape) const {
    return {.program = &tape.program, .begin = tape.first_op, .end = tape.program.ops.size(), .arena = arena,
            .offsets = offsets, .weights = weights, .caches = caches, .inputs = &tape.inputs, .is_idle = true};
  }
};

// Throws Error when the device does not offer the cache format.
inline Loaded load_on(Device& device, const Tape& tape, Format cache_format, WeightUse use = {}) {
  Loaded loaded{.layout = lay_out(tape), .weights = std::vector<std::shared_ptr<Weight>>(tape.program.tensors.size())};
  const Outcome& o = loaded.layout;
  loaded.arena = device.allocate(o.arena.size() * sizeof(float));
  std::memcpy(loaded.arena->host(), o.arena.data(), o.arena.size() * sizeof(float));
  for (size_t offset : o.offsets) loaded.offsets.push_back(offset * sizeof(float));
  for (const auto& [id, view] : tape.weights) loaded.weights[id] = device.prepare(view, use);
  for (size_t i = 0; i < o.keys.size(); ++i) {
    auto fill = [&](const std::vector<float>& from, Side side) {
      auto bytes = cache_bytes(cache_format, from, size_t(tape.program.caches[i].head_dim), side);
      auto buffer = device.allocate(bytes.size());
      std::memcpy(buffer->host(), bytes.data(), bytes.size());
      return buffer;
    };
    loaded.caches.push_back({fill(o.keys[i], Side::keys), fill(o.values[i], Side::values), cache_format});
  }
  return loaded;
}

// What the device left behind.
inline Outcome read_back(const Tape& tape, const Loaded& loaded) {
  Outcome o = loaded.layout;
  std::memcpy(o.arena.data(), loaded.arena->host(), o.arena.size() * sizeof(float));
  for (size_t i = 0; i < loaded.caches.size(); ++i) {
    const Cache& cache = loaded.caches[i];
    size_t dim = size_t(tape.program.caches[i].head_dim);
    o.keys[i] = cache_floats(cache.format, cache.keys->host(), o.keys[i].size(), dim, Side::keys);
    o.values[i] = cache_floats(cache.format, cache.values->host(), o.values[i].size(), dim, Side::values);
  }
  return o;
}

// Throws Error when the device does not offer the cache format.
inline Outcome run_on(Device& device, const Tape& tape, Format cache_format, WeightUse use = {}) {
  Loaded loaded = load_on(device, tape, cache_format, use);
  auto executable = device.compile(loaded.segment(tape));
  for (int again = 0; again < 2; ++again) {  // an executable is replayed for ever
    executable->submit();
    executable->wait();
  }
  return read_back(tape, loaded);
}

// The error's root mean square is at most 1 % of that of `want` (or of 1, what inputs of unit variance lead to,
// where a few values happen to be small), a little more where there are few values: for int8 activations. `part`: of that,
// for what rounds less.
inline ::testing::AssertionResult close_on_average(std::span<const float> got, std::span<const float> want, double part = 1) {
  double tolerance = part * (0.01 + 0.03 / std::sqrt(double(want.size())));
  double squares = 0, errors = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    squares += double(want[i]) * want[i];
    errors += (double(got[i]) - want[i]) * (double(got[i]) - want[i]);
  }
  double unit = std::max(1.0, std::sqrt(squares / double(want.size())));
  double error = std::sqrt(errors / double(want.size())) / unit;
  if (error <= tolerance) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "the error over " << want.size() << " values is " << error;
}

// Every element of `got` lies within tolerance × the root mean square of `want`, or × least_unit where all are nearly
// 0. Sums of products of size 1 / sqrt(count) that cancel keep the rounding of a sum of size 1.
inline ::testing::AssertionResult close(std::span<const float> got, std::span<const float> want, double tolerance,
                                        double least_unit = 1e-3) {
  double squares = 0, worst = -1;
  size_t at = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    squares += double(want[i]) * want[i];
    double error = std::abs(double(got[i]) - want[i]);
    if (!(error <= worst)) worst = error, at = i;
    if (std::isnan(error)) break;
  }
  double unit = std::max(least_unit, std::sqrt(squares / double(want.size())));
  if (worst <= tolerance * unit) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "element " << at << " of " << want.size() << " is " << got[at]
                                       << ", not " << want[at] << "; error " << worst / unit << " of the rms";
}

inline std::shared_ptr<const ops::RopeTable> rope_table(int head_dim, float amplitude) {
  auto table = std::make_shared<ops::RopeTable>();
  for (int i = 0; i < head_dim / 2; ++i) table->inverse_frequency.push_back(std::pow(10000.0f, -2.0f * i / head_dim));
  table->amplitude = amplitude;
  return table;
}

inline bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace troika::device
