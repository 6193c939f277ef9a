// See generation.h. The mailbox is shared with the engine's thread, which may still hold events after the
// Generation is gone; everything else belongs to the thread that calls.
#include "server/generation.h"

#include <mutex>
#include <utility>

#include "base/error.h"
#include "text/detokenizer.h"
#include "text/stop_matcher.h"

namespace troika::server {

struct Generation::Mailbox {
  struct Letter {
    int choice;
    engine::Event event;
    Clock::time_point when;
  };

  std::mutex mutex;
  std::vector<Letter> letters;  // bounded by the tokens the request may make
  std::function<void()> wake;   // called under the mutex, so that nobody is woken after on_ready(nullptr)
  bool rung = false;            // woken since the letters were last taken

  void put(Letter letter) {
    const std::lock_guard lock(mutex);
    letters.push_back(std::move(letter));
    if (wake && !rung) {
      rung = true;
      wake();
    }
  }
};

struct Generation::Choice {
  uint64_t id = 0;  // the engine's number
  Clock::time_point submitted;
  std::optional<Clock::time_point> first_token;
  text::Detokenizer detokenizer;
  text::ReasoningSplitter splitter;
  text::StopMatcher stop_matcher;
  bool logprobs = false;
  bool finished = false;
  int prompt_tokens = 0, tokens = 0;
  int undecided = 0;              // tokens that may be the beginning of the reasoning
  std::vector<ScoredToken> held;  // tokens whose text is not out yet

  // Reasoning and answer apart, the answer without what may become a stop string. True when one is complete.
  bool split(const std::string& text, bool last, Delta& delta) {
    auto pieces = splitter.append(text);
    if (last) {
      auto rest = splitter.flush();
      pieces.reasoning += rest.reasoning;
      pieces.content += rest.content;
    }
    delta.reasoning += pieces.reasoning;
    auto matched = stop_matcher.append(pieces.content);
    delta.text += matched.emit;
    delta.stop = matched.stop;
    if (last && !matched.stopped) delta.text += stop_matcher.flush();
    return matched.stopped;
  }

  // How many tokens are now known to be reasoning, after one whose text went into the splitter.
  int count_reasoning(bool was_reasoning) {
    if (splitter.undecided()) {
      ++undecided;
      return 0;
    }
    return was_reasoning || splitter.reasoning() ? 1 + std::exchange(undecided, 0) : 0;
  }
};

Generation::Generation(engine::Engine& engine, std::vector<std::string> stops)
    : engine_(engine), stops_(std::move(stops)), mailbox_(std::make_shared<Mailbox>()) {
  check(engine_.text().tokenizer != nullptr, "generation needs a tokenizer");
}

Generation::~Generation() {
  on_ready(nullptr);
  for (const auto& choice : choices_)
    if (!choice->finished) engine_.cancel(choice->id);
}

void Generation::submit(engine::Request request, text::Reasoning reasoning) {
  const int index = int(choices_.size());
  auto choice = std::make_unique<Choice>(Choice{.submitted = Clock::now(),
                                                .detokenizer = {*engine_.text().tokenizer, true},
                                                .splitter = text::ReasoningSplitter(reasoning),
                                                .stop_matcher = text::StopMatcher(stops_),
                                                .logprobs = request.logprobs,
                                                .prompt_tokens = int(request.prompt.size())});
  choices_.reserve(choices_.size() + 1);
  request.further = index > 0;
  choice->id = engine_.submit(std::move(request), [mailbox = mailbox_, index](const engine::Event& event) {
    mailbox->put({index, event, Clock::now()});
  });
  choices_.push_back(std::move(choice));
  ++running_;
}

void Generation::on_ready(std::function<void()> wake) {
  const std::lock_guard lock(mailbox_->mutex);
  mailbox_->wake = std::move(wake);
  mailbox_->rung = false;
  if (mailbox_->wake && !mailbox_->letters.empty()) {
    mailbox_->rung = true;
    mailbox_->wake();
  }
}

std::vector<Delta> Generation::take() {
  std::vector<Mailbox::Letter> letters;
  {
    const std::lock_guard lock(mailbox_->mutex);
    letters.swap(mailbox_->letters);
    mailbox_->rung = false;
  }
  std::vector<Delta> deltas;
  for (const Mailbox::Letter& letter : letters) {
    if (choices_[letter.choice]->finished) continue;  // cut at a stop string while the engine went on
    Delta delta = feed(letter.choice, letter.event, letter.when);
    if (!delta.reasoning.empty() || !delta.text.empty() || !delta.tokens.empty() ||
        delta.finish != engine::Finish::none)
      deltas.push_back(std::move(delta));
  }
  return deltas;
}

Delta Generation::feed(int index, const engine::Event& event, Clock::time_point when) {
  Choice& choice = *choices_[index];
  Delta delta{.choice = index, .finish = event.finish, .error = event.error};
  bool stopped = false;
  if (event.token >= 0) {
    if (!choice.first_token) choice.first_token = when;
    ++choice.tokens;
    ++completion_tokens_;
    if (choice.logprobs) choice.held.push_back({event.token, event.logprob, event.top});
    const bool was_reasoning = choice.splitter.reasoning();
    stopped = choice.split(choice.detokenizer.append(event.token), false, delta);
    reasoning_tokens_ += choice.count_reasoning(was_reasoning);
  }
  if (!stopped && event.finish != engine::Finish::none)
    stopped = choice.split(choice.detokenizer.flush(), true, delta);
  if (stopped) {
    delta.finish = engine::Finish::stop;
    if (event.finish == engine::Finish::none) engine_.cancel(choice.id);
  }
  if (delta.finish != engine::Finish::none) {
    choice.finished = true;
    --running_;
    if (index == 0) {
      using seconds = std::chrono::duration<double>;
      timings_ = event.timings;
      if (event.finish == engine::Finish::none && choice.first_token) {
        timings_ = {.prompt_tokens = choice.prompt_tokens,
                    .generated_tokens = choice.tokens,
                    .reused_tokens = event.timings.reused_tokens,
                    .prompt_s = seconds(*choice.first_token - choice.submitted).count(),
                    .generate_s = seconds(when - *choice.first_token).count()};
      }
    }
  }
  if (!delta.reasoning.empty() || !delta.text.empty() || delta.finish != engine::Finish::none)
    delta.tokens = std::move(choice.held);
  return delta;
}

}  // namespace troika::server
