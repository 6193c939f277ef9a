// Choosing the next token. One Sampler per request: it remembers what was generated and its place in the random
// stream, so that a result depends on the request alone, never on its neighbours in the batch.
//
// Order: penalties and bias, temperature, top-k, typical, top-p, min-p, draw. The temperature comes before the
// filters as in Hugging Face transformers, whose recommended settings models publish. The vocabulary is never
// sorted as a whole.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include "device/device.h"
#include "engine/logit_row.h"
#include "engine/request.h"
#include "grammar/vocabulary.h"
#include "kernels/kernel_table.h"
#include "ops/step_inputs.h"

namespace troika::engine {

class Sampler {
 public:
  // `vocabulary`: ids from there on are padding rows of the head and are never drawn.
  Sampler(const SamplingOptions& options, std::span<const int32_t> prompt, int vocabulary,
          const kernels::KernelTable& table = kernels::kernel_table());

  // Picks from logits [V] and remembers the choice. Throws Error when the largest logit is no finite number.
  // Only what `allowed` holds, if given, is picked.
  int32_t pick(std::span<const float> logits, const grammar::TokenMask* allowed = nullptr);

  // The same token from the most likely ones of the row; nothing, as if it had not been asked, where they may not suffice.
  std::optional<int32_t> pick(const device::TopLogits& top, const grammar::TokenMask* allowed = nullptr);

  // What the next pick needs of the row: all of it, or its most likely tokens, which mostly suffice.
  ops::Wanted wanted(bool constrained) const;

  // Remembers a token that was not picked but given.
  void remember(int32_t id);

 private:
  void notice(int32_t id, int times);
  bool adjusts() const { return !options_.logit_bias.empty() || !seen_.empty(); }
  void adjust(std::span<float> logits) const;
  float penalised(int32_t id, float logit) const;
  bool draws_from_list() const;
  int32_t draw_from_list();
  int32_t draw_from_row();
  double point() { return double(random_() >> 11) * 0x1p-53; }

  SamplingOptions options_;
  size_t vocabulary_;
  const kernels::KernelTable* table_;
  std::mt19937_64 random_;
  std::vector<int32_t> seen_;   // tokens that penalties touch
  std::vector<int32_t> times_;  // id → times generated, 0: in the prompt only, -1: not seen; empty without penalties
};

// log softmax of the raw logits. Reads them once for all that is asked; they stay where they are as long as this lives.
// One at a time on a thread.
class Logprobs {
 public:
  explicit Logprobs(std::span<const float> logits, const kernels::KernelTable& table = kernels::kernel_table());

  float of(int32_t id) const { return static_cast<float>(logits_[id] - log_sum_); }
  // The `count` most likely tokens, most likely first.
  std::vector<TokenLogprob> top(int count) const;

 private:
  std::span<const float> logits_;
  double log_sum_;
};

// What is said about a token that came: its own, and those of the most likely ones, most likely first.
struct TokenLogprobs {
  float own = 0;
  std::vector<TokenLogprob> top;
};
// As Logprobs has it but for rounding, from the most likely tokens of a row; nothing where they do not tell it.
std::optional<TokenLogprobs> logprobs_of(const device::TopLogits& top, int32_t id, int count);

}  // namespace troika::engine
