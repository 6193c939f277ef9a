// The way out that chat and text completions share: a Generation's deltas become either a stream of
// server-sent events or one body. Subclasses say what a chunk and what the whole look like.
#pragma once

#include <string>
#include <vector>

#include "server/api_error.h"
#include "server/generation.h"
#include "server/http.h"
#include "server/json_input.h"
#include "server/models.h"

namespace troika::server {

// The members that all chunks of one answer share.
struct AnswerHeader {
  std::string id;       // "chatcmpl-…"
  std::string object;   // "chat.completion"
  int64_t created = 0;  // Unix seconds
  std::string model;
};
AnswerHeader make_header(const char* id_prefix, const char* object, const ServedModel& model);

// What one choice has come to, for answers that are not streamed.
struct ChoiceResult {
  std::string reasoning, text;
  std::vector<ScoredToken> tokens;
  engine::Finish finish = engine::Finish::none;
};

class CompletionWork : public Work {
 public:
  struct Setup {
    AnswerHeader header;
    bool stream = false, include_usage = false;
    int choices = 1;
    int prompt_tokens = 0;
    bool prompt_only = false;  // the one token that the engine must make is neither shown nor counted
  };
  CompletionWork(Setup setup, engine::Engine& engine, std::vector<std::string> stops);

  Generation& generation() { return generation_; }

  void on_ready(std::function<void()> wake) override { generation_.on_ready(std::move(wake)); }
  Progress advance() override;

 protected:
  // Streamed: the events before the first token and those of one delta.
  virtual void open(std::string& out) = 0;
  virtual void write(const Delta& delta, std::string& out) = 0;
  // Not streamed: the members of one choice; finish_reason, which comes last, is added unless it is there.
  virtual Json describe(int index, ChoiceResult& result) = 0;

  // One event: the header, the choice and, if asked for, an empty usage.
  void write_chunk(Json choice, std::string& out) const;

  const Setup setup_;
  const text::Tokenizer& tokenizer_;

 private:
  Json header() const;
  Json usage() const;
  Json timings() const;
  Progress broken(const Delta& delta, Progress progress) const;

  std::vector<ChoiceResult> results_;
  bool opened_ = false;
  Generation generation_;  // last: its events stop before the rest goes
};

// Submits `n` choices of one prompt; with a seed, the next choice has the next seed. What the engine refuses
// is a 400.
void submit_choices(Generation& generation, const engine::Request& request, int n,
                    text::Reasoning reasoning = text::Reasoning::none);

// A response header for each note of the grammar: what of the request is not kept to.
void add_notes(Reply& reply, const grammar::TokenGrammar* grammar);
// Why a choice was given up: its last delta is failed or cancelled.
ApiError error_of(const Delta& delta);

// "stop" or "length"; null while a choice goes on.
Json finish_reason(engine::Finish finish);

float finite(float logprob);  // JSON has no infinity: -9999

std::string dump(const Json& json);  // in one line; bytes that are not UTF-8 become U+FFFD

// A reply whose body comes from `work`.
Reply reply_with(std::unique_ptr<Work> work, bool streamed);

}  // namespace troika::server
