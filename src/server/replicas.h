// The engines of one loaded model, and which of them a request goes to: the one with the least to do or, as long as that
// is about the same, the one that has read the beginning of the conversation. One that fails step after step is passed
// over for a while. One thread at a time.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/engine.h"

namespace troika::server {

class Replicas {
 public:
  using Clock = std::chrono::steady_clock;

  void add(std::unique_ptr<engine::Engine> engine);
  void add_lent(engine::Engine& engine);  // outlives this

  bool empty() const { return replicas_.empty(); }
  size_t size() const { return replicas_.size(); }
  engine::Engine& engine(size_t number) const { return *replicas_[number].engine; }

  // Takes a place at one of them until give_back(number). `conversation`: requests with the same number begin alike.
  struct Place {
    size_t number = 0;
    bool is_failing = false;  // all are
  };
  Place take(std::optional<uint64_t> conversation, Clock::time_point now = Clock::now());
  void give_back(size_t number) { --replicas_[number].requests; }

  int requests(size_t number) const { return replicas_[number].requests; }
  bool is_passed_over(size_t number, Clock::time_point now = Clock::now()) const {
    return replicas_[number].passed_over_until > now;
  }

 private:
  struct Replica {
    std::unique_ptr<engine::Engine> owned;
    engine::Engine* engine = nullptr;
    int requests = 0;
    int failed_steps = 0;  // when it was last passed over
    Clock::time_point passed_over_until{};
  };
  struct Seat {
    uint64_t conversation = 0;
    size_t number = 0;
    bool is_taken = false;
  };

  void look_after(Replica& replica, Clock::time_point now);

  std::vector<Replica> replicas_;
  std::array<Seat, 1024> seats_;  // where conversations were last, by their number; the newer one of two keeps the seat
};

}  // namespace troika::server
