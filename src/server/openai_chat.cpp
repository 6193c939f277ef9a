// POST /v1/chat/completions. A last assistant message is not continued: as with OpenAI, the answer is a new
// turn. Reasoning comes as `reasoning_content` beside `content`, as DeepSeek's API has it; log probabilities are of
// all tokens, those of the reasoning first.
#include "base/error.h"
#include "server/answer_rules.h"
#include "server/api_error.h"
#include "server/openai.h"
#include "server/openai_request.h"
#include "server/openai_work.h"
#include "server/tool_call_parser.h"

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

  Json describe(int index, ChoiceResult& result) override {
    Json message = {{"role", "assistant"}, {"content", std::move(result.text)}, {"refusal", nullptr}};
    if (!result.reasoning.empty()) message["reasoning_content"] = std::move(result.reasoning);
    bool called = false;
    if (form_) called = take_calls_out(message);
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
    ToolCallParser parser(*form_);
    std::string words;
    Json calls = Json::array();
    for (const AnswerPiece& piece : parser.append(message["content"].get_ref<const std::string&>(), true)) {
      if (piece.kind == AnswerPiece::Kind::words) words += piece.text;
      if (piece.kind == AnswerPiece::Kind::call) calls.push_back(new_call(piece.text));
      if (piece.kind == AnswerPiece::Kind::arguments) {
        auto& arguments = calls.back()["function"]["arguments"].get_ref<std::string&>();
        arguments += piece.text;
      }
    }
    message["content"] = words.empty() && !calls.empty() ? Json() : Json(words);
    if (calls.empty()) return false;
    message["tool_calls"] = std::move(calls);
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
  const std::optional<ToolForm> form_;
  std::vector<ToolCallParser> parsers_;  // by choice, of a stream
};

// All that a chat request asks for.
struct ChatCall {
  const ServedModel& model;
  CompletionRequest request;
  ReasoningRequest reasoning;
  ToolRequest tools;
  ChatInput input;
  bool logprobs = false;
  int top_logprobs = 0;
};

std::string_view chat_template_of(const ServedModel& model) {
  return model.engine->text().tokenizer->data().chat_template;
}

ChatCall read_call(const Models& models, const Fields& fields) {
  const ServedModel& model = models.find(fields.string("model"));
  ChatCall call{.model = model,
                .request = read_completion_request(fields, model.engine->model()),
                .reasoning = read_reasoning_request(fields),
                .tools = read_tools(fields),
                .logprobs = fields.boolean("logprobs").value_or(false)};
  const auto top_logprobs = fields.integer("top_logprobs", 0, 20);
  if (top_logprobs.value_or(0) > 0 && !call.logprobs)
    refuse("top_logprobs", "top_logprobs needs logprobs to be true.");
  call.top_logprobs = int(top_logprobs.value_or(0));
  call.input = read_chat(fields, model, models.pictures());
  present_tools(call.tools, chat_template_of(model), call.input.variables);
  // The tidy way to no reasoning is a prompt without it; a template that does not know the word passes it over.
  if (call.reasoning.budget == 0) call.input.variables["enable_thinking"] = false;
  return call;
}

// Whatever the template and the eyes complain about is about the chat that they were given.
engine::ImagePrompt make_prompt(const engine::Engine& engine, Json variables,
                                const std::vector<engine::SharedPicture>& pictures) {
  try {
    if (!pictures.empty()) return engine::eyes_of(engine).chat(std::move(variables), pictures);
    const engine::TextModel& text = engine.text();
    return {.tokens = text.tokenizer->encode(text.render(std::move(variables)), {.parse_special = true})};
  } catch (const InternalError&) {
    throw;
  } catch (const Error& error) {
    refuse("messages", "{}", error.what());
  }
}

Reply answer_call(ChatCall& call, const std::vector<engine::SharedPicture>& pictures) {
  engine::Engine& engine = *call.model.engine;
  const CompletionRequest& request = call.request;
  engine::ImagePrompt prompt = make_prompt(engine, std::move(call.input.variables), pictures);
  engine::Request wanted{.prompt = std::move(prompt.tokens),
                         .images = std::move(prompt.images),
                         .sampling = request.sampling,
                         .logprobs = call.logprobs,
                         .top_logprobs = call.top_logprobs,
                         .stop_at_end_tokens = !request.ignore_end,
                         .slice = request.slice};
  if (wanted.prompt.empty()) refuse("messages", "The messages make an empty prompt.");
  wanted.max_tokens = fit_to_context(engine.model(), wanted.prompt.size(), request.max_tokens, "messages");
  if (call.reasoning.budget)
    wanted.thinking = engine::thinking_budget(engine.text(), engine.model().architecture, wanted.prompt,
                                              *call.reasoning.budget);
  const text::Reasoning begins_with = engine::reasoning_after(engine.text(), wanted.prompt);
  const text::Reasoning reasoning = call.reasoning.split ? begins_with : text::Reasoning::none;
  wanted.grammar = answer_grammar(engine, {.format = request.format, .tools = call.tools, .reasoning = begins_with});

  auto work = std::make_unique<ChatWork>(
      CompletionWork::Setup{
          .header =
              make_header("chatcmpl-", request.stream ? "chat.completion.chunk" : "chat.completion", call.model),
          .stream = request.stream,
          .include_usage = request.include_usage,
          .choices = request.n,
          .prompt_tokens = int(wanted.prompt.size())},
      engine, request.stops,
      ChatWork::Options{.logprobs = call.logprobs,
                        .calls = call.tools.active() ? std::optional(tool_form(chat_template_of(call.model))) : std::nullopt});
  submit_choices(work->generation(), wanted, request.n, reasoning);
  Reply reply = reply_with(std::move(work), request.stream);
  add_notes(reply, wanted.grammar.get());
  return reply;
}

}  // namespace

Reply chat_completions(const Models& models, const HttpRequest& http, std::string_view) {
  auto call = std::make_shared<ChatCall>([&] {
    const Json body = parse_json(http.body);
    return read_call(models, Fields(body));
  }());
  const Pictures& pictures = models.pictures();
  const auto finish = [call, &pictures](const std::stop_token& stop) {
    return answer_call(*call, pictures.load(call->input.images, stop));
  };
  if (!call->input.images.empty()) return {.later = finish};  // pictures take long: text must not wait for them
  return finish({});
}

}  // namespace troika::server
