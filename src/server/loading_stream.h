// What clients that asked for a stream are told while their model is loaded, in each API's words: that something happens,
// and why it ended, if it does. A stream that has begun has no status to say that with.
#pragma once

#include <string>

#include "server/http.h"

namespace troika::server {

// How a route's streams look.
enum class Events : uint8_t { none, openai, responses, anthropic };

// A stream of server-sent events without its body.
Reply event_stream();

// Nothing that clients take for a part of the answer: a comment, or Anthropic's ping.
std::string loading_event(Events events, const PendingLoad& load);

// The refusal in `reply`, which is no stream, as the stream's last event.
std::string refusal_event(Events events, const Reply& reply);

}  // namespace troika::server
