// One load on a server: so many users, each asking again as soon as it has its answer (closed loop), or
// requests that come at random times whether the earlier ones are answered or not (open loop).
#pragma once

#include <string>
#include <vector>

#include "apps/bench_serve_requests.h"
#include "apps/bench_serve_stats.h"
#include "apps/bench_serve_transfers.h"

namespace troika::apps::load {

struct Load {
  int users = 0;        // closed loop; or
  double rate = 0;      // open loop: arrivals a second, Poisson
  uint64_t number = 0;  // no two loads of a run ask the same
  Window window;        // from the end of the warm-up, in seconds
};

struct Server {
  Transfers& transfers;
  std::string url;
  Dialect dialect;
};

// Every request that began before the end of the window, with its outcome. The load goes on until all of
// these have ended, so that the last ones have no easier time than the others.
std::vector<Outcome> run_load(const Server& server, const Mix& mix, const Load& load);

// One request while nothing else is asked. Throws Error unless it is answered.
Outcome run_alone(const Server& server, const std::string& body);

}  // namespace troika::apps::load
