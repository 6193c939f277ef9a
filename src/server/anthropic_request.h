// What Anthropic's messages ask for, as a chat.
#pragma once

#include <memory>

#include "server/chat_call.h"

namespace troika::server {

// What both routes read: the prompt, and whether the model reasons.
std::shared_ptr<ChatCall> read_anthropic_prompt(const Models& models, const Asked& asked);

// The rest of a request for an answer.
void read_anthropic_answer(const Fields& fields, ChatCall& call);

}  // namespace troika::server
