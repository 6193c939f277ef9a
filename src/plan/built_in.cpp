// The two machines that Troika is for, from what others published and from specifications. Nothing here is measured by us.
// Where a figure of the DDR5 machine has no twin for LPDDR5X, it grows with the bus.
#include <algorithm>
#include <string>
#include <vector>

#include "npu/cost/cost.h"
#include "plan/hardware.h"

namespace troika::plan {
namespace {

using enum Source;

constexpr double kGiB = double(1 << 30);
constexpr double kMatrixPeak = 12 * 512 * 2.7e9;  // 780M: 12 units, 512 operations a cycle of fp16 or int8, 2.7 GHz

struct Bus {
  std::string_view name, description;
  double peak;  // bytes a second
};
constexpr Bus kDdr5{"phoenix-ddr5", "Ryzen 7040/8040, Radeon 780M, NPU, DDR5-5600", 89.6e9};
constexpr Bus kLpddr5x{"phoenix-lpddr5x", "Ryzen 7040/8040, Radeon 780M, NPU, LPDDR5X-7500", 120e9};
constexpr const Bus* kBuses[] = {&kDdr5, &kLpddr5x};
constexpr std::string_view kNames[] = {kDdr5.name, kLpddr5x.name};

// A rate of memory that was reported of the DDR5 machine.
Figure rate_on(const Bus& bus, double on_ddr5, std::string from) {
  if (&bus == &kDdr5) return {on_ddr5, reported, std::move(from)};
  return {on_ddr5 * bus.peak / kDdr5.peak, computed, "grown with the bus from DDR5-5600's: " + from};
}

DeviceCosts gpu(const Bus& bus) {
  const std::string products = "llama.cpp, Vulkan: prompts of a 7B in Q4 at 254 to 321 tokens/s, 25 % of the matrix peak";
  return {.name = "vulkan",
          .description = "Radeon 780M",
          .read_bytes_per_s = rate_on(bus, 73e9, "clpeak on an 8745HS, whatever the power limit (michaelstinkerings.org)"),
          .submit_s = {50e-6, assumed, "some tens of microseconds"},
          .launch_s = {3e-6, assumed, "as on an H200: 8 dispatches of 5 to 6 us for 16 ops"},
          .watts = {25.9, reported, "open-xdna: RAPL, products on a 780M"},
          .speeds = {flat_speed("q4_0", 0.25 * kMatrixPeak, reported, products),
                     flat_speed("q8_0", 0.25 * kMatrixPeak, assumed, "as 4 bits: RDNA3 multiplies bytes as fast"),
                     flat_speed("f16", 0.25 * kMatrixPeak, assumed, "as bytes: RDNA3 multiplies both as fast"),
                     flat_speed("attention", 0.06 * kMatrixPeak, assumed, "a quarter of products"),
                     flat_speed("rows", 0.5 * bus.peak, assumed, "half of the bus")}};
}

DeviceCosts cpu(const Bus& bus) {
  const std::string products = "ik_llama.cpp on a 7950X: prompts of an 8B at 360 tokens/s on 16 cores, halved";
  return {.name = "cpu",
          .description = "8 Zen 4 cores",
          .read_bytes_per_s = rate_on(bus, 51e9, "open-xdna: 11.0 to 11.6 tokens/s of a 7B in Q4_K_M, 4.5 GB each"),
          .submit_s = {5e-6, assumed, "waking the threads"},
          .launch_s = {5e-6, assumed, "a barrier of 8 threads"},
          .watts = {30, assumed, "what is left of 54 W"},
          .speeds = {flat_speed("q4_0", 2.4e12, reported, products), flat_speed("q8_0", 2.4e12, assumed, "as 4 bits"),
                     flat_speed("f16", 0.65e12, computed, "8 cores, 32 operations a cycle at 4.2 GHz, 60 % of it"),
                     flat_speed("attention", 0.3e12, assumed, "half of products of floats"),
                     flat_speed("rows", 40e9, assumed, "most of what it reads")}};
}

// By the NPU's own cost model, at its defaults: a product of a 7B's width.
Speed npu_speed(std::string work, const npu::GemmTile& tile) {
  Speed::Size any;
  for (int rows : {256, 512}) {
    const npu::GemmShape shape{rows, 4096, 4096};
    any.points.push_back(
        {rows, npu::tops(shape, npu::estimate(npu::work_of(tile), shape, {}, npu::Launch::chained).seconds()) * 1e12});
  }
  return {std::move(work), {any}, computed, "npu/cost at its defaults: 1 GHz, kernels at 0.45 of the peak (docs/npu.md)"};
}

DeviceCosts npu_array() {
  const npu::Calibration defaults;
  return {.name = "npu",
          .description = "XDNA1, 16 cores",
          .read_bytes_per_s = {defaults.read_gb_s * 1e9, assumed, "unpublished for the whole array; 15 to 30 are likely"},
          .submit_s = {defaults.launch_us * 1e-6, reported, "mlir-aie issue 2381"},
          .launch_s = {0, computed, "part of the speeds"},
          .granule = npu::kW8A8.block_m(),
          .weight_bits = 8,
          .watts = {6.6, reported, "open-xdna: RAPL, the NPU at work"},
          .speeds = {npu_speed("q8_0", npu::kW8A8)}};
}

std::vector<Pair> pairs(const std::vector<DeviceCosts>& devices) {
  std::vector<Pair> all;
  for (const DeviceCosts& from : devices) {
    for (const DeviceCosts& to : devices) {
      if (from.name == to.name) continue;
      Pair pair{from.name, to.name, {0, computed, "both read the same memory"},
                {0.15, assumed, "others saw 0 of an integrated GPU and 20 % of an NPU, side by side (nix-amd-ai PR 94)"}};
      if (from.name == "npu" || to.name == "npu") {
        pair.copy_bytes_per_s = {17e9, reported, "tibrezus/xdna-npu-toolkit: copying and flushing the caches, 16 to 20 GB/s"};
      }
      all.push_back(std::move(pair));
    }
  }
  return all;
}

}  // namespace

std::span<const std::string_view> built_in_names() { return kNames; }

std::optional<Hardware> built_in(std::string_view name) {
  auto found = std::ranges::find(kBuses, name, [](const Bus* bus) { return bus->name; });
  if (found == std::end(kBuses)) return std::nullopt;
  const Bus& bus = **found;
  Hardware machine{.name = std::string(bus.name), .description = std::string(bus.description)};
  machine.devices = {gpu(bus), npu_array(), cpu(bus)};
  machine.pairs = pairs(machine.devices);
  machine.memory = {.bytes = {31.5 * kGiB, assumed, "32 GiB, less what the GPU has"},
                    .gtt = {15.75 * kGiB, computed, "amdgpu's default: half of the system's memory"},
                    .carved = {0.5 * kGiB, assumed, "the firmware's usual setting"},
                    .reserved = {4 * kGiB, assumed, "a desktop, and what is read of files"}};
  machine.bounds = {
      .read_bytes_per_s = {0.8 * bus.peak, computed, "80 % of the bus, as a 780M was seen to read"},
      .matrix = {0.55 * kMatrixPeak, assumed, "55 % of the peak: our aim, nothing published reaches it on a 780M"}};
  return machine;
}

}  // namespace troika::plan
