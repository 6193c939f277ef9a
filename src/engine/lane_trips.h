// The main lane's side of the lane for prompts: sends one prompt after another there, between two steps, and lands what comes
// back. Used by the engine's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/page_carrier.h"
#include "engine/prefill_lane.h"
#include "engine/scheduler.h"
#include "engine/step.h"

namespace troika::engine {

class LaneTrips {
 public:
  struct Counts {
    int64_t prompts = 0, tokens = 0;  // handed over
    int64_t computed_tokens = 0;      // those that nobody wanted any more among them
    double busy_s = 0;
  };
  using Begins = std::function<void(const Sequence&)>;

  LaneTrips(std::unique_ptr<PrefillLane> lane, const Model& main) : carrier_(main), lane_(std::move(lane)) {}

  // Takes what is back, as far as there is room for it, and sends the next one, of which `begins` hears. False: the lane is
  // lost, for the reason that error() gives, and no use any more.
  bool tend(Scheduler& scheduler, Step& step, const Begins& begins);
  const std::string& error() const { return back_->error; }

  bool is_computing() const { return lane_->is_computing(); }  // nothing is back yet
  void share_cpu(double share) { lane_->share_cpu(share); }
  const Counts& counts() const { return counts_; }

 private:
  void send(const Sequence& sequence, const Step& step);
  bool land(const PrefillLane::Trip& trip, Scheduler& scheduler, Step& step);

  const PageCarrier carrier_;
  std::optional<PrefillLane::Trip> back_;  // from there, for as long as there is no room
  uint64_t trip_ = 0;                      // the last one that was sent there
  Counts counts_;
  std::unique_ptr<PrefillLane> lane_;
};

}  // namespace troika::engine
