#include "apps/bench_blocks.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "base/error.h"

namespace troika::apps {
namespace {

constexpr int kStretchBytes = 16 << 10;  // of blocks that differ; they repeat from there on

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

}  // namespace troika::apps
