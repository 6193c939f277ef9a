// The way out that all APIs share: a Generation's deltas become a stream, or one body at the end. Subclasses
// say what both look like.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/api_error.h"
#include "server/generation.h"
#include "server/http.h"
#include "server/json_input.h"

namespace troika::server {

// What one choice has come to. Of a stream, whose deltas are gone, only how it ended.
struct Answer {
  std::string reasoning, text;
  std::vector<ScoredToken> tokens;  // when log probabilities were asked for; those of the reasoning first,
  size_t reasoning_tokens = 0;      // which are so many
  engine::Finish finish = engine::Finish::none;
  std::string stop;  // the stop string that ended it
};

class GenerationWork : public Work {
 public:
  struct Output {
    bool stream = false;
    int choices = 1;
  };
  GenerationWork(Output output, engine::Engine& engine, std::vector<std::string> stops);

  void on_ready(std::function<void()> wake) override { generation_.on_ready(std::move(wake)); }
  Progress advance() override;

  // Queues `n` choices of one prompt; with a seed, the next choice has the next seed. Throws ApiError (400)
  // when the engine refuses it.
  void submit(const engine::Request& request, text::Reasoning reasoning, int n = 1);

 protected:
  // Streamed: what comes before the first token, with each delta, after the last, and in place of what
  // failed.
  virtual void open(std::string& out) = 0;
  virtual void write(const Delta& delta, std::string& out) = 0;
  virtual void close(std::string& out) = 0;
  virtual void fail(const ApiError& error, std::string& out) = 0;
  // Not streamed: the body, which is made on another thread than the rest, and that of an error.
  virtual Json whole() = 0;
  virtual std::string refusal(const ApiError& error) const = 0;

  // By choice; for close() and whole(), which may take them.
  const std::vector<Answer>& answers() const { return answers_; }
  std::vector<Answer> take_answers() { return std::move(answers_); }
  const Generation& generation() const { return generation_; }

  const text::Tokenizer& tokenizer_;

 private:
  Progress broken(const Delta& delta, Progress progress);
  void gather(Delta& delta);

  const bool stream_;
  std::vector<Answer> answers_;
  bool opened_ = false;
  Generation generation_;  // last: its events stop before the rest goes
};

// What GenerationWork::submit does.
void submit_choices(Generation& generation, const engine::Request& request, text::Reasoning reasoning, int n);

// Why a choice was given up: its last delta is failed or cancelled.
ApiError error_of(const Delta& delta);

// A reply whose body comes from `work`, whole or as server-sent events.
Reply reply_with(std::unique_ptr<Work> work, bool streamed);

}  // namespace troika::server
