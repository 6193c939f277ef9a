// The way out of APIs with one answer a request: Anthropic's messages, Ollama's, OpenAI's responses.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/generation_work.h"
#include "server/tool_call_parser.h"

namespace troika::server {

class AnswerWork : public GenerationWork {
 public:
  struct Setup {
    std::string id, model;
    bool stream = false;
    int prompt_tokens = 0;
    ErrorStyle errors = ErrorStyle::openai;
    std::string request_id;
    std::optional<ToolForm> calls;  // tools may be called, in this form
  };
  AnswerWork(Setup setup, engine::Engine& engine, std::vector<std::string> stops);

 protected:
  std::string refusal(const ApiError& error) const override;

  // Valid in close() and whole().
  const Answer& answer() const { return answers().front(); }

  // Streamed: what a delta says, words and calls apart.
  std::vector<AnswerPiece> pieces(const Delta& delta);

  const Setup setup_;

 private:
  std::optional<ToolCallParser> parser_;  // where tools may be called
};

// `event: NAME` and `data: …`, with data.type being the name.
void write_event(const Json& data, std::string& out);

}  // namespace troika::server
