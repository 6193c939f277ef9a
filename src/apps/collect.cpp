#include "apps/collect.h"

#include <latch>
#include <memory>

#include "base/error.h"

namespace troika::apps {

std::vector<Outcome> run_all(engine::Engine& engine, std::vector<engine::Request> requests) {
  auto outcomes = std::make_shared<std::vector<Outcome>>(requests.size());
  auto done = std::make_shared<std::latch>(static_cast<ptrdiff_t>(requests.size()));
  std::vector<uint64_t> ids;
  try {
    for (size_t i = 0; i < requests.size(); ++i) {
      ids.push_back(engine.submit(std::move(requests[i]), [outcomes, done, i](const engine::Event& event) {
        Outcome& outcome = (*outcomes)[i];
        if (event.token >= 0) outcome.tokens.push_back(event.token);
        if (event.finish == engine::Finish::none) return;
        outcome.last = event;
        done->count_down();
      }));
    }
  } catch (...) {  // one is refused: what runs already may hold references of the caller's
    for (uint64_t id : ids) engine.cancel(id);
    done->count_down(static_cast<ptrdiff_t>(requests.size() - ids.size()));
    done->wait();
    throw;
  }
  done->wait();
  for (const Outcome& outcome : *outcomes) {
    if (outcome.last.finish == engine::Finish::failed) fail("generation failed: {}", outcome.last.error);
  }
  return std::move(*outcomes);
}

}  // namespace troika::apps
