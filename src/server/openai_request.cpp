// See openai_request.h.
#include "server/openai_request.h"

#include <algorithm>
#include <charconv>

#include "server/api_error.h"

namespace troika::server {
namespace {

constexpr int kMaxChoices = 128;
constexpr size_t kMaxStops = 4;

void refuse_what_we_cannot_honour(const Fields& fields) {
  if (const Json* modalities = fields.find("modalities")) {
    if (!modalities->is_array())
      refuse("modalities", "modalities must be an array, not {}.", kind_of(*modalities));
    for (const Json& modality : *modalities)
      if (modality != "text") refuse_unsupported("modalities", "Any output but text");
  }
}

std::vector<std::pair<int32_t, float>> read_logit_bias(const Fields& fields, int vocabulary) {
  const Json* bias = fields.find("logit_bias");
  if (!bias) return {};
  const std::string field = fields.path("logit_bias");
  Fields(*bias, field);
  std::vector<std::pair<int32_t, float>> result;
  for (const auto& [key, value] : bias->items()) {
    const std::string path = fmt::format("{}.{}", field, shown(key));
    int32_t id = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size() || id < 0 || id >= vocabulary)
      refuse(path, "The keys of {} must be token ids from 0 to {}, not '{}'.", field, vocabulary - 1, shown(key));
    if (!value.is_number() || !(value.get<double>() >= -100 && value.get<double>() <= 100))
      refuse(path, "{} must be a number from -100 to 100.", path);
    result.emplace_back(id, value.get<float>());
  }
  return result;
}

// The request's value, or what the model recommends.
void override(float& option, const std::optional<double>& value) {
  if (value) option = float(*value);
}

}  // namespace

engine::SamplingOptions read_sampling(const Fields& fields, const engine::ModelInfo& model) {
  engine::SamplingOptions sampling = model.sampling;
  override(sampling.temperature, fields.number("temperature", 0, 2));
  override(sampling.top_p, fields.number("top_p", 0, 1));
  override(sampling.min_p, fields.number("min_p", 0, 1));
  override(sampling.typical_p, fields.number("typical_p", 0, 1));
  override(sampling.presence_penalty, fields.number("presence_penalty", -2, 2));
  override(sampling.frequency_penalty, fields.number("frequency_penalty", -2, 2));
  override(sampling.repetition_penalty, fields.number("repeat_penalty", 0.01, 100));
  override(sampling.repetition_penalty, fields.number("repetition_penalty", 0.01, 100));
  if (const auto top_k = fields.integer("top_k", -1, kAnyInt))
    sampling.top_k = int(std::max<int64_t>(*top_k, 0));
  if (sampling.top_p == 0) sampling.top_k = 1;  // the smallest nucleus is the likeliest token
  if (const auto seed = fields.integer("seed", INT64_MIN, INT64_MAX)) sampling.seed = uint64_t(*seed);
  sampling.logit_bias = read_logit_bias(fields, model.vocabulary);
  return sampling;
}

std::vector<std::string> read_stops(const Fields& fields, std::string_view name, size_t most) {
  const Json* stop = fields.find(name);
  if (!stop) return {};
  const std::string path = fields.path(name);
  std::vector<std::string> stops;
  if (stop->is_string()) {
    stops.push_back(*stop);
  } else if (stop->is_array()) {
    if (stop->size() > most) refuse(path, "{} must have at most {} strings, not {}.", path, most, stop->size());
    for (size_t i = 0; i < stop->size(); ++i) {
      const Json& item = (*stop)[i];
      const std::string place = fmt::format("{}[{}]", path, i);
      if (!item.is_string()) refuse(place, "{} must be a string, not {}.", place, kind_of(item));
      stops.push_back(item);
    }
  } else {
    refuse(path, "{} must be a string or an array of strings, not {}.", path, kind_of(*stop));
  }
  for (const std::string& text : stops)
    if (text.empty()) refuse(path, "A string of {} must not be empty.", path);
  return stops;
}

CompletionRequest read_completion_request(const Fields& fields, const engine::ModelInfo& model,
                                          int least_tokens) {
  refuse_what_we_cannot_honour(fields);
  CompletionRequest request;
  request.sampling = read_sampling(fields, model);
  request.stops = read_stops(fields, "stop", kMaxStops);
  request.n = int(fields.integer("n", 1, kMaxChoices).value_or(1));
  const auto max_tokens = fields.integer("max_tokens", least_tokens, kAnyInt);
  const auto max_completion_tokens = fields.integer("max_completion_tokens", 1, kAnyInt);
  if (max_tokens) request.max_tokens = int(*max_tokens);
  if (max_completion_tokens) request.max_tokens = int(*max_completion_tokens);
  request.stream = fields.boolean("stream").value_or(false);
  request.ignore_end = fields.boolean("ignore_eos").value_or(false);
  request.slice = fields.string("slice").value_or("");
  request.format = read_output_format(fields);
  if (!request.format.free() && request.ignore_end)
    refuse("ignore_eos", "ignore_eos and {} contradict each other: the format says where the answer ends.",
           request.format.path);
  if (const Json* options = fields.find("stream_options")) {
    const Fields members(*options, "stream_options");
    request.include_usage = members.boolean("include_usage").value_or(false);
    members.boolean("include_obfuscation");
    if (!request.stream) refuse("stream_options", "stream_options needs stream to be true.");
  }
  return request;
}

ReasoningRequest read_reasoning_request(const Fields& fields) {
  ReasoningRequest request;
  request.split = fields.choice("reasoning_format", {"auto", "none", "deepseek"}).value_or("auto") != "none";
  for (const char* name : {"thinking_budget", "max_thinking_tokens"}) {
    const auto tokens = fields.integer(name, -1, kAnyInt);  // -1: no limit
    if (tokens && *tokens >= 0) request.budget = int(*tokens);
  }
  return request;
}

int fit_to_context(const engine::ModelInfo& model, size_t prompt_tokens, std::optional<int> max_tokens,
                   const std::string& param) {
  const size_t context = size_t(model.context_length);
  const size_t wanted = size_t(max_tokens.value_or(1));
  if (prompt_tokens + wanted <= context) return max_tokens.value_or(0);
  const std::string message =
      max_tokens
          ? fmt::format(
                "The context has {} tokens; this request needs {}: {} of the prompt and {} for the answer "
                "(max_tokens). Shorten the prompt or ask for fewer tokens.",
                context, prompt_tokens + wanted, prompt_tokens, wanted)
          : fmt::format(
                "The context has {} tokens; the prompt has {} and leaves no room for an answer. Shorten "
                "the prompt.",
                context, prompt_tokens);
  throw ApiError(400, "invalid_request_error", message, param, "context_length_exceeded");
}

}  // namespace troika::server
