// Speeds of an engine as a server uses it, not of bare kernels: prompts, and tokens of one or several users, from an
// empty cache or behind a text that is in the cache already.
#pragma once

#include <cstdint>
#include <vector>

#include "base/energy_counter.h"
#include "engine/engine.h"

namespace troika::apps {

// The least depth but 0: what is shorter than a page of the cache is not kept between two requests.
inline constexpr int kLeastDepth = 32;

// Tokens that a sequence needs room for so that the speeds below can be measured.
int context_for_prompt(int tokens, int depth);
int context_for_generation(int tokens, int users, int depth);

// One measurement.
struct Speed {
  double tokens_per_s = 0;
  double seconds = 0;      // that it took, and
  platform::Energy spent;  // what the governor's meter counted of it
};

// Of a prompt of `tokens` random ones behind `depth` others, whose time does not count. The same
// `depth` has the same text every time: what the cache still holds of it is not computed again.
Speed prompt_speed(engine::Engine& engine, power::Governor& meter, int tokens, int depth);

// Of all users together, over `tokens` steps that begin when the last of them has its first token. A
// user's first token is that behind `depth` tokens (1 token, where it is 0). Throws Error when not all can generate at
// once.
Speed generation_speed(engine::Engine& engine, power::Governor& meter, int tokens, int users, int depth);

// Seconds from now to the first token behind a prompt of one.
double first_token_seconds(engine::Engine& engine);

}  // namespace troika::apps
