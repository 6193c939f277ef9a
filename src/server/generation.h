// Tokens become text: one or several choices running in an engine, their events gathered in a mailbox, and
// from each event the settled text, with stop strings cut out. Every API stands on this.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "text/reasoning.h"

namespace troika::server {

struct ScoredToken {
  int32_t id = 0;
  float logprob = 0;
  std::vector<engine::TokenLogprob> top;  // most likely first
};

// What came of one event: a piece of one choice's text. Tokens whose text is still held back (half a
// character, the possible beginning of a stop string) come with the piece that shows it.
struct Delta {
  int choice = 0;
  std::string reasoning;  // comes before the text
  std::string text;
  std::vector<ScoredToken> tokens;               // when logprobs were asked for
  engine::Finish finish = engine::Finish::none;  // the last delta of a choice has one
  std::string stop;                              // the stop string that ended the text, if one did
  std::string error;                             // with Finish::failed
};

// Used by one thread at a time. The engine must outlive it.
class Generation {
 public:
  Generation(engine::Engine& engine, std::vector<std::string> stops);
  ~Generation();  // cancels what still runs
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  // Adds the next choice. `reasoning`: what its text may begin with, to be told apart from the answer; stop strings
  // are looked for in the answer only. Throws Error when the engine refuses it.
  void submit(engine::Request request, text::Reasoning reasoning = text::Reasoning::none);

  // `wake` is called on the engine's thread when `take` has something new.
  void on_ready(std::function<void()> wake);

  std::vector<Delta> take();
  bool done() const { return running_ == 0; }

  // Of all choices: the tokens that went into their texts, those of a stop string included.
  int completion_tokens() const { return completion_tokens_; }
  // Of these, the ones that were told apart as reasoning, tags included.
  int reasoning_tokens() const { return reasoning_tokens_; }

  // Of the first choice, once it has finished.
  const engine::Timings& timings() const { return timings_; }

 private:
  struct Mailbox;
  struct Choice;
  using Clock = std::chrono::steady_clock;

  Delta feed(int index, const engine::Event& event, Clock::time_point when);

  engine::Engine& engine_;
  std::vector<std::string> stops_;
  std::shared_ptr<Mailbox> mailbox_;
  std::vector<std::unique_ptr<Choice>> choices_;
  int running_ = 0;
  int completion_tokens_ = 0, reasoning_tokens_ = 0;
  engine::Timings timings_;
};

}  // namespace troika::server
