#include "engine/lane_trips.h"

namespace troika::engine {

bool LaneTrips::tend(Scheduler& scheduler, Step& step, const Begins& begins) {
  if (!back_) back_ = lane_->take();
  if (back_) {
    if (!back_->error.empty()) return false;
    if (!land(*back_, scheduler, step)) return true;
    back_.reset();
  }
  if (!lane_->is_busy()) {
    if (const Sequence* next = scheduler.next_away()) {
      begins(*next);
      send(*next, step);
    }
  } else if (!scheduler.on_trip(trip_)) {
    lane_->turn_back();
  }
  return true;
}

void LaneTrips::send(const Sequence& sequence, const Step& step) {
  trip_ = sequence.trip;
  lane_->send({.number = trip_,
               .tokens = {sequence.tokens.begin(), sequence.tokens.begin() + sequence.lane_tokens},
               .known = sequence.computed,
               .pages = carrier_.read(step, sequence.pages, 0, sequence.computed)});
}

// False: there is no room in the cache yet.
bool LaneTrips::land(const PrefillLane::Trip& trip, Scheduler& scheduler, Step& step) {
  if (Sequence* sequence = scheduler.on_trip(trip.number)) {
    if (!scheduler.land(*sequence)) return false;
    carrier_.write(step, sequence->pages, trip.known, sequence->computed, trip.pages);
    ++counts_.prompts;
    counts_.tokens += sequence->computed - trip.known;
  }
  counts_.computed_tokens += trip.computed;
  counts_.busy_s += trip.busy_s;
  return true;
}

}  // namespace troika::engine
