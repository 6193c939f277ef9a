// Running requests to their end from a plain thread, for the verbs that are not servers.
#pragma once

#include <vector>

#include "engine/engine.h"

namespace troika::apps {

struct Outcome {
  std::vector<int32_t> tokens;
  engine::Event last;  // its timings count
};

// Submits all requests at once (they run as one ragged batch) and waits for all. Throws Error if one fails.
std::vector<Outcome> run_all(engine::Engine& engine, std::vector<engine::Request> requests);

}  // namespace troika::apps
