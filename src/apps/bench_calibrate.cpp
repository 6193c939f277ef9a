// troika bench calibrate: measures what the planner must know of this machine, and keeps it.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <memory>

#include "apps/bench_report.h"
#include "apps/calibration.h"
#include "apps/printable.h"

namespace troika::apps {
namespace {

struct Options {
  CalibrationOptions calibration;
  bool keep = false, json = false;

  bool keeps() const { return keep || calibration.is_usual(); }
};

void print(const plan::Speed& speed) {
  for (const plan::Speed::Size& size : speed.sizes) {
    const std::string weights = size.weights > 0 ? fmt::format("{:.1f} M", size.weights / 1e6) : "";
    fmt::print("  {:<10} {:>7} {:<6}", speed.work, weights, speed.work == "rows" ? "GB/s" : "GOP/s");
    for (const plan::Speed::Point& p : size.points) fmt::print("{:>9.1f} ({})", p.per_s / 1e9, p.rows);
    fmt::print("\n");
  }
}

void print(const plan::Hardware& machine) {
  fmt::print("{}\n", printable(machine.description));
  for (const plan::DeviceCosts& d : machine.devices) {
    fmt::print("\n{}: {}\n  reads {:.1f} GB/s; a submission takes {:.1f} us, an op besides its work {:.2f} us\n", d.name,
               printable(d.description), d.read_bytes_per_s.value / 1e9, d.submit_s.value * 1e6, d.launch_s.value * 1e6);
    for (const plan::Speed& speed : d.speeds) print(speed);
  }
  for (const plan::Pair& p : machine.pairs) {
    const std::string copy =
        p.copy_bytes_per_s.value > 0 ? fmt::format("copies {:.1f} GB/s", p.copy_bytes_per_s.value / 1e9) : "no copies";
    fmt::print("\n{} to {}: {}; {} is {:.0f} % slower while {} reads memory", p.from, p.to, copy, p.from,
               100 * p.slowed.value, p.to);
  }
  fmt::print("\nIn brackets: rows of a step; in front of products, values of the matrix.\n");
}

void run(const Options& o) {
  const auto begin = std::chrono::steady_clock::now();
  const plan::Hardware machine = calibrate(o.calibration, [&](std::string_view what) {
    if (!o.json) fmt::print(stderr, "measuring {}\n", what);
  });
  if (o.keeps()) keep_machine(machine, o.calibration.is_whole() ? Measured::whole : Measured::part);
  if (o.json) return fmt::print("{}", plan::to_json(machine));
  print(machine);
  const std::string kept = o.keeps() ? fmt::format("kept in {}", kept_machine().string())
                                     : "not kept, since not all of it was measured as usual (--keep)";
  fmt::print("Measured in {1:.0f} s; {0}\n", kept,
             std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
}

}  // namespace

void add_bench_calibrate(CLI::App& bench) {
  auto o = std::make_shared<Options>();
  auto* verb =
      bench.add_subcommand("calibrate", "Measure what the planner must know of this machine, and keep it");
  verb->add_option("--devices", o->calibration.devices, "cpu,vulkan,npu; without it the CPU, a GPU and an NPU, as far as they are there")
      ->delimiter(',')
      ->allow_extra_args(false);
  verb->add_option("--threads", o->calibration.threads, "CPU threads; 0: every physical core")
      ->check(CLI::Range(0, 1024))
      ->envname("TROIKA_THREADS");
  verb->add_option("--isa", o->calibration.isa,
                   "the CPU's kernels: scalar, avx2 or avx512; the fastest without it");
  verb->add_option("--shapes", o->calibration.shapes,
                   "of the weights, rows x columns: 1024x1024,4096x4096; other operations take the columns of the largest")
      ->delimiter(',');
  verb->add_option("--formats", o->calibration.formats, "of the weights: q4_0,q4_k; without it the usual ones")->delimiter(',');
  verb->add_option("--seconds", o->calibration.seconds, "measured time of each figure")->check(CLI::Range(0.001, 10.0));
  verb->add_flag("--keep", o->keep, "keep it although --threads, --isa, --shapes or --seconds are not the usual ones");
  verb->add_flag("--json", o->json, "as JSON, as --hardware of `troika plan` takes it");
  verb->callback([o] { run(*o); });
}

}  // namespace troika::apps
