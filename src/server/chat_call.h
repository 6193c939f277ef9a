// What a chat asks for, whichever API it came by, and the engine's request that is made of it. Each API reads its own
// JSON into a ChatCall and writes its own answer; what lies between is here.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "server/api_fields.h"
#include "server/http.h"
#include "server/json_input.h"
#include "server/models.h"
#include "server/openai_request.h"
#include "server/tools.h"

namespace troika::server {

struct ChatCall {
  virtual ~ChatCall() = default;

  const ServedModel* model = nullptr;
  std::string owner;  // the caller's name; with_pictures sets it, and the priority
  int priority = 0;
  CompletionRequest request;
  ReasoningRequest reasoning;
  ToolRequest tools;
  ChatInput input;
  bool logprobs = false;
  int top_logprobs = 0;
  std::string prompt_field = "messages";  // what complaints about the prompt are about
  std::vector<std::string> ignored;       // fields that nobody has read; with_pictures adds those of the body

  engine::Engine& engine() const { return *model->engine; }
};

struct PreparedChat {
  engine::Request request;
  text::Reasoning reasoning = text::Reasoning::none;
  std::optional<ToolForm> calls;  // tools may be called, in this form
};

// Renders, encodes and fits to the context. Takes the variables out of the call. Throws ApiError (400).
PreparedChat prepare_chat(ChatCall& call, const std::vector<engine::SharedPicture>& pictures);

// The same from a prompt that is made already; with `begun` the answer has begun in it, and no reasoning comes.
PreparedChat prepare_prompt(const ChatCall& call, engine::ImagePrompt prompt, bool begun);

// The tokens of the prompt alone.
engine::ImagePrompt chat_prompt(ChatCall& call, const std::vector<engine::SharedPicture>& pictures);

// The prompt as the template writes it; pictures are placeholders in it.
std::string render_chat(ChatCall& call);

// The one way in which calls are answered, once all is read: in the caller's name, with the ignored fields
// named in the answer. At once, or, when the call shows pictures, on a thread that may wait for them: text
// must not.
using AnswerChat = std::function<Reply(const std::vector<engine::SharedPicture>&)>;
Reply with_pictures(const Models& models, const Asked& asked, std::shared_ptr<ChatCall> call,
                    AnswerChat answer);

}  // namespace troika::server
