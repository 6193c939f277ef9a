// What requests to Ollama's API have in common, and their messages as a chat.
#pragma once

#include <memory>
#include <string>

#include "server/chat_call.h"

namespace troika::server {

// All but the prompt: model, stream, format, options, keep_alive, think, logprobs.
std::shared_ptr<ChatCall> read_ollama_call(const Models& models, const Asked& asked);

// The variables of the template and the pictures, from the field `messages`.
ChatInput read_ollama_messages(const Json& messages, const ServedModel& model, const Pictures& pictures);

// One user's message of a text and pictures, after a system's.
ChatInput read_ollama_prompt(const Fields& fields, const ServedModel& model, const Pictures& pictures);

// Seconds, or a duration such as "5m" or "1h30m"; negative: for ever. Throws ApiError; nothing when absent.
std::optional<ModelPool::Seconds> read_keep_alive(const Fields& fields);

// The members of `options`. Adds those that nobody reads to `ignored`.
CompletionRequest read_ollama_options(const Fields& fields, const engine::ModelInfo& model,
                                      std::vector<std::string>& ignored);

// Nanoseconds since 1970 as RFC 3339 has them: "2026-01-02T03:04:05.123456789Z".
std::string rfc3339(int64_t nanoseconds);
std::string rfc3339_now();

}  // namespace troika::server
