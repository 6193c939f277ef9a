// POST /v1/chat/completions. A last assistant message is not continued: as with OpenAI, the answer is a new
// turn. Reasoning comes as `reasoning_content` beside `content`, as DeepSeek's API has it; log probabilities are of
// all tokens, those of the reasoning first.
#include "server/answer_json.h"
#include "server/answer_rules.h"
#include "server/api_error.h"
#include "server/api_schemas.h"
#include "server/chat_call.h"
#include "server/native.h"
#include "server/openai.h"
#include "server/openai_work.h"
#include "server/tool_call_parser.h"
#include "server/tool_reader.h"

namespace troika::server {
namespace {

class ChatWork : public CompletionWork {
 public:
  struct Options {
    bool logprobs = false;
    std::optional<ToolForm> calls;  // tools may be called, in this form
  };
  ChatWork(Setup setup, engine::Engine& engine, std::vector<std::string> stops, Options options)
      : CompletionWork(std::move(setup), engine, std::move(stops)), logprobs_(options.logprobs), form_(options.calls) {
    if (form_) parsers_.assign(size_t(setup_.choices), ToolCallParser(*form_));
  }

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
    if (form_) return write_pieces(delta, has_text, out);
    if (has_text)
      write_delta(delta.choice, {{"content", delta.text}}, logprobs(delta.tokens), engine::Finish::none, out);
    if (delta.finish != engine::Finish::none)
      write_delta(delta.choice, Json::object(), nullptr, delta.finish, out);
  }

  Json describe(int index, Answer& result) override {
    Json message = {{"role", "assistant"}, {"content", std::move(result.text)}, {"refusal", nullptr}};
    if (!result.reasoning.empty()) message["reasoning_content"] = std::move(result.reasoning);
    const bool called = form_ && take_calls_out(message);
    Json choice = {{"index", index}, {"message", std::move(message)}, {"logprobs", logprobs(result.tokens)}};
    if (called && result.finish == engine::Finish::stop) choice["finish_reason"] = kToolCalls;
    return choice;
  }

 private:
  static constexpr const char* kToolCalls = "tool_calls";

  // Words and calls of one delta. The scores of its tokens come with the first that is written.
  void write_pieces(const Delta& delta, bool has_text, std::string& out) {
    ToolCallParser& parser = parsers_[size_t(delta.choice)];
    const bool last = delta.finish != engine::Finish::none;
    std::vector<AnswerPiece> pieces = parser.append(delta.text, last);
    Json scores = has_text ? logprobs(delta.tokens) : Json();
    if (pieces.empty() && !scores.is_null()) pieces.emplace_back();
    for (const AnswerPiece& piece : pieces)
      write_delta(delta.choice, describe(piece), std::exchange(scores, nullptr), engine::Finish::none, out);
    if (!last) return;
    const bool called = delta.finish == engine::Finish::stop && parser.calls() > 0;
    write_delta(delta.choice, Json::object(), nullptr, delta.finish, out, called ? Json(kToolCalls) : Json());
  }

  static Json describe(const AnswerPiece& piece) {
    Json call = {{"index", piece.call}};
    switch (piece.kind) {
      case AnswerPiece::Kind::words:
        return {{"content", piece.text}};
      case AnswerPiece::Kind::call:
        call.update(new_call(piece.text));
        break;
      case AnswerPiece::Kind::arguments:
        call["function"] = {{"arguments", piece.text}};
        break;
    }
    return {{"tool_calls", Json::array({std::move(call)})}};
  }

  static Json new_call(const std::string& name) {
    return {{"id", random_id("call_")}, {"type", "function"}, {"function", {{"name", name}, {"arguments", ""}}}};
  }

  // Whether there was any call in the message's content.
  bool take_calls_out(Json& message) const {
    SpokenAnswer spoken = read_answer(std::move(message["content"].get_ref<std::string&>()), form_);
    message["content"] = spoken.words.empty() && !spoken.calls.empty() ? Json() : Json(std::move(spoken.words));
    if (spoken.calls.empty()) return false;
    Json& calls = message["tool_calls"] = Json::array();
    for (ToolCall& call : spoken.calls) {
      calls.push_back(new_call(call.name));
      calls.back()["function"]["arguments"] = std::move(call.arguments);
    }
    return true;
  }

  void write_delta(int index, Json delta, Json logprobs, engine::Finish finish, std::string& out,
                   Json reason = nullptr) const {
    write_chunk({{"index", index},
                 {"delta", std::move(delta)},
                 {"logprobs", std::move(logprobs)},
                 {"finish_reason", reason.is_null() ? finish_reason(finish) : std::move(reason)}},
                out);
  }

  Json logprobs(const std::vector<ScoredToken>& tokens) const {
    if (!logprobs_) return nullptr;
    return {{"content", describe_logprobs(tokenizer_, tokens)}, {"refusal", nullptr}};
  }

  const bool logprobs_;
  const std::optional<ToolForm> form_;
  std::vector<ToolCallParser> parsers_;  // by choice, of a stream
};

std::shared_ptr<ChatCall> read_call(const Models& models, const Asked& asked) {
  const Fields& fields = asked.fields;
  auto call = std::make_shared<ChatCall>();
  call->model = &models.find(asked);
  call->request = read_completion_request(fields, call->engine().model());
  call->reasoning = read_reasoning_request(fields);
  call->tools = read_chat_tools(fields);
  call->logprobs = fields.boolean("logprobs").value_or(false);
  const auto top_logprobs = fields.integer("top_logprobs", 0, 20);
  if (top_logprobs.value_or(0) > 0 && !call->logprobs)
    refuse("top_logprobs", "top_logprobs needs logprobs to be true.");
  call->top_logprobs = int(top_logprobs.value_or(0));
  call->input = read_chat(fields, *call->model, models.pictures());
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
      call.engine(), request.stops, ChatWork::Options{.logprobs = call.logprobs, .calls = chat.calls});
  work->submit(chat.request, chat.reasoning, request.n);
  Reply reply = reply_with(std::move(work), request.stream);
  add_notes(reply, chat.request.grammar.get());
  return reply;
}

}  // namespace

Reply chat_completions(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kChatSchema);
  const auto call = read_call(models, asked);
  return with_pictures(models, asked, call,
                       [call = call.get()](const auto& pictures) { return answer_call(*call, pictures); });
}

// The prompt that a chat would make, without answering it.
Reply apply_template(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kChatSchema);
  const auto call = read_call(models, asked);
  Json body = Json::object();
  body["prompt"] = render_chat(*call);
  Reply reply{.body = dump(body)};
  name_ignored(asked.fields.unread(), reply);
  return reply;
}

}  // namespace troika::server
