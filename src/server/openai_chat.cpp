// POST /v1/chat/completions. A last assistant message is not continued: as with OpenAI, the answer is a new
// turn. Reasoning comes as `reasoning_content` beside `content`, as DeepSeek's API has it; log probabilities are of
// all tokens, those of the reasoning first.
#include "base/error.h"
#include "server/answer_work.h"
#include "server/api_error.h"
#include "server/api_schemas.h"
#include "server/chat_call.h"
#include "server/openai.h"
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
    const bool has_text = !delta.text.empty() || (delta.reasoning.empty() && !delta.tokens.empty());
    if (!delta.reasoning.empty())
      write_delta(delta.choice, {{"reasoning_content", delta.reasoning}},
                  has_text ? Json() : logprobs(delta.tokens), engine::Finish::none, out);
    if (has_text)
      write_delta(delta.choice, {{"content", delta.text}}, logprobs(delta.tokens), engine::Finish::none, out);
    if (delta.finish != engine::Finish::none)
      write_delta(delta.choice, Json::object(), nullptr, delta.finish, out);
  }

  Json describe(int index, ChoiceResult& result) override {
    Json message = {{"role", "assistant"}, {"content", std::move(result.text)}, {"refusal", nullptr}};
    if (!result.reasoning.empty()) message["reasoning_content"] = std::move(result.reasoning);
    return {{"index", index}, {"message", std::move(message)}, {"logprobs", logprobs(result.tokens)}};
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
    return {{"content", describe_logprobs(tokenizer_, tokens)}, {"refusal", nullptr}};
  }

  const bool logprobs_;
};

std::shared_ptr<ChatCall> read_call(const Models& models, const Fields& fields) {
  check_fields(fields, kChatSchema);
  auto call = std::make_shared<ChatCall>();
  call->model = &models.find(fields.string("model"));
  call->request = read_completion_request(fields, call->engine().model());
  call->reasoning = read_reasoning_request(fields);
  call->logprobs = fields.boolean("logprobs").value_or(false);
  const auto top_logprobs = fields.integer("top_logprobs", 0, 20);
  if (top_logprobs.value_or(0) > 0 && !call->logprobs)
    refuse("top_logprobs", "top_logprobs needs logprobs to be true.");
  call->top_logprobs = int(top_logprobs.value_or(0));
  call->input = read_chat(fields, *call->model, models.pictures());
  call->ignored = fields.unread();
  return call;
}

Reply answer_call(ChatCall& call, const std::vector<engine::SharedPicture>& pictures) {
  const CompletionRequest& request = call.request;
  PreparedChat chat = prepare_chat(call, pictures);
  auto work = std::make_unique<ChatWork>(
      CompletionWork::Setup{
          .header =
              make_header("chatcmpl-", request.stream ? "chat.completion.chunk" : "chat.completion", *call.model),
          .stream = request.stream,
          .include_usage = request.include_usage,
          .choices = request.n,
          .prompt_tokens = int(chat.request.prompt.size())},
      call.engine(), request.stops, call.logprobs);
  submit_choices(work->generation(), chat.request, request.n, chat.reasoning);
  return reply_with(std::move(work), request.stream);
}

}  // namespace

Reply chat_completions(const Models& models, const HttpRequest& http, std::string_view) {
  const Json body = parse_json(http.body);
  const auto call = read_call(models, Fields(body));
  call->owner = http.caller.name;
  return with_pictures(models, call, [call = call.get()](const auto& pictures) { return answer_call(*call, pictures); });
}

// The prompt that a chat would make, without answering it.
Reply apply_template(const Models& models, const HttpRequest& http, std::string_view) {
  const Json asked = parse_json(http.body);
  const auto call = read_call(models, Fields(asked));
  if (call->reasoning.budget == 0) call->input.variables["enable_thinking"] = false;
  Reply reply;
  try {
    Json body = Json::object();
    body["prompt"] = call->engine().text().render(std::move(call->input.variables));
    reply.body = dump(body);
  } catch (const InternalError&) {
    throw;
  } catch (const Error& error) {
    refuse("messages", "{}", error.what());
  }
  name_ignored(call->ignored, reply);
  return reply;
}

}  // namespace troika::server
