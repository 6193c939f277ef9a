// The same work on several threads that are started for it: for loading and compiling, not for steps.
#pragma once

#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace troika::device {

// Runs work() on so many threads at once, this one among them; throws what the first that failed threw.
template <typename Work>
void on_threads(int threads, const Work& work) {
  std::mutex mutex;
  std::exception_ptr error;
  const auto guarded = [&] {
    try {
      work();
    } catch (...) {
      std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
    }
  };
  {
    std::vector<std::jthread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back(guarded);
    guarded();
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace troika::device
