// A request in flight. Owned by the engine's thread once it is taken from the queue.
#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "engine/constraint.h"
#include "engine/engine.h"
#include "engine/image_prompt.h"
#include "engine/sampler.h"
#include "engine/sequence.h"
#include "engine/thinking.h"
#include "engine/vision_tower.h"

namespace troika::engine {

struct Running {
  using Clock = std::chrono::steady_clock;

  Request request;
  EventSink sink;
  Sequence sequence;
  Sampler sampler;
  Clock::time_point submitted = Clock::now(), started, first_token, last_token;
  int generated = 0;
  std::unique_ptr<VisionTower::Run> seeing;  // of the first picture without features
  std::optional<ThinkingWatch> thinking;
  std::optional<Constraint> constraint;
  int scored = 0;  // prompt positions whose logits were given: a sequence that starts over gives none twice

  Running(Request r, EventSink s, int vocabulary)
      : request(std::move(r)), sink(std::move(s)), sampler(request.sampling, request.prompt, vocabulary) {
    sequence.tokens = request.prompt;
    sequence.owner = request.owner;
    sequence.priority = request.priority;
    sequence.further = request.further;
    if (request.grammar) constraint.emplace(request.grammar);
    sequence.wanted = wanted();
    sequence.all_outputs = request.prompt_logits || (request.prompt_states && !request.last_state_only);
    for (const PlacedImage& i : request.images) sequence.images.push_back({i.first, i.count, i.hash, nullptr});
  }
  // Of the next rows of logits.
  ops::Wanted wanted() const {
    ops::Wanted wanted = sampler.wanted(constraint.has_value());
    if (generated > 0 || !request.wants_prompt()) return wanted;
    if (request.max_tokens == 0) wanted.whole = 0;  // no token is drawn
    if (request.prompt_logits) wanted.whole |= ops::Wanted::logits;
    if (request.prompt_states) wanted.whole |= ops::Wanted::states;
    return wanted;
  }
  int prompt_tokens() const { return static_cast<int>(request.prompt.size()); }
  // After a new start more than the prompt may have been taken over.
  int reused_tokens() const { return std::min(sequence.reused, prompt_tokens()); }
};

}  // namespace troika::engine
