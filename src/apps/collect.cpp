#include "apps/collect.h"

#include <latch>

#include "base/error.h"

namespace troika::apps {

std::vector<Outcome> run_all(engine::Engine& engine, std::vector<engine::Request> requests) {
  auto outcomes = std::make_shared<std::vector<Outcome>>(requests.size());
  auto done = std::make_shared<std::latch>(static_cast<ptrdiff_t>(requests.size()));
  for (size_t i = 0; i < requests.size(); ++i) {
    engine.submit(std::move(requests[i]), [outcomes, done, i](const engine::Event& event) {
      Outcome& outcome = (*outcomes)[i];
      if (event.token >= 0) outcome.tokens.push_back(event.token);
      if (event.finish == engine::Finish::none) return;
      outcome.last = event;
      done->count_down();
    });
  }
  done->wait();
  for (const Outcome& outcome : *outcomes) {
    if (outcome.last.finish == engine::Finish::failed) fail("generation failed: {}", outcome.last.error);
  }
  return std::move(*outcomes);
}

}  // namespace troika::apps
