// What chat and text completions have in common on the way in: how to sample, when to stop, what to stream.
// Every field is checked for type and range. Fields that we know and cannot honour are refused (api_schemas.cpp says
// which), because an answer that silently lacks what was asked for is worse than none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "server/json_input.h"
#include "server/models.h"
#include "server/output_format.h"

namespace troika::server {

struct CompletionRequest {
  engine::SamplingOptions sampling;
  std::vector<std::string> stops;
  std::optional<int> max_tokens;
  int n = 1;
  bool stream = false, include_usage = false;
  bool ignore_end = false;  // go on past end-of-generation tokens
  std::string slice;        // of the model; "": the engine's own
  OutputFormat format;
};

// `model` supplies the sampling that the request leaves open.
CompletionRequest read_completion_request(const Fields& fields, const engine::ModelInfo& model,
                                          int least_tokens = 1);

// What a chat says: the variables of the chat template (messages, add_generation_prompt and the caller's own), and
// the pictures that its messages show, in order, each as a part {"type": "image"}.
struct ChatInput {
  Json variables;
  std::vector<ImageSource> images;
  std::string prefill;  // the beginning of the answer, given by the caller; not of OpenAI's API
};
ChatInput read_chat(const Fields& fields, const ServedModel& model, const Pictures& pictures);

// For "reasoning_effort" at whatever place an API has it: to the template, and "none" means no reasoning.
void set_effort(Json& variables, const std::optional<std::string>& effort);
inline const std::vector<std::string_view> kEfforts = {"none", "minimal", "low", "medium", "high", "xhigh", "max"};

// The members temperature, top_p, … of `fields`, whatever object they stand in; the rest is the model's.
engine::SamplingOptions read_sampling(const Fields& fields, const engine::ModelInfo& model);

inline constexpr size_t kMostStops = 64;  // where an API names no bound of its own

// A string or up to `most` of them.
std::vector<std::string> read_stops(const Fields& fields, std::string_view name, size_t most);

// What becomes of reasoning: told apart from the answer, and for how long.
struct ReasoningRequest {
  bool split = true;
  std::optional<int> budget;  // tokens
};
ReasoningRequest read_reasoning_request(const Fields& fields);

// The engine's max_tokens for a prompt of this size. Throws ApiError (400, context_length_exceeded) with the
// exact counts when prompt and answer do not fit the context; nothing is cut.
int fit_to_context(const engine::ModelInfo& model, size_t prompt_tokens, std::optional<int> max_tokens,
                   const std::string& param);

}  // namespace troika::server
