// Texts for the scheduler's tests, and what the engine does with the work.
#pragma once

#include <numeric>

#include "engine/scheduler.h"
#include "ops/step_inputs.h"

namespace troika::engine {

inline constexpr int P = ops::kPageTokens;

inline Sequence sequence(uint64_t id, int tokens) {
  Sequence s;
  s.id = id;
  s.tokens.resize(tokens, 1);
  return s;
}

// A sequence whose tokens count up from `first`.
inline Sequence counting(uint64_t id, int tokens, int first = 0) {
  Sequence s = sequence(id, tokens);
  std::iota(s.tokens.begin(), s.tokens.end(), first);
  return s;
}

// A prompt with a picture on tokens [first, first + count) that see each other both ways.
inline Sequence with_run(uint64_t id, int tokens, int first, int count, uint64_t picture = 7) {
  Sequence s = counting(id, tokens);
  s.runs = {{first, first + count}};
  s.images = {{first, count, {picture, 0}, nullptr}};
  return s;
}

// What the engine does with the work: computes it and appends a token to sequences that are complete.
inline void compute(const std::vector<Work>& work) {
  for (const Work& w : work) {
    w.sequence->computed += w.count;
    if (w.sequence->outstanding() == 0) w.sequence->tokens.push_back(1);
  }
}

}  // namespace troika::engine
