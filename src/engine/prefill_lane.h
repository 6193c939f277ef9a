// A second lane of the engine: devices of its own, with weights and a little cache of their own, that only read prompts while
// the main lane decodes. A prompt goes there as tokens and comes back as cache pages; one is on its way at a time. Used by the
// engine's thread; the lane computes on its own.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "engine/engine.h"
#include "engine/model.h"
#include "engine/page_carrier.h"
#include "engine/step.h"
#include "power/policy.h"

namespace troika::engine {

// How the two lanes load the model. The CPU of the lane for prompts reads matrices where the file is mapped, which costs no
// memory and, for many rows at once, little time.
struct Lanes {
  EngineOptions main, prefill;
  double cpu_share = 1;  // of the threads, for each: half where the CPU computes on both
};
Lanes lanes_of(const EngineOptions& options);

// What the main lane is and takes.
struct MainLane {
  const Model& model;
  int context = 0;         // tokens of the longest prompt
  size_t cache_bytes = 0;
};

// Memory that the lane takes, and what is left by the main one. Throws Error when it does not fit.
struct LaneRoom {
  size_t weights = 0, cache = 0, free = 0;  // bytes
};
void check_lane_room(std::string_view devices, const LaneRoom& room);

class PrefillLane {
 public:
  // A prompt on its way.
  struct Trip {
    uint64_t number = 0;
    std::vector<int32_t> tokens;   // whole pages
    int known = 0;                 // of these, at the beginning, whole pages: they need not be computed
    std::vector<std::byte> pages;  // as PageCarrier reads them: on the way there of [0, known), on the way back of the others
    std::string error;             // on the way back: why there are none, and the lane cannot go on
    int computed = 0;              // tokens, and the seconds that they took
    double busy_s = 0;
  };

  // Loads the model once more. `has_arrived` is called on the lane's thread when a trip is back. Throws DeviceAbsent, and Error
  // when memory is short, or when pages cannot be handed over.
  PrefillLane(const std::filesystem::path& path, const Lanes& lanes, const MainLane& main, std::function<void()> has_arrived);
  ~PrefillLane();  // waits for the step that it computes

  bool is_busy() const { return busy_; }  // from send() to take()
  bool is_computing() const;                // nothing is back yet
  void send(Trip trip);        // not while it is busy
  void turn_back();            // what is on its way comes back soon, without pages
  void share_cpu(double share) { cpu_share_ = share; }  // of its threads, from its next step on
  std::optional<Trip> take();  // what is back, once; from then on it is not busy

 private:
  void loop(const std::stop_token& stop);
  void compute(const std::stop_token& stop);
  power::Limits obey_limits() const;
  void rest(const std::stop_token& stop, const power::Limits& limits, std::chrono::duration<double> work);
  void take_pages(Sequence& text, std::vector<KvPages>& pools, int end) const;

  const Model model_;
  const PageCarrier carrier_;
  const int step_tokens_;
  const std::vector<int> pages_;  // by page group
  Step step_;
  const std::shared_ptr<power::Governor> power_;  // null: nothing is limited
  const std::function<void()> has_arrived_;

  std::atomic<double> cpu_share_;
  bool busy_ = false;  // of the engine's thread
  std::atomic<bool> is_unwanted_ = false;
  mutable std::mutex mutex_;  // guards where the trip is
  std::condition_variable_any wake_;
  bool is_here_ = false, is_back_ = false;
  Trip trip_;  // the lane's while it is here

  std::jthread thread_;  // last: ends first
};

}  // namespace troika::engine
