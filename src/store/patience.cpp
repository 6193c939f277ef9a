#include "store/patience.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/error.h"
#include "base/log.h"
#include "store/stopped.h"

namespace troika::store {
namespace {

constexpr int kAttempts = 5;

void sleep(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, time, [] { return false; });
  if (stop.stop_requested()) throw Stopped("stopped");
}

}  // namespace

void Patience::wait(const std::string& problem, std::optional<std::chrono::seconds> asked) {
  if (asked && *asked > settings_.longest_pause)
    fail("{} It asks to wait {} s, which is longer than we do; try again then", problem, asked->count());
  if (attempts_ >= kAttempts) throw Error(problem);
  auto pause = settings_.retry_pause * (1 << attempts_++);
  if (asked) pause = std::max<std::chrono::milliseconds>(pause, *asked);
  log::debug("{} Next attempt in {} ms", problem, pause.count());
  sleep(pause, stop_);
}

bool may_pass(const HttpAnswer& answer) {
  if (answer.transport != Transport::ok) return answer.transport == Transport::broken;
  return answer.status == 429 || answer.status == 408 || answer.status / 100 == 5;
}

}  // namespace troika::store
