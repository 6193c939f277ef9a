// troika bench calibrate: measures what the planner must know of this machine, and keeps it.
#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "apps/bench_report.h"
#include "apps/calibration.h"
#include "apps/printable.h"

namespace troika::apps {
namespace {

struct Options {
  CalibrationOptions calibration;
  bool json = false;
};

std::string speed_text(const plan::Speed& speed) {
  std::string text;
  for (const plan::Speed::Point& p : speed.points) text += fmt::format("{:>9.1f} ({})", p.per_s / 1e9, p.rows);
  return text;
}

void print(const plan::Hardware& machine) {
  fmt::print("{}\n", printable(machine.description));
  for (const plan::DeviceCosts& d : machine.devices) {
    fmt::print("\n{}: {}\n  reads {:.1f} GB/s; a submission takes {:.1f} us, an op besides its work {:.2f} us\n", d.name,
               printable(d.description), d.read_bytes_per_s.value / 1e9, d.submit_s.value * 1e6, d.launch_s.value * 1e6);
    for (const plan::Speed& speed : d.speeds) {
      fmt::print("  {:<10} {:<6}{}\n", speed.work, speed.work == "rows" ? "GB/s" : "GOP/s", speed_text(speed));
    }
  }
  for (const plan::Pair& p : machine.pairs) {
    const std::string copy =
        p.copy_bytes_per_s.value > 0 ? fmt::format("copies {:.1f} GB/s", p.copy_bytes_per_s.value / 1e9) : "no copies";
    fmt::print("\n{} to {}: {}; {} is {:.0f} % slower while {} reads memory", p.from, p.to, copy, p.from,
               100 * p.slowed.value, p.to);
  }
  fmt::print("\nIn brackets: rows of a step. Kept in {}\n", kept_machine().string());
}

void run(const Options& o) {
  const plan::Hardware machine = calibrate(o.calibration, [&](std::string_view what) {
    if (!o.json) fmt::print(stderr, "measuring {}\n", what);
  });
  keep_machine(machine);
  if (o.json) fmt::print("{}", plan::to_json(machine));
  else print(machine);
}

}  // namespace

void add_bench_calibrate(CLI::App& bench) {
  auto o = std::make_shared<Options>();
  auto* verb =
      bench.add_subcommand("calibrate", "Measure what the planner must know of this machine, and keep it; about a minute");
  verb->add_option("--devices", o->calibration.devices, "cpu,vulkan; without it the CPU, and a GPU where there is one")
      ->delimiter(',')
      ->allow_extra_args(false);
  verb->add_option("--threads", o->calibration.threads, "CPU threads; 0: every physical core")
      ->check(CLI::Range(0, 1024))
      ->envname("TROIKA_THREADS");
  verb->add_option("--isa", o->calibration.isa,
                   "the CPU's kernels: scalar, avx2, avx512 or avx512_bf16; the fastest without it");
  verb->add_option("--shape", o->calibration.shape, "of the weights, rows x columns; other operations take its columns");
  verb->add_option("--formats", o->calibration.formats, "of the weights: q4_0,q4_k; without it the usual ones")->delimiter(',');
  verb->add_option("--seconds", o->calibration.seconds, "measured time of each figure")->check(CLI::Range(0.001, 10.0));
  verb->add_flag("--json", o->json, "as JSON, as --hardware of `troika plan` takes it");
  verb->callback([o] { run(*o); });
}

}  // namespace troika::apps
