// POST /api/chat and /api/generate: one JSON object a line, or one alone. A call of a tool stands whole in one line, as
// its arguments are an object; one that was cut short is left out.
#include <chrono>
#include <utility>

#include "server/answer_json.h"
#include "server/answer_rules.h"
#include "server/answer_work.h"
#include "server/api_schemas.h"
#include "server/fill_in.h"
#include "server/ollama.h"
#include "server/ollama_request.h"
#include "server/tool_reader.h"

namespace troika::server {
namespace {

enum class Form : uint8_t { chat, generate };  // a message, or text at the top level

class OllamaWork : public AnswerWork {
 public:
  OllamaWork(Setup setup, engine::Engine& engine, std::vector<std::string> stops, Form form, bool logprobs)
      : AnswerWork(std::move(setup), engine, std::move(stops)), form_(form), logprobs_(logprobs) {}

 protected:
  void open(std::string&) override {}

  void write(const Delta& delta, std::string& out) override {
    Json calls = Json::array();
    for (const AnswerPiece& part : pieces(delta)) {
      said_.add(part);
      if (part.complete) add_call(calls, said_.calls.back());
    }
    const std::string words = std::exchange(said_.words, "");
    if (delta.reasoning.empty() && words.empty() && calls.empty() && delta.tokens.empty()) return;
    Json line = piece(delta.reasoning, words, std::move(calls));
    line["done"] = false;
    if (logprobs_) line["logprobs"] = describe_logprobs(tokenizer_, delta.tokens);
    out += dump(line) + '\n';
  }

  void close(std::string& out) override {
    Json line = piece("", "", Json::array());
    add_end(line);
    out += dump(line) + '\n';
  }

  void fail(const ApiError& error, std::string& out) override { out += error_body(error, ErrorStyle::ollama) + '\n'; }

  Json whole() override {
    const SpokenAnswer spoken = read_answer(answer().text, setup_.calls);
    Json calls = Json::array();
    for (const ToolCall& call : spoken.calls) add_call(calls, call);
    Json line = piece(answer().reasoning, spoken.words, std::move(calls));
    if (logprobs_) line["logprobs"] = describe_logprobs(tokenizer_, answer().tokens);
    add_end(line);
    return line;
  }

 private:
  void add_call(Json& calls, const ToolCall& call) {
    auto arguments = call.object();
    if (!arguments) return;
    Json function = {{"index", calls_++}, {"name", call.name}, {"arguments", *std::move(arguments)}};
    calls.push_back({{"id", random_id("call_")}, {"function", std::move(function)}});
  }

  Json piece(const std::string& reasoning, const std::string& text, Json calls) const {
    Json line = {{"model", setup_.model}, {"created_at", rfc3339_now()}};
    if (form_ == Form::chat) {
      line["message"] = {{"role", "assistant"}, {"content", text}};
      if (!reasoning.empty()) line["message"]["thinking"] = reasoning;
      if (!calls.empty()) line["message"]["tool_calls"] = std::move(calls);
    } else {
      line["response"] = text;
      if (!reasoning.empty()) line["thinking"] = reasoning;
    }
    return line;
  }

  void add_end(Json& line) const {
    const auto nanoseconds = [](double seconds) { return int64_t(seconds * 1e9); };
    const std::chrono::duration<double> total = std::chrono::steady_clock::now() - begun_;
    const engine::Timings& timings = generation().timings();
    line["done"] = true;
    line["done_reason"] = finish_reason(answer().finish);
    line["total_duration"] = nanoseconds(total.count());
    line["load_duration"] = 0;
    line["prompt_eval_count"] = setup_.prompt_tokens;
    line["prompt_eval_duration"] = nanoseconds(timings.prompt_s);
    line["eval_count"] = generation().completion_tokens();
    line["eval_duration"] = nanoseconds(timings.generate_s);
  }

