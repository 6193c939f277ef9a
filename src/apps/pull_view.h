// A pull as people watch it (one line a file: bar, bytes, rate, time left; without a terminal a line every few percent)
// and as programs do (JSON lines).
#pragma once

#include <chrono>
#include <string>

#include "store/store.h"

namespace troika::apps {

// On standard error.
class TerminalPullView {
 public:
  TerminalPullView();
  ~TerminalPullView();  // ends a line that was left open
  TerminalPullView(const TerminalPullView&) = delete;
  store::PullEvents events();  // valid as long as this

 private:
  using Clock = std::chrono::steady_clock;

  void show(const store::PullPlan& plan);
  void show(const store::Progress& progress);
  void begin(const store::Progress& progress);
  std::string line(const store::Progress& progress) const;
  void overwrite(const std::string& line);

  bool terminal_;
  std::string file_;            // that is shown now
  bool open_ = false;           // the line does not end yet
  size_t shown_width_ = 0;      // columns of it
  int shown_percent_ = -1;      // last printed, without a terminal
  bool came_ = false;           // bytes of this file came just now
  Clock::time_point began_;     // when they began to
  uint64_t began_at_ = 0;       // bytes that were here then
};

// On standard output: {"status": "planned", …}, then {"status": "downloading", "file", "digest", "total", "completed"}, …
class JsonPullView {
 public:
  store::PullEvents events();
};

}  // namespace troika::apps
