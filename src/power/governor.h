// Reads the machine's sensors now and then, decides (policy.h) and tells engines how much they may use; counts the
// energy (meter.h). One for all engines of a process; every member may be called from any thread.
//
// A thread of its own looks, since an embedded controller may take long to answer: every two seconds while somebody
// asks for limits, every half minute else, so that a counter that goes round is seen and a machine that rests cools down.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

#include "base/sensors.h"
#include "power/meter.h"
#include "power/policy.h"

namespace troika::power {

struct Status {
  Wish wish;
  Seen seen;
  Decision decision;
  platform::Energy spent;  // since the governor began
};

inline std::string explain(const Status& status) { return explain(status.wish, status.seen, status.decision); }

class Governor {
 public:
  enum class Looks : uint8_t { by_itself, when_told };  // when_told: without the thread, for tests

  explicit Governor(const Wish& wish, const std::filesystem::path& root = "/", Looks looks = Looks::by_itself);

  Limits limits();  // of the last look; between two steps: quick, and nothing is allocated
  Status status() const;
  platform::Energy spent();  // until now
  const Meter& meter() const { return meter_; }  // its facts, which stand still

  void look(Clock::time_point now);

 private:
  void watch(const std::stop_token& stop);

  const Wish wish_;
  const std::filesystem::path root_;

  std::mutex reading_;  // guards what reads
  platform::Sensors sensors_;
  Meter meter_;

  mutable std::mutex mutex_;  // guards what was found; taken behind `reading_`
  std::condition_variable_any wake_;
  Status status_;
  bool is_asked_ = false;  // for limits, since the last look

  std::jthread thread_;  // last: it uses all the others
};

}  // namespace troika::power