  const Form form_;
  const bool logprobs_;
  int calls_ = 0;      // that were told
  SpokenAnswer said_;  // of a stream: its calls, and the words of the line
  const std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

Reply answer_with(const ChatCall& call, const PreparedChat& prepared, Form form) {
  auto work =
      std::make_unique<OllamaWork>(AnswerWork::Setup{.model = call.model->id,
                                                     .stream = call.request.stream,
                                                     .prompt_tokens = int(prepared.request.prompt.size()),
                                                     .errors = ErrorStyle::ollama,
                                                     .calls = prepared.calls},
                                   call.engine(), call.request.stops, form, call.logprobs);
  work->submit(prepared.request, prepared.reasoning);
  Reply reply{.work = std::move(work), .streamed = call.request.stream};
  if (call.request.stream) reply.content_type = "application/x-ndjson";
  add_notes(reply, prepared.request.grammar.get());
  return reply;
}

// What Ollama answers when the model is only to be loaded or unloaded.
Reply answer_nothing(const std::string& model, const char* reason, Form form) {
  Json line = {{"model", model}, {"created_at", rfc3339_now()}};
  if (form == Form::chat) {
    line["message"] = {{"role", "assistant"}, {"content", ""}};
  } else {
    line["response"] = "";
  }
  line["done"] = true;
  line["done_reason"] = reason;
  return {.body = dump(line)};
}

// Nothing is asked, and the model is not to be kept.
Reply answer_unload(const Models& models, const Asked& asked, Form form) {
  asked.fields.required("model");
  const std::string name = *asked.fields.string("model");
  if (asked.http.caller.role < Role::admin)
    throw ApiError(403, "permission_error",
                   fmt::format("The key '{}' is a user's; admins unload models.", asked.caller), "keep_alive", "forbidden");
  models.look(asked.http.caller, name);
  models.pool().unload(name);
  return answer_nothing(models.look(asked.http.caller, name).offer.id, "unload", form);
}

bool keeps_nothing(const Fields& fields) { return read_keep_alive(fields) == ModelPool::Seconds(0); }

// The new input with the variables that the call has already.
void add_input(ChatCall& call, ChatInput input) {
  for (auto& [name, value] : call.input.variables.items()) input.variables[name] = value;
  input.variables["add_generation_prompt"] = true;
  call.input = std::move(input);
}

// A text that goes on where the prompt ends, or that fits between prompt and suffix.
Reply answer_raw(const ChatCall& call, const std::string& prompt, const std::string& suffix) {
  const text::Tokenizer& tokenizer = *call.engine().text().tokenizer;
  std::vector<int32_t> ids =
      tokenizer.encode(prompt, {.parse_special = true, .add_bos = suffix.empty() && tokenizer.data().add_bos});
  if (!suffix.empty()) ids = fill_in_prompt(tokenizer, ids, suffix);
  if (ids.empty()) refuse("prompt", "prompt must not be empty.");
  return answer_with(call, prepare_prompt(call, {.tokens = std::move(ids)}, true), Form::generate);
}

}  // namespace

Reply ollama_chat(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kOllamaChatSchema);
  const Json* messages = asked.fields.find("messages");
  const bool loads = !messages || (messages->is_array() && messages->empty());
  if (loads && keeps_nothing(asked.fields)) return answer_unload(models, asked, Form::chat);
  const auto call = read_ollama_call(models, asked);
  call->tools = read_ollama_tools(asked.fields);
  if (!loads) add_input(*call, read_ollama_messages(*messages, *call->model, models.pictures()));
  return with_pictures(models, asked, call, [call = call.get(), loads](const auto& pictures) {
    return loads ? answer_nothing(call->model->id, "load", Form::chat)
                 : answer_with(*call, prepare_chat(*call, pictures), Form::chat);
  });
}

Reply ollama_generate(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kOllamaGenerateSchema);
  const Fields& fields = asked.fields;
  const std::string prompt = fields.string("prompt").value_or("");
  const std::string suffix = fields.string("suffix").value_or("");
  if (prompt.empty() && suffix.empty() && !fields.find("images") && keeps_nothing(fields))
    return answer_unload(models, asked, Form::generate);
  const auto call = read_ollama_call(models, asked);
  call->prompt_field = "prompt";
  const bool raw = fields.boolean("raw").value_or(false) || !suffix.empty();
  add_input(*call, read_ollama_prompt(fields, *call->model, models.pictures()));
  const bool shows = !call->input.images.empty();
  const bool loads = prompt.empty() && suffix.empty() && !shows;
  if (raw && shows) refuse("images", "images need the model's template: leave out raw and suffix.");
  return with_pictures(models, asked, call, [=, call = call.get()](const auto& pictures) {
    if (loads) return answer_nothing(call->model->id, "load", Form::generate);
    if (raw) return answer_raw(*call, prompt, suffix);
    return answer_with(*call, prepare_chat(*call, pictures), Form::generate);
  });
}

}  // namespace troika::server
