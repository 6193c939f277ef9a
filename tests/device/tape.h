// A program with everything a device needs to run it: weights, arena with sentinels around every tensor, caches
// and step inputs. One set of random numbers serves all devices and the reference.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
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

struct Tape {
  ops::Program program;
  ops::StepInputs inputs{1, 1, 1, 1};
  std::map<uint32_t, WeightView> weights;          // by tensor id
  std::map<uint32_t, std::vector<float>> values;   // the same weights unpacked, and the given activations
  int pages = 1;                                   // of each cache
  size_t first_op = 0;                             // ops before it only declare inputs

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

  // Live rows are random numbers (which f16 can hold, so that a cache in f16 loses nothing), dead rows NaN:
  // nothing may come of them.
  void fill_inputs(uint32_t seed) {
    for (size_t i = 0; i < first_op; ++i) {
      ops::Tensor t = program.ops[i].out[0];
      const ops::TensorInfo& tensor = program[t];
      auto v = random_values(size_t(tensor.shape.values()), seed + t.id);
      for (float& value : v) value = f16_to_float(float_to_f16(value));
      std::fill(v.begin() + ops::live_rows(tensor, inputs) * tensor.shape.columns(), v.end(), NAN);
      values[t.id] = std::move(v);
    }
  }
};

// What a tape left behind: all tensors with their gaps, and the caches in float32.
struct Outcome {
  std::vector<float> arena;
  std::vector<size_t> offsets;  // floats, by tensor id
  std::vector<std::vector<float>> keys, values;
};

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
      for (float& v : side->back()) v = f16_to_float(float_to_f16(v));  // the same in every cache format
    }
  }
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
  for (size_t i = 0; i < o.keys.size(); ++i) caches.push_back({o.keys[i].data(), o.values[i].data()});
  for (size_t i = tape.first_op; i < tape.program.ops.size(); ++i) {
    ops::run_reference(tape.program, tape.program.ops[i], tape.inputs, {.tensors = tensors, .caches = caches});
  }
  return o;
}

// Throws Error when the device does not offer the cache format.
inline Outcome run_on(Device& device, const Tape& tape, Format cache_format) {
  Outcome o = lay_out(tape);
  auto arena = device.allocate(o.arena.size() * sizeof(float));
  std::memcpy(arena->host(), o.arena.data(), o.arena.size() * sizeof(float));
  std::vector<size_t> offsets;
  for (size_t offset : o.offsets) offsets.push_back(offset * sizeof(float));
  std::vector<std::shared_ptr<Weight>> weights(tape.program.tensors.size());
  for (const auto& [id, view] : tape.weights) weights[id] = device.prepare(view);
  std::vector<Cache> caches;
  for (size_t i = 0; i < o.keys.size(); ++i) {
    auto fill = [&](const std::vector<float>& from) {
      auto buffer = device.allocate(row_bytes(cache_format, int64_t(from.size())));
      info(cache_format).pack(from, {}, buffer->host());
      return buffer;
    };
    caches.push_back({fill(o.keys[i]), fill(o.values[i]), cache_format});
  }
  Segment segment{.program = &tape.program, .begin = tape.first_op, .end = tape.program.ops.size(), .arena = arena,
                  .offsets = offsets, .weights = weights, .caches = caches, .inputs = &tape.inputs};
  auto executable = device.compile(segment);
  for (int again = 0; again < 2; ++again) {  // an executable is replayed for ever
    executable->submit();
    executable->wait();
  }
  std::memcpy(o.arena.data(), arena->host(), o.arena.size() * sizeof(float));
  for (size_t i = 0; i < caches.size(); ++i) {
    info(cache_format).unpack(caches[i].keys->host(), o.keys[i]);
    info(cache_format).unpack(caches[i].values->host(), o.values[i]);
  }
  return o;
}

// The error's root mean square is at most 1 % of that of `want` (or of 1, what inputs of unit variance lead to,
// where a few values happen to be small), a little more where there are few values: for int8 activations.
inline ::testing::AssertionResult close_on_average(std::span<const float> got, std::span<const float> want) {
  double tolerance = 0.01 + 0.03 / std::sqrt(double(want.size()));
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

inline bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace troika::device
