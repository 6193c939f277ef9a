// What goes into the engine and what comes out: plain data, moved between threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/image_prompt.h"
#include "engine/thinking.h"
#include "grammar/token_grammar.h"

namespace troika::engine {

// How the next token is chosen from the logits. Neutral values leave the distribution as the model gives it.
struct SamplingOptions {
  float temperature = 1;  // 0: greedy
  int top_k = 0;          // 0: off
  float top_p = 1;
  float min_p = 0;
  float typical_p = 1;
  float repetition_penalty = 1;  // divides (multiplies when negative) logits of tokens in prompt or output
  float presence_penalty = 0;    // subtracted once from logits of generated tokens
  float frequency_penalty = 0;   // subtracted once per occurrence among generated tokens
  std::vector<std::pair<int32_t, float>> logit_bias;  // ids are checked against the vocabulary at submit
  std::optional<uint64_t> seed;                       // absent: drawn from the system
};

enum class Finish : uint8_t { none, stop, length, cancelled, failed };

struct TokenLogprob {
  int32_t id = 0;
  float logprob = 0;  // natural log of the unfiltered softmax at temperature 1
};

struct Timings {
  int prompt_tokens = 0, generated_tokens = 0;
  int reused_tokens = 0; // of the prompt: their keys and values were still in the cache from an earlier request
  double queued_s = 0;   // from submit to the first step that computed a token of it
  double prompt_s = 0;   // from there to the first generated token
  double generate_s = 0; // from there to the last
};

// One generated token, or the end of the request. Exactly one event per request has finish != none, and it is
// the last; it may carry a token (length) or not (stop: the end-of-generation token is not shown).
struct Event {
  int32_t token = -1;
  float logprob = 0;               // of `token`; valid when the request asked for logprobs
  std::vector<TokenLogprob> top;   // most likely first
  Finish finish = Finish::none;
  std::string error;               // with Finish::failed
  Timings timings;                 // with any finish; reused_tokens always
};

// Called on the engine's thread: it must not block and must not throw. Nothing is called after the final event.
using EventSink = std::function<void(const Event&)>;

// Called on the engine's thread with the logits [V] that follow prompt position `position`.
using LogitsSink = std::function<void(int position, std::span<const float> logits)>;

// The same with the last hidden state [E], after the last norm.
using StateSink = std::function<void(int position, std::span<const float> state)>;

struct Request {
  std::vector<int32_t> prompt;  // at least one token
  std::vector<PlacedImage> images;  // what stands in for some of its tokens: see Eyes, which makes both
  int max_tokens = 0;           // 0: until the context is full; with prompt_logits or prompt_states: none at all
  SamplingOptions sampling;
  bool logprobs = false;
  int top_logprobs = 0;         // 0..20
  bool stop_at_end_tokens = true;
  std::optional<ThinkingBudget> thinking;  // absent: the model reasons for as long as it likes
  std::string owner;            // whose it is: what the cache kept of one's text no other takes over, or can time;
                                // and owners are served in turn
  int priority = 0;             // lower ones come first, whoever asks
  bool further = false;         // belongs to one that was submitted before: the two wait as one
  std::shared_ptr<const grammar::TokenGrammar> grammar;  // that the whole answer keeps to; null: none
  std::string slice;            // of the model, as in EngineOptions; "": the engine's own
  LogitsSink prompt_logits;     // if set, called for every prompt position in order
  StateSink prompt_states;      // likewise
  bool last_state_only = false; // then prompt_states hears of the last position only, and what is cached is used

  bool wants_prompt() const { return prompt_logits || prompt_states; }
};

}  // namespace troika::engine
