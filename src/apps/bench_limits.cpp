// troika bench limits: what this machine's memory and arithmetic can do, for 1, 2, 4, … threads, or a GPU's. Speeds of all
// other measurements are given as shares of these.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

#include "apps/bench_report.h"
#include "apps/machine_limits.h"
#include "base/error.h"
#include "base/platform.h"

namespace troika::apps {
namespace {

using nlohmann::ordered_json;

struct Options {
  std::string device = "cpu";
  int threads = 0;
  bool json = false;
};

// 1, 2, 4, … and the most.
std::vector<int> thread_counts(int most) {
  std::vector<int> counts;
  for (int threads = 1; threads < most; threads *= 2) counts.push_back(threads);
  counts.push_back(most);
  return counts;
}

struct Memory {
  int threads;
  double read, copy;  // bytes a second
};
struct Arithmetic {
  std::string_view kernels;
  int threads;
  Peaks peaks;
};

void print_json(const std::vector<Memory>& memory, const std::vector<Arithmetic>& arithmetic) {
  ordered_json json = {
      {"machine", machine_json()}, {"memory", ordered_json::array()}, {"peaks", ordered_json::array()}};
  for (const Memory& m : memory) {
    json["memory"].push_back(
        {{"threads", m.threads}, {"read_bytes_per_s", m.read}, {"copy_bytes_per_s", m.copy}});
  }
  for (const Arithmetic& a : arithmetic) {
    json["peaks"].push_back({{"kernels", a.kernels},
                             {"threads", a.threads},
                             {"fp32_operations_per_s", a.peaks.fp32},
                             {"int8_operations_per_s", a.peaks.int8},
                             {"bits16_operations_per_s", a.peaks.bits16}});
  }
  std::puts(json.dump(2).c_str());
}

void limits_of_device(const Options& o) {
  const KnownLimits limits = own_limits_of(o.device);
  if (!limits) fail("--device {}: it does not measure its limits; choose cpu or vulkan", o.device);
  if (!o.json) return fmt::print("{}\n", to_text(limits));
  const ordered_json json = {{"machine", machine_json()}, {"device", o.device}, {"limits", to_json(limits)}};
  std::puts(json.dump(2, ' ', false, ordered_json::error_handler_t::replace).c_str());
}

void limits_of_threads(const Options& o) {
  int most = o.threads > 0 ? o.threads : platform::cpu().cores;
  if (!o.json) {
    fmt::print("{}, {} cores\n\n{:>7}  {:>10}  {:>10}\n", platform::cpu().name, platform::cpu().cores, "threads",
               "read GB/s", "copy GB/s");
  }
  std::vector<Memory> memory;
  for (int threads : thread_counts(most)) {
    const Memory& m = memory.emplace_back(
        Memory{threads, measure_read_bandwidth(threads), measure_copy_bandwidth(threads)});
    if (!o.json) fmt::print("{:7}  {:10.1f}  {:10.1f}\n", m.threads, m.read / 1e9, m.copy / 1e9);
    std::fflush(stdout);
  }
  if (!o.json) {
    fmt::print("\n{:<12}{:>7}  {:>15}  {:>15}  {:>15}\n", "kernels", "threads", "fp32 GFLOP/s", "int8 GOP/s",
               "int16 GOP/s");
  }
  std::vector<Arithmetic> arithmetic;
  for (const kernels::KernelTable* table : fast_tables()) {
    for (int threads : thread_counts(most)) {
      const Arithmetic& a = arithmetic.emplace_back(Arithmetic{table->name, threads, measure_peaks(*table, threads)});
      if (o.json) continue;
      fmt::print("{:<12}{:7}  {:15.1f}  {:15.1f}  {:15.1f}\n", a.kernels, a.threads, a.peaks.fp32 / 1e9,
                 a.peaks.int8 / 1e9, a.peaks.bits16 / 1e9);
      std::fflush(stdout);
    }
  }
  if (o.json) return print_json(memory, arithmetic);
  fmt::print("\nCopying counts the bytes read and the bytes written. A multiply-add is two operations.\n");
}

}  // namespace

void add_bench_limits(CLI::App& bench) {
  auto o = std::make_shared<Options>();
  auto* verb = bench.add_subcommand("limits", "Bandwidth and arithmetic peaks of this machine, or of a GPU");
  verb->add_option("--device", o->device, "cpu, or vulkan (a GPU)");
  verb->add_option("--threads", o->threads, "the most threads; 0: every physical core")
      ->check(CLI::Range(0, 1024))
      ->envname("TROIKA_THREADS");
  verb->add_flag("--json", o->json, "as JSON");
  verb->callback([o] {
    if (o->device == "cpu") limits_of_threads(*o);
    else limits_of_device(*o);
  });
}

}  // namespace troika::apps
