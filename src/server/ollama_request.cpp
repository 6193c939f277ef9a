#include "server/ollama_request.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>

#include "server/api_error.h"
#include "server/api_schemas.h"
#include "server/call_history.h"
#include "server/picture_reader.h"

namespace troika::server {
namespace {

struct Unit {
  std::string_view name;
  double seconds;
};
constexpr Unit kUnits[] = {{"ns", 1e-9}, {"us", 1e-6}, {"\xc2\xb5s", 1e-6}, {"ms", 1e-3},
                           {"s", 1},     {"m", 60},    {"h", 3600}};

// "12", "1.5", ".5": at most one point, and a digit.
bool is_decimal(std::string_view text) {
  return text.size() <= 18 && std::ranges::count(text, '.') <= 1 && text.find_first_of("0123456789") != text.npos;
}

// A Go duration: "1h30m", "-1s", "0".
std::optional<double> parse_duration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
    if (!is_decimal(text.substr(0, digits))) return std::nullopt;
    const double number = std::strtod(std::string(text.substr(0, digits)).c_str(), nullptr);
    text.remove_prefix(digits);
    const size_t letters = std::min(text.find_first_of("0123456789."), text.size());
    const auto unit = std::ranges::find(kUnits, text.substr(0, letters), &Unit::name);
    if (unit == std::end(kUnits)) return std::nullopt;
    total += number * unit->seconds;
    text.remove_prefix(letters);
  }
  return negative ? -total : total;
}

// No reasoning, as the model likes, or as much as a word says.
void read_think(const Fields& fields, ChatCall& call, Json& variables) {
  const Json* think = fields.find("think");
  if (!think) return;
  if (!think->is_boolean() && !think->is_string())
    refuse("think", "think must be true, false or a level, not {}.", kind_of(*think));
  if (think->is_string()) fields.choice("think", {"low", "medium", "high", "max"});
  if (*think == false) {
    call.reasoning.budget = 0;
    return;
  }
  if (!can_reason(call.engine())) refuse("think", "The model '{}' does not support thinking.", call.model->id);
  variables["enable_thinking"] = true;
  if (think->is_string()) set_effort(variables, think->get<std::string>());
}

Json read_images(const Json& images, const std::string& path, PictureReader& pictures) {
  if (!images.is_array()) refuse(path, "{} must be an array of base64, not {}.", path, kind_of(images));
  Json parts = Json::array();
  for (size_t i = 0; i < images.size(); ++i) {
    const std::string place = fmt::format("{}[{}]", path, i);
    if (!images[i].is_string()) refuse(place, "{} must be base64, not {}.", place, kind_of(images[i]));
    pictures.expect_one_more(place);
    pictures.add_base64(images[i], "image/png", place);  // which type it is, the bytes say
    parts.push_back(Json::object({{"type", "image"}}));
  }
  return parts;
}

// Pictures come before the text, as Ollama has it.
Json content_of(std::string text, const Json* images, const std::string& path, PictureReader& pictures) {
  if (!images || (images->is_array() && images->empty())) return text;
  Json parts = read_images(*images, path, pictures);
  parts.push_back({{"type", "text"}, {"text", std::move(text)}});
  return parts;
}

void add_calls(const Fields& message, Json& result) {
  const Json* calls = message.find("tool_calls");
  if (!calls || (calls->is_array() && calls->empty())) return;
  result["tool_calls"] = read_tool_calls(*calls, message.path("tool_calls"));
}

Json read_message(const Json& source, const std::string& path, PictureReader& pictures) {
  const Fields message(source, path);
  message.required("role");
  const std::string role = *message.choice("role", {"system", "user", "assistant", "tool"});
  const Json* images = message.find("images");
  if (role != "user" && images && !(images->is_array() && images->empty()))
    refuse_part(message.path("images"), "pictures belong in the user's messages.");
  Json result = {{"role", role},
                 {"content", content_of(message.string("content").value_or(""), images, message.path("images"), pictures)}};
  if (const auto thinking = message.string("thinking")) result["reasoning_content"] = *thinking;
  if (role == "assistant") add_calls(message, result);
  if (role == "tool") {
    if (const auto name = message.string("tool_name")) result["name"] = *name;
    if (const auto id = message.string("tool_call_id")) result["tool_call_id"] = *id;
  }
  return result;
}

}  // namespace

