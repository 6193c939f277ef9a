// What an engine says of the first token behind a prompt, and how far two of these are from each other.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "engine/clients.h"

namespace troika::engine {

// The first token's distribution.
inline std::vector<TokenLogprob> first_choice(Engine& engine, Request request) {
  request.logprobs = true;
  request.top_logprobs = 20;
  request.max_tokens = 1;
  Client client;
  client.start(engine, std::move(request));
  client.wait();
  return client.last().top;
}

// Σ p · log(p / q) over tokens that both name, all others counting as one: the part of the divergence that these show.
inline double shown_divergence(const std::vector<TokenLogprob>& p, const std::vector<TokenLogprob>& q) {
  double sum = 0, p_rest = 1, q_rest = 1;
  for (const TokenLogprob& a : p) {
    const auto b = std::ranges::find(q, a.id, &TokenLogprob::id);
    if (b == q.end()) continue;
    sum += std::exp(a.logprob) * (a.logprob - b->logprob);
    p_rest -= std::exp(a.logprob);
    q_rest -= std::exp(b->logprob);
  }
  return sum + p_rest * std::log(p_rest / q_rest);
}

}  // namespace troika::engine
