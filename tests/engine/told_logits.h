// What an engine says of every token of a prompt, and how far that is from what another one says.
#pragma once

#include <algorithm>
#include <cmath>
#include <future>
#include <span>
#include <vector>

#include "engine/engine.h"

namespace troika::engine {

// Logits after every token of a prompt, one row behind the other. It waits as long as a simulator takes.
inline std::vector<float> logits(Engine& engine, const std::vector<int32_t>& prompt) {
  std::vector<float> all;
  Request request{.prompt = prompt};
  request.prompt_logits = [&](int, std::span<const float> row) { all.insert(all.end(), row.begin(), row.end()); };
  std::promise<void> done;
  engine.submit(std::move(request), [&](const Event& event) {
    if (event.finish != Finish::none) done.set_value();
  });
  done.get_future().wait();
  return all;
}

// The mean over rows of Σ p · log(p / q).
inline double divergence(std::span<const float> p, std::span<const float> q, size_t vocabulary) {
  double sum = 0;
  for (size_t row = 0; row < p.size(); row += vocabulary) {
    double p_sum = 0, q_sum = 0, largest = p[row];
    for (size_t i = row; i < row + vocabulary; ++i) largest = std::max({largest, double(p[i]), double(q[i])});
    for (size_t i = row; i < row + vocabulary; ++i) p_sum += std::exp(p[i] - largest), q_sum += std::exp(q[i] - largest);
    for (size_t i = row; i < row + vocabulary; ++i)
      sum += std::exp(p[i] - largest) / p_sum * (double(p[i]) - q[i] - std::log(p_sum / q_sum));
  }
  return sum / double(p.size() / vocabulary);
}

}  // namespace troika::engine
