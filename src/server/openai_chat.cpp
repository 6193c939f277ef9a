// POST /v1/chat/completions. A last assistant message is not continued: as with OpenAI, the answer is a new
// turn.
#include "base/error.h"
#include "server/api_error.h"
#include "server/openai.h"
#include "server/openai_request.h"
#include "server/openai_work.h"

namespace troika::server {
namespace {

class ChatWork : public CompletionWork {
 public:
  ChatWork(Setup setup, engine::Engine& engine, std::vector<std::string> stops, bool logprobs)
      : CompletionWork(std::move(setup), engine, std::move(stops)), logprobs_(logprobs) {}

 protected:
  void open(std::string& out) override {
    for (int i = 0; i < setup_.choices; ++i)
      write_delta(i, {{"role", "assistant"}, {"content", ""}}, nullptr, engine::Finish::none, out);
  }

  void write(const Delta& delta, std::string& out) override {
    if (!delta.text.empty() || !delta.tokens.empty())
      write_delta(delta.choice, {{"content", delta.text}}, logprobs(delta.tokens), engine::Finish::none, out);
    if (delta.finish != engine::Finish::none)
      write_delta(delta.choice, Json::object(), nullptr, delta.finish, out);
  }

  Json describe(int index, ChoiceResult& result) override {
    return {{"index", index},
            {"message", {{"role", "assistant"}, {"content", std::move(result.text)}, {"refusal", nullptr}}},
            {"logprobs", logprobs(result.tokens)}};
  }

 private:
  void write_delta(int index, Json delta, Json logprobs, engine::Finish finish, std::string& out) const {
    write_chunk({{"index", index},
                 {"delta", std::move(delta)},
                 {"logprobs", std::move(logprobs)},
                 {"finish_reason", finish_reason(finish)}},
                out);
  }

  Json logprobs(const std::vector<ScoredToken>& tokens) const {
    if (!logprobs_) return nullptr;
    Json content = Json::array();
    for (const ScoredToken& token : tokens) {
      Json entry = score(token.id, token.logprob);
      Json& top = entry["top_logprobs"] = Json::array();
      for (const engine::TokenLogprob& other : token.top) top.push_back(score(other.id, other.logprob));
      content.push_back(std::move(entry));
    }
    return {{"content", std::move(content)}, {"refusal", nullptr}};
  }

  Json score(int32_t id, float logprob) const {
    const std::string_view text = tokenizer_.bytes(id);
    Json bytes = Json::array();
    for (const char byte : text) bytes.push_back(int(uint8_t(byte)));
    return {{"token", text}, {"logprob", finite(logprob)}, {"bytes", std::move(bytes)}};
  }

  const bool logprobs_;
};

// Whatever the template complains about is about the chat that it was given.
std::string render(const engine::Engine& engine, Json variables) {
  try {
    return engine.text().render(std::move(variables));
  } catch (const InternalError&) {
    throw;
  } catch (const Error& error) {
    refuse("messages", "{}", error.what());
  }
}

}  // namespace

Reply chat_completions(const Models& models, const HttpRequest& http, std::string_view) {
  const Json body = parse_json(http.body);
  const Fields fields(body);
  const ServedModel& model = models.find(fields.string("model"));
  engine::Engine& engine = *model.engine;
  const CompletionRequest request = read_completion_request(fields, engine.model());
  const bool logprobs = fields.boolean("logprobs").value_or(false);
  const auto top_logprobs = fields.integer("top_logprobs", 0, 20);
  if (top_logprobs.value_or(0) > 0 && !logprobs)
    refuse("top_logprobs", "top_logprobs needs logprobs to be true.");

  const std::string prompt = render(engine, read_chat_variables(fields));
  engine::Request wanted{.prompt = engine.text().tokenizer->encode(prompt, {.parse_special = true}),
                         .sampling = request.sampling,
                         .logprobs = logprobs,
                         .top_logprobs = int(top_logprobs.value_or(0)),
                         .stop_at_end_tokens = !request.ignore_end};
  if (wanted.prompt.empty()) refuse("messages", "The messages make an empty prompt.");
  wanted.max_tokens = fit_to_context(engine.model(), wanted.prompt.size(), request.max_tokens, "messages");

  auto work = std::make_unique<ChatWork>(
      CompletionWork::Setup{
          .header =
              make_header("chatcmpl-", request.stream ? "chat.completion.chunk" : "chat.completion", model),
          .stream = request.stream,
          .include_usage = request.include_usage,
          .choices = request.n,
          .prompt_tokens = int(wanted.prompt.size())},
      engine, request.stops, logprobs);
  submit_choices(work->generation(), wanted, request.n);
  return reply_with(std::move(work), request.stream);
}

}  // namespace troika::server
