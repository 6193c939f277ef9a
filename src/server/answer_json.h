// The JSON of answers, as far as several APIs have it alike.
#pragma once

#include <string>
#include <vector>

#include "server/generation.h"
#include "server/json_input.h"

namespace troika::server {

std::string dump(const Json& json);  // in one line; bytes that are not UTF-8 become U+FFFD

float finite(float logprob);  // JSON has no infinity: -9999

// "stop" or "length"; null while a choice goes on.
Json finish_reason(engine::Finish finish);

// {token, logprob, bytes, top_logprobs} of each, as OpenAI's and Ollama's APIs have them.
Json describe_logprobs(const text::Tokenizer& tokenizer, const std::vector<ScoredToken>& tokens);

}  // namespace troika::server
