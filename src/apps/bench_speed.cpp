#include "apps/bench_speed.h"

#include <algorithm>
#include <chrono>
#include <latch>
#include <memory>
#include <random>

#include "apps/collect.h"
#include "base/error.h"
#include "power/governor.h"

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

// Time, and the energy that was spent in it.
class Stretch {
 public:
  explicit Stretch(power::Governor& meter) : meter_(meter) { begin(); }

  void begin() {
    spent_before_ = meter_.spent();
    begin_ = Clock::now();
  }
  void end() {
    end_ = Clock::now();
    spent_ = meter_.spent();
  }
  double seconds() const { return troika::apps::seconds(begin_, end_); }
  Speed speed(double tokens_per_s) const {
    return {.tokens_per_s = tokens_per_s,
            .seconds = seconds(),
            .spent = {spent_.joules - spent_before_.joules, spent_.seconds - spent_before_.seconds}};
  }

 private:
  power::Governor& meter_;
  Clock::time_point begin_, end_;
  platform::Energy spent_before_, spent_;
};

// Users that generate together. take() is called on the engine's thread, which waits in it until all users are handed
// in: else the first of a tiny model could be done before the last has come.
class Race {
 public:
  Race(int users, int tokens, power::Governor& meter)
      : without_token_(users), tokens_(tokens), stretch_(meter), done_(1), ended_(users), has_token_(users) {}

  void all_are_handed_in() { handed_in_.count_down(); }

  void take(int user, const engine::Event& event) {
    handed_in_.wait();
    if (event.token >= 0) {
      if (!has_token_[user]) {
        has_token_[user] = true;
        if (--without_token_ == 0) {
          last_ = user;
          stretch_.begin();
        }
      } else if (without_token_ == 0 && user == last_ && ++steps_ == tokens_) {
        stretch_.end();
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
  bool came_to_an_end() const { return steps_ >= tokens_; }
  const Stretch& measured() const { return stretch_; }  // the `tokens` steps
  const std::string& error() const { return error_; }

 private:
  void finish() {
    if (!std::exchange(finished_, true)) done_.count_down();
  }

  int without_token_, tokens_, last_ = -1, steps_ = 0;
  bool finished_ = false;
  Stretch stretch_;
  std::string error_;
  std::latch handed_in_{1}, done_, ended_;
  std::vector<bool> has_token_;
};

}  // namespace

int context_for_prompt(int tokens, int depth) { return depth + tokens + 2; }
int context_for_generation(int tokens, int users, int depth) {
  return std::max(depth, 1) + 1 + tokens + steps_before_all_generate(users, depth) + 1;
}

Speed prompt_speed(engine::Engine& engine, power::Governor& meter, int tokens, int depth) {
  Ids prompt = depth_text(engine, depth, 0);
  if (depth > 0) run_all(engine, {request(prompt, 1)});
  Ids rest = new_text(engine, tokens);
  prompt.insert(prompt.end(), rest.begin(), rest.end());
  Stretch stretch(meter);
  engine::Timings timings = run_all(engine, {request(std::move(prompt), 1)})[0].last.timings;
  stretch.end();
  if (timings.reused_tokens != depth) {
    fail("the cache kept {} of the {} tokens before a prompt of {}: give it more memory or a smaller --depth",
         timings.reused_tokens, depth, tokens);
  }
  return stretch.speed(tokens / timings.prompt_s);
}

Speed generation_speed(engine::Engine& engine, power::Governor& meter, int tokens, int users, int depth) {
  auto race = std::make_shared<Race>(users, tokens, meter);
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
  double taken = race->measured().seconds();
  if (!race->came_to_an_end()) {
    fail("{} users behind {} tokens each do not fit the cache at once: take fewer --users or a smaller --depth", users,
         depth);
  }
  return race->measured().speed(double(users) * tokens / taken);
}

double first_token_seconds(engine::Engine& engine) {
  Clock::time_point begin = Clock::now();
  run_all(engine, {request(new_text(engine, 1), 1)});
  return seconds(begin, Clock::now());
}

}  // namespace troika::apps
