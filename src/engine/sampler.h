// Choosing the next token. One Sampler per request: it remembers what was generated and its place in the random
// stream, so that a result depends on the request alone, never on its neighbours in the batch.
//
// Order: penalties and bias, temperature, top-k, typical, top-p, min-p, draw. The temperature comes before the
// filters as in Hugging Face transformers, whose recommended settings models publish. The vocabulary is never
// sorted as a whole.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/request.h"

namespace troika::engine {

class Sampler {
 public:
  // `vocabulary`: ids from there on are padding rows of the head and are never drawn.
  Sampler(const SamplingOptions& options, std::span<const int32_t> prompt, int vocabulary);

  // Picks from logits [V] and remembers the choice. Throws Error when the largest logit is no finite number.
  int32_t pick(std::span<const float> logits);

  // Remembers a token that was not picked but given.
  void remember(int32_t id);

 private:
  struct Candidate {
    int32_t id;
    float logit;  // after penalties, bias and temperature
  };

  void adjust(std::span<float> logits) const;
  void gather(std::span<const float> logits, float largest);
  void keep_top_k();
  template <typename Before>
  void keep_mass(double wanted, Before before);
  void keep_typical();
  void keep_top_p();
  void keep_min_p();
  int32_t draw();
  double total() const;

  SamplingOptions options_;
  int vocabulary_;
  std::mt19937_64 random_;
  std::unordered_map<int32_t, int> generated_;  // id → times generated; 0: in the prompt only
  std::vector<float> logits_;
  std::vector<Candidate> candidates_;
};

// log softmax of the raw logits at `id`, and the `top` most likely tokens, most likely first.
float logprob(std::span<const float> logits, int32_t id);
std::vector<TokenLogprob> top_logprobs(std::span<const float> logits, int top);

int32_t argmax(std::span<const float> logits);

}  // namespace troika::engine
