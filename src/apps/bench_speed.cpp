#include "apps/bench_speed.h"

#include <algorithm>
#include <chrono>
#include <latch>
#include <memory>
#include <random>

#include "apps/collect.h"
#include "base/error.h"

namespace troika::apps {
namespace {

using Clock = std::chrono::steady_clock;
using Ids = std::vector<int32_t>;

constexpr int kStepTokens = 512;

double seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

Ids random_ids(std::mt19937& random, int tokens, int vocabulary) {
  Ids ids(tokens);
  for (int32_t& id : ids) id = static_cast<int32_t>(random() % vocabulary);
  return ids;
}

// The text that fills the cache before a measurement, one for each user.
Ids depth_text(const engine::Engine& engine, int tokens, int user) {
  std::mt19937 random(1 + static_cast<uint32_t>(user));
  return random_ids(random, tokens, engine.model().vocabulary);
}

// Another one at every call: one that was computed before would partly be taken from the cache.
Ids new_text(const engine::Engine& engine, int tokens) {
  static std::mt19937 random(1000003);
  return random_ids(random, tokens, engine.model().vocabulary);
}

engine::Request request(Ids prompt, int generate) {
  return {.prompt = std::move(prompt),
          .max_tokens = generate,
          .sampling = {.temperature = 0},
          .stop_at_end_tokens = false};
}

// Steps in which the first users generate while the prompts of the others are computed, and some to spare.
int steps_before_all_generate(int users, int depth) { return 64 + users * (depth / (kStepTokens - users) + 1); }

// Users that generate together. take() is called on the engine's thread, which waits in it until all users are handed
// in: else the first of a tiny model could be done before the last has come.
class Race {
 public:
  Race(int users, int tokens) : without_token_(users), tokens_(tokens), done_(1), ended_(users), has_token_(users) {}

  void all_are_handed_in() { handed_in_.count_down(); }

  void take(int user, const engine::Event& event) {
    handed_in_.wait();
    if (event.token >= 0) {
      if (!has_token_[user]) {
        has_token_[user] = true;
        if (--without_token_ == 0) {
          last_ = user;
          begin_ = Clock::now();
        }
      } else if (without_token_ == 0 && user == last_ && ++steps_ == tokens_) {
        end_ = Clock::now();
        finish();
      }
    }
    if (event.finish == engine::Finish::none) return;
    if (event.finish == engine::Finish::failed) error_ = event.error;
    finish();  // if not measured by now, it never will be
    ended_.count_down();
  }

  void wait_for_result() { done_.wait(); }
  void wait_for_all() { ended_.wait(); }
  // Of the `tokens` steps; 0: it came to nothing.
  double seconds_taken() const { return steps_ >= tokens_ ? seconds(begin_, end_) : 0; }
  const std::string& error() const { return error_; }

 private:
  void finish() {
    if (!std::exchange(finished_, true)) done_.count_down();
  }

  int without_token_, tokens_, last_ = -1, steps_ = 0;
  bool finished_ = false;
  Clock::time_point begin_, end_;
  std::string error_;
  std::latch handed_in_{1}, done_, ended_;
  std::vector<bool> has_token_;
};

}  // namespace

int context_for_prompt(int tokens, int depth) { return depth + tokens + 2; }
int context_for_generation(int tokens, int users, int depth) {
  return std::max(depth, 1) + 1 + tokens + steps_before_all_generate(users, depth) + 1;
}

double prompt_rate(engine::Engine& engine, int tokens, int depth) {
  Ids prompt = depth_text(engine, depth, 0);
  if (depth > 0) run_all(engine, {request(prompt, 1)});
  Ids rest = new_text(engine, tokens);
  prompt.insert(prompt.end(), rest.begin(), rest.end());
  engine::Timings timings = run_all(engine, {request(std::move(prompt), 1)})[0].last.timings;
  if (timings.reused_tokens != depth) {
    fail("the cache kept {} of the {} tokens before a prompt of {}: give it more memory or a smaller --depth",
         timings.reused_tokens, depth, tokens);
  }
  return tokens / timings.prompt_s;
}

double generation_rate(engine::Engine& engine, int tokens, int users, int depth) {
  auto race = std::make_shared<Race>(users, tokens);
  std::vector<engine::Request> requests;
  for (int user = 0; user < users; ++user) {
    Ids prompt = depth > 0 ? depth_text(engine, depth, user) : new_text(engine, 1);
    requests.push_back(request(std::move(prompt), 1 + tokens + steps_before_all_generate(users, depth)));
  }
  std::vector<uint64_t> ids;
  try {
    for (int user = 0; user < users; ++user) {
      auto sink = [race, user](const engine::Event& event) { race->take(user, event); };
      ids.push_back(engine.submit(std::move(requests[user]), sink));
    }
  } catch (...) {  // one is refused: the engine's thread shall not wait for it
    for (uint64_t id : ids) engine.cancel(id);
    race->all_are_handed_in();
    throw;
  }
  race->all_are_handed_in();
  race->wait_for_result();
  for (uint64_t id : ids) engine.cancel(id);
  race->wait_for_all();
  if (!race->error().empty()) fail("generation failed: {}", race->error());
  double taken = race->seconds_taken();
  if (taken == 0) {
    fail("{} users behind {} tokens each do not fit the cache at once: take fewer --users or a smaller --depth", users,
         depth);
  }
  return double(users) * tokens / taken;
}

double first_token_seconds(engine::Engine& engine) {
  Clock::time_point begin = Clock::now();
  run_all(engine, {request(new_text(engine, 1), 1)});
  return seconds(begin, Clock::now());
}

}  // namespace troika::apps