std::optional<ModelPool::Seconds> read_keep_alive(const Fields& fields) {
  const Json* value = fields.find("keep_alive");
  if (!value) return std::nullopt;
  if (value->is_number()) return ModelPool::Seconds(value->get<double>());
  if (!value->is_string()) refuse("keep_alive", "keep_alive must be seconds or a duration, not {}.", kind_of(*value));
  const auto seconds = parse_duration(value->get_ref<const std::string&>());
  if (!seconds)
    refuse("keep_alive", "keep_alive must be a duration such as \"5m\" or \"1h30m\", or a number of seconds.");
  return ModelPool::Seconds(*seconds);
}

CompletionRequest read_ollama_options(const Fields& fields, const engine::ModelInfo& model,
                                      std::vector<std::string>& ignored) {
  CompletionRequest request{.sampling = model.sampling};
  const Json* value = fields.find("options");
  if (!value) return request;
  const Fields options(*value, "options");
  check_fields(options, kOllamaOptionsSchema);
  request.sampling = read_sampling(options, model);
  if (request.sampling.seed == uint64_t(-1)) request.sampling.seed.reset();
  request.stops = read_stops(options, "stop", kMostStops);
  const int64_t most = options.integer("num_predict", -kAnyInt, kAnyInt).value_or(0);
  if (most > 0) request.max_tokens = int(most);
  const int64_t context = options.integer("num_ctx", 1, kAnyInt).value_or(0);
  if (context > model.context_length)
    refuse("options.num_ctx", "options.num_ctx is {}, but the context here has {} tokens; start the server with --ctx {}.",
           context, model.context_length, context);
  const auto last = options.integer("repeat_last_n", -1, kAnyInt);
  if (last == 0) request.sampling.repetition_penalty = 1;
  if (last.value_or(0) > 0 && request.sampling.repetition_penalty != 1)
    refuse("options.repeat_last_n",
           "options.repeat_last_n must be -1 (all of the text) or 0 (no penalty): a penalty looks at everything here.");
  for (std::string& path : options.unread()) ignored.push_back(std::move(path));
  return request;
}

std::shared_ptr<ChatCall> read_ollama_call(const Models& models, const Asked& asked) {
  const Fields& fields = asked.fields;
  auto call = std::make_shared<ChatCall>();
  fields.required("model");
  call->model = &models.find(asked, read_keep_alive(fields));
  call->request = read_ollama_options(fields, call->engine().model(), call->ignored);
  call->request.stream = fields.boolean("stream").value_or(true);  // unlike elsewhere
  call->request.format = read_ollama_format(fields);
  call->logprobs = fields.boolean("logprobs").value_or(false);
  call->top_logprobs = int(fields.integer("top_logprobs", 0, 20).value_or(0));
  if (call->top_logprobs > 0 && !call->logprobs) refuse("top_logprobs", "top_logprobs needs logprobs to be true.");
  call->input.variables = Json::object();
  read_think(fields, *call, call->input.variables);
  return call;
}

ChatInput read_ollama_messages(const Json& messages, const ServedModel& model, const Pictures& pictures) {
  if (!messages.is_array()) refuse("messages", "messages must be an array, not {}.", kind_of(messages));
  PictureReader reader(model, pictures);
  ChatInput input{.variables = {{"messages", Json::array()}}};
  for (size_t i = 0; i < messages.size(); ++i)
    input.variables["messages"].push_back(read_message(messages[i], fmt::format("messages[{}]", i), reader));
  input.images = reader.take();
  return input;
}

ChatInput read_ollama_prompt(const Fields& fields, const ServedModel& model, const Pictures& pictures) {
  PictureReader reader(model, pictures);
  ChatInput input{.variables = {{"messages", Json::array()}}};
  Json& messages = input.variables["messages"];
  if (const auto system = fields.string("system"); system && !system->empty())
    messages.push_back({{"role", "system"}, {"content", *system}});
  messages.push_back({{"role", "user"},
                      {"content", content_of(fields.string("prompt").value_or(""), fields.find("images"), "images", reader)}});
  input.images = reader.take();
  return input;
}

std::string rfc3339(int64_t nanoseconds) {
  const std::time_t seconds = nanoseconds / 1'000'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  const size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:09}Z", std::string_view(text, length), nanoseconds % 1'000'000'000);
}

std::string rfc3339_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return rfc3339(std::chrono::duration_cast<std::chrono::nanoseconds>(now).count());
}

}  // namespace troika::server
