#include "server/replicas.h"

#include <algorithm>

#include "base/log.h"

namespace troika::server {
namespace {

constexpr int kMostFailures = 3;  // steps one after the other: a single one may be the request's fault
constexpr auto kPassedOver = std::chrono::seconds(30);
constexpr int kPatience = 1;  // requests that it may have more than others where the conversation is known

}  // namespace

void Replicas::add(std::unique_ptr<engine::Engine> engine) {
  engine::Engine* const added = engine.get();
  replicas_.push_back({.owned = std::move(engine), .engine = added});
}

void Replicas::add_lent(engine::Engine& engine) { replicas_.push_back({.owned = nullptr, .engine = &engine}); }

// Who fails is asked again after a while; if it fails once more, it is passed over for as long again.
void Replicas::look_after(Replica& replica, Clock::time_point now) {
  const int failed = replica.engine->stats().failed_steps;
  if (failed >= kMostFailures && failed > replica.failed_steps) {
    replica.passed_over_until = now + kPassedOver;
    if (replicas_.size() > 1)
      log::error("replica {} failed {} steps in a row; it gets no requests for {} s", &replica - replicas_.data() + 1,
                 failed, kPassedOver.count());
  }
  if (failed == 0) replica.passed_over_until = {};
  replica.failed_steps = failed;
}

Replicas::Place Replicas::take(std::optional<uint64_t> conversation, Clock::time_point now) {
  for (Replica& replica : replicas_) look_after(replica, now);
  const auto rank = [&](const Replica& replica) {
    return std::pair(replica.passed_over_until > now, replica.requests);
  };
  auto chosen = std::ranges::min_element(replicas_, {}, rank);
  Seat* const seat = conversation ? &seats_[*conversation % seats_.size()] : nullptr;
  if (seat && seat->is_taken && seat->conversation == *conversation) {
    const auto known = replicas_.begin() + ptrdiff_t(seat->number);
    const auto [fails, requests] = rank(*known);
    if (fails == rank(*chosen).first && requests <= chosen->requests + kPatience) chosen = known;
  }
  const size_t number = size_t(chosen - replicas_.begin());
  if (seat) *seat = {.conversation = *conversation, .number = number, .is_taken = true};
  ++chosen->requests;
  return {.number = number, .is_failing = rank(*chosen).first};
}

}  // namespace troika::server
