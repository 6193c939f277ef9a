// How often and how long something that may pass is waited for: five new attempts, each pause twice as long as the one
// before, or as long as the other side asks.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>

#include "store/http.h"
#include "store/settings.h"

namespace troika::store {

class Patience {
 public:
  Patience(const Settings& settings, const std::stop_token& stop) : settings_(settings), stop_(stop) {}

  // Waits before the next attempt. Throws Error with `problem`, a whole sentence, when there have been enough; Stopped
  // when a stop is requested.
  void wait(const std::string& problem, std::optional<std::chrono::seconds> asked = std::nullopt);
  void progressed() { attempts_ = 0; }  // something came: begin to count anew

 private:
  const Settings& settings_;
  const std::stop_token& stop_;
  int attempts_ = 0;
};

// Whether the same request may succeed a little later.
bool may_pass(const HttpAnswer& answer);

}  // namespace troika::store
