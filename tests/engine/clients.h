// Requests to an engine and who waits for their tokens: alone, or several at once.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <vector>

#include "engine/engine.h"

namespace troika::engine {

// Collects a request's events; may cancel it after some tokens.
class Client {
 public:
  void start(Engine& engine, Request request, int hang_up_after = -1) {
    std::lock_guard lock(mutex_);
    id_ = engine.submit(std::move(request), [this, &engine, hang_up_after](const Event& event) {
      std::lock_guard inner(mutex_);
      if (event.token >= 0) tokens_.push_back(event.token);
      last_ = event;
      if (int(tokens_.size()) == hang_up_after) engine.cancel(id_);
      if (event.finish != Finish::none) done_ = true;
      changed_.notify_all();
    });
  }
  std::vector<int32_t> wait() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(60), [&] { return done_; }));
    return tokens_;
  }
  Event last() const { return last_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  uint64_t id_ = 0;
  std::vector<int32_t> tokens_;
  Event last_;
  bool done_ = false;
};

inline std::vector<int32_t> prompt(int tokens, int seed) {
  std::mt19937 random(seed);
  std::vector<int32_t> ids(tokens);
  for (int32_t& id : ids) id = int32_t(random() % 331);
  return ids;
}

inline Request greedy(int tokens, int seed, int generate) {
  return {.prompt = prompt(tokens, seed), .max_tokens = generate, .sampling = {.temperature = 0}};
}

inline Request sampled(int tokens, int seed, int generate) {
  return {.prompt = prompt(tokens, seed),
          .max_tokens = generate,
          .sampling = {.temperature = 1.5f, .top_p = 0.95f, .repetition_penalty = 1.1f, .seed = uint64_t(seed)}};
}

inline std::vector<int32_t> alone(Engine& engine, Request request) {
  Client client;
  client.start(engine, std::move(request));
  return client.wait();
}

inline Request mixed(int i) { return i % 2 ? sampled(1 + i * 13, i, 40) : greedy(1 + i * 13, i, 40); }

inline std::vector<std::vector<int32_t>> all_alone(Engine& engine, int count) {
  std::vector<std::vector<int32_t>> results;
  for (int i = 0; i < count; ++i) results.push_back(alone(engine, mixed(i)));
  return results;
}

inline void expect_together(Engine& engine, const std::vector<std::vector<int32_t>>& expected) {
  std::vector<Client> clients(expected.size());
  for (size_t i = 0; i < expected.size(); ++i) clients[i].start(engine, mixed(int(i)));
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(clients[i].wait(), expected[i]) << "request " << i;
}

// Texts that part within a page, at its edge, before the first token or not at all: each of them gets the tokens that it
// gets of an engine of its own, and the second time all but its last token is known.
inline void expect_shared_text(const std::function<std::unique_ptr<Engine>()>& load) {
  auto engine = load();
  std::vector<Request> requests;
  std::vector<std::vector<int32_t>> expected;
  for (int part : {0, 3, 40, 64, 70, 99, 100}) {  // where they leave the common text
    Request request = greedy(100, 1, 12);
    for (int32_t& id : request.prompt) id %= 97;
    for (size_t i = size_t(part); i < request.prompt.size(); ++i) request.prompt[i] = (request.prompt[i] + part + 1) % 97;
    expected.push_back(alone(*load(), request));
    requests.push_back(std::move(request));
  }
  for (int round = 0; round < 3; ++round) {
    std::vector<Client> clients(requests.size());
    for (size_t i = 0; i < requests.size(); ++i) clients[i].start(*engine, requests[i]);
    for (size_t i = 0; i < requests.size(); ++i) {
      EXPECT_EQ(clients[i].wait(), expected[i]) << i << " in round " << round;
      if (round > 0) { EXPECT_EQ(clients[i].last().timings.reused_tokens, 99) << i; }
    }
  }
}

}  // namespace troika::engine
