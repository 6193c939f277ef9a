#include "server/chat_call.h"

#include "base/error.h"
#include "server/answer_rules.h"
#include "server/api_error.h"

namespace troika::server {
namespace {

// What follows a prompt when the answer has begun: where the prompt opens the reasoning, its end comes first.
std::string begun_answer(const engine::Engine& engine, text::Reasoning prompt_ends_in,
                         const std::string& prefill) {
  const bool open = prompt_ends_in == text::Reasoning::open;
  return std::string(open ? engine::closing_words(engine.model().architecture, 0) : "") + prefill;
}

engine::ImagePrompt make_prompt(const engine::Engine& engine, ChatInput& input,
                                const std::vector<engine::SharedPicture>& pictures) {
  const engine::TextModel& text = engine.text();
  const text::EncodeOptions with_specials{.parse_special = true};
  if (pictures.empty()) {
    std::string prompt = text.render(std::move(input.variables));
    if (!input.prefill.empty())
      prompt += begun_answer(engine, text::reasoning_after(prompt, text.tokenizer->data().chat_template),
                             input.prefill);
    return {.tokens = text.tokenizer->encode(prompt, with_specials)};
  }
  engine::ImagePrompt prompt = engine::eyes_of(engine).chat(std::move(input.variables), pictures);
  if (!input.prefill.empty()) {
    const std::string answer =
        begun_answer(engine, engine::reasoning_after(text, prompt.tokens), input.prefill);
    const auto begun = text.tokenizer->encode(answer, with_specials);
    prompt.tokens.insert(prompt.tokens.end(), begun.begin(), begun.end());
  }
  return prompt;
}

std::string_view chat_template_of(const engine::Engine& engine) {
  return engine.text().tokenizer->data().chat_template;
}

// Whatever the template and the eyes complain about is about the chat that they were given.
template <typename Make>
auto from_chat(ChatCall& call, const Make& make) {
  // The tidy way to no reasoning is a prompt without it; a template that does not know the word passes it over.
  if (call.reasoning.budget == 0) call.input.variables["enable_thinking"] = false;
  present_tools(call.tools, chat_template_of(call.engine()), call.input.variables);
  try {
    return make();
  } catch (const InternalError&) {
    throw;
  } catch (const ApiError&) {
    throw;
  } catch (const Error& error) {
    refuse(call.prompt_field, "{}", error.what());
  }
}

}  // namespace

engine::ImagePrompt chat_prompt(ChatCall& call, const std::vector<engine::SharedPicture>& pictures) {
  engine::ImagePrompt prompt =
      from_chat(call, [&] { return make_prompt(call.engine(), call.input, pictures); });
  if (prompt.tokens.empty()) refuse(call.prompt_field, "The {} makes an empty prompt.", call.prompt_field);
  return prompt;
}

std::string render_chat(ChatCall& call) {
  return from_chat(call, [&] { return call.engine().text().render(std::move(call.input.variables)); });
}

PreparedChat prepare_chat(ChatCall& call, const std::vector<engine::SharedPicture>& pictures) {
  const bool begun = !call.input.prefill.empty();
  return prepare_prompt(call, chat_prompt(call, pictures), begun);
}

PreparedChat prepare_prompt(const ChatCall& call, engine::ImagePrompt prompt, bool begun) {
  const engine::Engine& engine = call.engine();
  engine::Request wanted{.prompt = std::move(prompt.tokens),
                         .images = std::move(prompt.images),
                         .sampling = call.request.sampling,
                         .logprobs = call.logprobs,
                         .top_logprobs = call.top_logprobs,
                         .stop_at_end_tokens = !call.request.ignore_end,
                         .owner = call.owner,
                         .priority = call.priority,
                         .slice = call.request.slice};
  wanted.max_tokens =
      fit_to_context(engine.model(), wanted.prompt.size(), call.request.max_tokens, call.prompt_field);
  const text::Reasoning begins_with =
      begun ? text::Reasoning::none : engine::reasoning_after(engine.text(), wanted.prompt);
  wanted.grammar =
      answer_grammar(engine, {.format = call.request.format, .tools = call.tools, .reasoning = begins_with});
  std::optional<ToolForm> calls;
  if (call.tools.active()) calls = tool_form(chat_template_of(engine));
  if (begun) return {.request = std::move(wanted), .calls = calls};
  if (call.reasoning.budget)
    wanted.thinking = engine::thinking_budget(engine.text(), engine.model().architecture, wanted.prompt,
                                              *call.reasoning.budget);
  return {.request = std::move(wanted),
          .reasoning = call.reasoning.split ? begins_with : text::Reasoning::none,
          .calls = calls};
}

Reply with_pictures(const Models& models, const Asked& asked, std::shared_ptr<ChatCall> call,
                    AnswerChat answer) {
  call->owner = asked.caller;
  call->priority = asked.priority;
  for (std::string& path : asked.fields.unread()) call->ignored.push_back(std::move(path));
  const auto finish = [call, answer = std::move(answer), &pictures = models.pictures()](const std::stop_token& stop) {
    Reply reply = answer(pictures.load(call->input.images, stop));
    name_ignored(call->ignored, reply);
    return reply;
  };
  if (!call->input.images.empty()) return {.later = finish};
  return finish({});
}

}  // namespace troika::server
