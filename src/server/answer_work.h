// The way out that APIs with one answer a request share (Anthropic's messages, Ollama's, OpenAI's responses): a
// Generation's deltas become a stream or one body. Subclasses say what both look like.
#pragma once

#include <string>
#include <vector>

#include "server/api_error.h"
#include "server/generation.h"
#include "server/http.h"
#include "server/json_input.h"

namespace troika::server {

// What the answer has come to.
struct Answer {
  std::string reasoning, text;
  std::vector<ScoredToken> tokens;  // when log probabilities were asked for; those of the reasoning first,
  size_t reasoning_tokens = 0;      // which are so many
  engine::Finish finish = engine::Finish::none;
  std::string stop;  // the stop string that ended it
};

class AnswerWork : public Work {
 public:
  struct Setup {
    std::string id, model;
    bool stream = false;
    int prompt_tokens = 0;
    ErrorStyle errors = ErrorStyle::openai;
    std::string request_id;
  };
  AnswerWork(Setup setup, engine::Engine& engine, std::vector<std::string> stops);

  void on_ready(std::function<void()> wake) override { generation_.on_ready(std::move(wake)); }
  Progress advance() override;

  // Queues the one request. Throws ApiError (400) when the engine refuses it.
  void submit(engine::Request request, text::Reasoning reasoning = text::Reasoning::none);

 protected:
  // Streamed: what comes before the first token, with each delta, after the last, and in place of what failed.
  virtual void open(std::string& out) = 0;
  virtual void write(const Delta& delta, std::string& out) = 0;
  virtual void close(std::string& out) = 0;
  virtual void fail(const ApiError& error, std::string& out) = 0;
  // Not streamed.
  virtual Json whole() = 0;

  // Valid in close() and whole().
  const Answer& answer() const { return answer_; }
  const Generation& generation() const { return generation_; }

  const Setup setup_;
  const text::Tokenizer& tokenizer_;

 private:
  Progress broken(const Delta& delta, Progress progress);
  void gather(Delta& delta);

  Answer answer_;
  bool opened_ = false;
  Generation generation_;  // last: its events stop before the rest goes
};

// `event: NAME` and `data: …`, with data.type being the name.
void write_event(const Json& data, std::string& out);

// {token, logprob, bytes, top_logprobs} of each, as OpenAI's and Ollama's APIs have them.
Json describe_logprobs(const text::Tokenizer& tokenizer, const std::vector<ScoredToken>& tokens);

// A reply whose body comes from `work` as server-sent events with names, or whole.
Reply reply_with_events(std::unique_ptr<Work> work, bool streamed, std::string ping);

}  // namespace troika::server
