// Who gets through to a route: the key of a request, its role, and how much of the engine the key may use at once
// and in a minute. Of the server's one I/O thread, like everything that counts here.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/api_error.h"
#include "server/api_keys.h"
#include "server/http.h"

namespace troika::server {

// What a key uses now. Fractions of a request come back with time: `left` grows to the limit of a minute.
struct KeyUse {
  int running = 0;
  double left = 0;
  std::chrono::steady_clock::time_point counted;
};

// Holds the place of a request among those of its key until the answer is sent.
class Permit {
 public:
  Permit() = default;
  explicit Permit(std::shared_ptr<KeyUse> use) : use_(std::move(use)) { ++use_->running; }
  Permit(Permit&& other) noexcept : use_(std::move(other.use_)) {}
  Permit& operator=(Permit&& other) noexcept {
    std::swap(use_, other.use_);
    return *this;
  }
  ~Permit() {
    if (use_) --use_->running;
  }

 private:
  std::shared_ptr<KeyUse> use_;
};

struct Admission {
  Caller caller;
  Permit permit;
  std::optional<ApiError> refusal;
};

class Access {
 public:
  using Clock = std::chrono::steady_clock;

  Access() = default;  // everybody may do everything
  explicit Access(std::vector<ApiKey> keys) : asks_(true), keys_(std::move(keys)) {}

  // `metered`: it uses the engine, so it counts against the key's limits. Refuses with 401, 403 or 429.
  Admission admit(const HttpRequest& request, Role needed, bool metered, Clock::time_point now);

  // From now on these are the keys. What runs goes on; who stays keeps what is used of the limits.
  void replace(std::vector<ApiKey> keys);

 private:
  std::optional<ApiError> over_limit(const ApiKey& key, KeyUse& use, Clock::time_point now);

  bool asks_ = false;  // for keys
  std::vector<ApiKey> keys_;
  std::map<std::string, std::shared_ptr<KeyUse>, std::less<>> uses_;  // by the key's name
};

}  // namespace troika::server
