// What a request must be before it is taken: whatever can fail, fails here, with one sentence for the client.
#pragma once

#include "engine/engine.h"

namespace troika::engine {

struct RequestLimits {
  const ModelInfo& info;
  bool has_tokenizer = false;
  bool sees = false;
  int longest_run = 0;  // tokens of an image that must be computed in one step; 0: any
};

void check_request(const Request& request, const RequestLimits& limits);  // throws Error

}  // namespace troika::engine
