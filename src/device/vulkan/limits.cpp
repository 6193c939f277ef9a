#include "device/vulkan/limits.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "device/vulkan/free_memory.h"
#include "device/vulkan/matrix_tile.h"
#include "device/vulkan/recorder.h"

namespace troika::device::vulkan {
namespace {

constexpr int kRuns = 4;                        // some of them may be disturbed
constexpr uint32_t kLanes = 256;                // of a workgroup of each shader
constexpr uint32_t kSums = 16, kTurns = 16;     // of shaders/limit_fp32.comp and the like, in a round
constexpr uint32_t kGroupsOfArithmetic = 8192;  // enough for any GPU, and a whole number of times for most

// As the shaders have it.
struct Push {
  VkDeviceAddress data, out;
  uint32_t count;  // pieces of 16 bytes; rounds
  float factor, summand;
};

// Wanted of what is timed, so that a submission does not count; half of it is enough.
double seconds_per_run(GpuKind kind) { return kind == GpuKind::software ? 0.01 : 0.02; }

double seconds_of(Recorder& commands) {
  const auto begin = std::chrono::steady_clock::now();
  commands.submit();
  commands.wait();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

class Measurement {
 public:
  explicit Measurement(const std::shared_ptr<Context>& context)
      : context_(context), out_(context->allocate(64)), wanted_s_(seconds_per_run(context->caps().kind)) {}

  // Bytes a second that a grid of `groups` reads: the buffer, from one end to the other, again and again.
  double read(const GpuBuffer& data, uint32_t groups) const {
    const Push push{.data = data.address(), .out = out_->address(), .count = uint32_t(data.size() / 16)};
    const auto [seconds, times] = fastest([&](Recorder& commands, uint32_t times) {
      for (uint32_t i = 0; i < times; ++i) add(commands, {"limit_read", {}}, push, groups);
    });
    return double(data.size()) * times / seconds;
  }

  // Operations a second of a shader whose lanes make `operations` in a turn with each sum.
  double arithmetic(const PipelineKey& shader, double operations) const {
    const uint32_t groups = context_->caps().kind == GpuKind::software ? 64 : kGroupsOfArithmetic;
    const auto [seconds, rounds] = fastest([&](Recorder& commands, uint32_t rounds) {
      add(commands, shader, {.out = out_->address(), .count = rounds, .factor = 0.999f, .summand = 0.001f}, groups);
    });
    return operations * kSums * kTurns * double(rounds) * groups * kLanes / seconds;
  }

 private:
  struct Fastest {
    double seconds;
    uint32_t times;
  };

  // Of the runs that do something so many times that it takes long enough.
  template <typename Record>
  Fastest fastest(const Record& record) const {
    for (uint32_t times = 1;; times *= 2) {
      Recorder commands(context_, UINT64_MAX);
      record(commands, times);
      commands.end();
      double best = std::min(seconds_of(commands), seconds_of(commands));  // the first may compile
      if (best < wanted_s_ / 2 && times < 1u << 20) continue;
      for (int run = 1; run < kRuns; ++run) best = std::min(best, seconds_of(commands));
      return {best, times};
    }
  }

  void add(Recorder& commands, const PipelineKey& shader, const Push& push, uint32_t groups) const {
    commands.dispatch({.pipeline = shader,
                       .push = bytes_of(push),
                       .groups = {groups, 1, 1},
                       .writes = {{out_->address(), out_->size()}}});
  }

  const std::shared_ptr<Context> context_;
  const std::shared_ptr<GpuBuffer> out_;
  const double wanted_s_;
};

// Far beyond the caches, where there is room.
size_t bytes_to_read(const Context& context) {
  const size_t wanted = size_t{context.caps().kind == GpuKind::software ? 32u : 1024u} << 20;
  const size_t most = std::min<size_t>(free_bytes(context) / 4, context.caps().most_allocation_bytes);
  return std::clamp(most, size_t{16} << 20, wanted) / 16 * 16;
}

// How many workgroups read the fastest differs from GPU to GPU.
double best_read(const Measurement& measurement, Context& context) {
  const auto data = context.allocate_unset(bytes_to_read(context));
  auto* words = reinterpret_cast<uint64_t*>(data->host());
  for (size_t i = 0; i < data->size() / sizeof *words; ++i) words[i] = i * 0x9e3779b97f4a7c15;  // nothing to compress
  double best = 0;
  for (uint32_t groups : {256u, 1024u, 4096u, 16384u}) best = std::max(best, measurement.read(*data, groups));
  return best;
}

// Of the matrix unit; 0: there is none.
double matrix_peak(const Measurement& measurement, std::string shader, const std::optional<MatrixShape>& shape, uint32_t subgroup) {
  if (!shape) return 0;
  return measurement.arithmetic({std::move(shader), {shape->m, shape->n, shape->k}, subgroup},
                                2.0 * shape->m * shape->n * shape->k / subgroup);
}

}  // namespace

Limits measure_limits(const std::shared_ptr<Context>& context) {
  const Measurement measurement(context);
  const uint32_t subgroup = matrix_subgroup(context->caps());
  const double dots = measurement.arithmetic({"limit_int8", {}}, 8);
  const double of_int8 = matrix_peak(measurement, "limit_matrix", matrix_shape(context->caps()), subgroup);
  const auto& lanes = context->lanes();
  const auto of_halves = lanes ? std::optional(lanes->shape) : std::nullopt;
  return {.read_bytes_per_s = best_read(measurement, *context),
          .peaks = {.fp32 = measurement.arithmetic({"limit_fp32", {}}, 2),
                    .int8 = std::max(dots, of_int8),
                    .bits16 = matrix_peak(measurement, "limit_half", of_halves, subgroup)}};
}

}  // namespace troika::device::vulkan
