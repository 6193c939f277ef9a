// troika bench: what its three parts share. `bench MODEL` stands in bench.cpp, `bench limits` and `bench ops` in files
// of their own.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "apps/roofline.h"
#include "apps/spread.h"

namespace CLI {
class App;
}

namespace troika::apps {

void add_bench_limits(CLI::App& bench);
void add_bench_ops(CLI::App& bench);

nlohmann::ordered_json to_json(const Limits& limits);
nlohmann::ordered_json to_json(const Spread& spread);  // median, min, max, runs
std::string to_text(const Limits& limits);             // a line

// Processor, cores and their threads in use, operating system: what a figure is worth nothing without.
nlohmann::ordered_json machine_json();

}  // namespace troika::apps
