// An engine that answers within submit: what the request's grammar allows, drawn by the length of the prompt, or always
// the same text. So a request is over before the next one comes, and the same input always does the same.
#pragma once

#include <algorithm>
#include <random>

#include "engine/request_checks.h"
#include "server/fake_engine.h"

namespace troika::server {

class InstantEngine : public FakeEngine {
 public:
  static constexpr size_t kMostTokens = 200;

  explicit InstantEngine(std::string says) : says_(std::move(says)) {}

  uint64_t submit(engine::Request request, engine::EventSink sink) override {
    engine::check_request(request, {.info = model(), .has_tokenizer = true, .sees = eyes() != nullptr});
    engine::Event end{.finish = engine::Finish::stop, .timings = {.prompt_tokens = int(request.prompt.size())}};
    if (request.prompt_states) {
      const std::vector<float> state(size_t(model().width), 0.5f);
      for (size_t i = 0; i < request.prompt.size(); ++i) request.prompt_states(int(i), state);
      end.finish = engine::Finish::length;
    } else {
      const size_t room = size_t(model().context_length) - request.prompt.size();
      const size_t most = std::min(kMostTokens, request.max_tokens ? std::min(room, size_t(request.max_tokens)) : room);
      for (const int32_t token : request.grammar ? written(request, most) : spoken(most)) {
        engine::Event event{.token = token, .logprob = -1};
        for (int i = 0; i < request.top_logprobs; ++i) event.top.push_back({.id = i, .logprob = -float(i)});
        sink(event);
      }
    }
    sink(end);
    return ++submitted_;
  }
  void cancel(uint64_t) override {}

 private:
  std::vector<int32_t> spoken(size_t most) const {
    std::vector<int32_t> ids = byte_ids(says_);
    ids.resize(std::min(ids.size(), most));
    return ids;
  }

  static std::vector<int32_t> written(const engine::Request& request, size_t most) {
    grammar::Matcher matcher(request.grammar);
    const grammar::Vocabulary& vocabulary = request.grammar->vocabulary();
    grammar::TokenMask mask(vocabulary.tokens());
    std::mt19937 random(unsigned(request.prompt.size()));
    std::vector<int32_t> ids;
    while (ids.size() < most && !matcher.complete()) {
      matcher.allow(mask);
      const size_t count = mask.count();
      check(count > 0 || matcher.gave_up(), "there is a way on");
      if (count == 0) break;
      int32_t id = 0;
      for (size_t skip = random() % count;; ++id)
        if (mask.allows(id) && skip-- == 0) break;
      if (!vocabulary.is_text(id)) break;
      check(matcher.accept(id) || matcher.gave_up(), "what is allowed is accepted");
      ids.push_back(id);
    }
    return ids;
  }

  const std::string says_;
  uint64_t submitted_ = 0;
};

}  // namespace troika::server
