// An engine that gets the largest logits from the GPU, and whole rows only where it must, answers like one that reads all.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>

#include "device/vulkan/vulkan_device.h"
#include "device/vulkan_here.h"
#include "engine/clients.h"
#include "engine/handing_on.h"
#include "engine/held.h"
#include "grammar/samples.h"

namespace troika::engine {
namespace {

std::atomic<int> whole_rows = 0, top_rows = 0, fetched_rows = 0;

// Counts what the host reads; may keep to itself what the GPU found.
class Watched : public device::Executable {
 public:
  Watched(std::unique_ptr<device::Executable> inner, const ops::StepInputs& inputs, bool tells_top)
      : inner_(std::move(inner)), inputs_(inputs), tells_top_(tells_top) {}
  void submit() override {
    inner_->submit();
    for (int i = 0; i < inputs_.outputs; ++i) {
      ++(inputs_.wanted[size_t(i)].whole & ops::Wanted::logits ? whole_rows : top_rows);
    }
  }
  void wait() override { inner_->wait(); }
  const std::byte* result(ops::Tensor t) const override { return inner_->result(t); }
  const device::TopLogits* top(int row) const override { return tells_top_ ? inner_->top(row) : nullptr; }
  void fetch(int row) override {
    ++fetched_rows;
    inner_->fetch(row);
  }

 private:
  const std::unique_ptr<device::Executable> inner_;
  const ops::StepInputs& inputs_;
  const bool tells_top_;
};

class Watching : public HandsOn {
 public:
  Watching(std::unique_ptr<device::Device> inner, bool tells_top) : HandsOn(std::move(inner)), tells_top_(tells_top) {}
  std::unique_ptr<device::Executable> compile(const device::Segment& segment) override {
    return std::make_unique<Watched>(HandsOn::compile(segment), *segment.inputs, tells_top_);
  }

 private:
  const bool tells_top_;
};

struct Answer {
  std::vector<int32_t> tokens;
  std::vector<float> logprobs;
  std::vector<std::vector<TokenLogprob>> tops;
  std::vector<float> prompt_logits, prompt_states;
};

// As long as this lives the engine may call it.
class Asker {
 public:
  void ask(Engine& engine, Request request) {
    const auto append_to = [](std::vector<float>& to) {
      return [&to](int, std::span<const float> values) { to.insert(to.end(), values.begin(), values.end()); };
    };
    if (request.prompt_logits) request.prompt_logits = append_to(answer_.prompt_logits);
    if (request.prompt_states) request.prompt_states = append_to(answer_.prompt_states);
    engine.submit(std::move(request), [this](const Event& event) {
      if (event.token >= 0) {
        answer_.tokens.push_back(event.token);
        answer_.logprobs.push_back(event.logprob);
        answer_.tops.push_back(event.top);
      }
      if (event.finish == Finish::none) return;
      EXPECT_NE(event.finish, Finish::failed) << event.error;
      done_.set_value();
    });
  }
  const Answer& wait() {
    done_.get_future().wait();
    return answer_;
  }

 private:
  Answer answer_;
  std::promise<void> done_;
};

class TopLogits : public device::OnVulkan {
 protected:
  void SetUp() override {
    OnVulkan::SetUp();
    if (IsSkipped()) return;
    static const bool added = [] {
      device::add_backend({"gpu without top", [](const device::DeviceOptions& o) {
                             return std::make_unique<Watching>(device::vulkan::make(o), false);
                           }});
      device::add_backend({"gpu with top", [](const device::DeviceOptions& o) {
                             auto gpu = device::vulkan::make(o, device::vulkan::Results::copied);
                             return std::make_unique<Watching>(std::move(gpu), true);
                           }});
      return true;
    }();
    EXPECT_TRUE(added);
    whole_rows = top_rows = fetched_rows = 0;
  }
  static std::unique_ptr<Engine> load(const char* device) {
    return Engine::load(std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/goldens/qwen2-tied",
                        {.device = device, .threads = 2, .context = 512, .quantise = "q8_0"});
  }
};

Request request_with(SamplingOptions sampling, int seed, int top_logprobs = -1) {
  sampling.seed = uint64_t(seed);
  Request r{.prompt = prompt(5 + 9 * seed % 60, seed), .max_tokens = 12, .sampling = std::move(sampling)};
  r.logprobs = top_logprobs >= 0;
  r.top_logprobs = std::max(top_logprobs, 0);
  return r;
}

std::vector<Request> all_kinds() {
  std::vector<Request> requests = {
      request_with({.temperature = 0}, 1),
      request_with({.temperature = 0}, 2, 20),
      request_with({.temperature = 1, .top_k = 20}, 3, 0),
      request_with({.temperature = 0.7f, .top_k = 20, .top_p = 0.8f, .repetition_penalty = 1.1f}, 4, 5),
      request_with({.temperature = 1, .top_k = 64, .top_p = 0.95f}, 5),
      request_with({.temperature = 0.2f, .top_p = 0.6f}, 6),
      request_with({.temperature = 2, .top_p = 0.9f}, 7, 3),
      request_with({.temperature = 0.5f, .min_p = 0.2f}, 8),
      request_with({.temperature = 1}, 9, 20),
      request_with({.temperature = 1, .top_k = 40, .typical_p = 0.9f}, 10),
      request_with({.temperature = 0, .frequency_penalty = 0.5f}, 11),
      request_with({.temperature = 0, .presence_penalty = -1}, 12),
      request_with({.temperature = 1, .top_k = 10, .logit_bias = {{7, 5.0f}}}, 13, 2),
  };
  Request bound = request_with({.temperature = 1, .top_k = 30}, 14);
  static grammar::samples::TokenWorld world(grammar::samples::random_texts(331 - 258, 7));
  bound.grammar = world.grammar(grammar::samples::of_regex("[a-z]{10}"));
  requests.push_back(bound);
  Request greedily_bound = request_with({.temperature = 0}, 15, 4);
  greedily_bound.grammar = bound.grammar;
  requests.push_back(greedily_bound);
  Request prompt_too = request_with({.temperature = 0}, 16, 4);
  prompt_too.prompt_logits = [](int, std::span<const float>) {};
  requests.push_back(prompt_too);
  Request states_only{.prompt = prompt(40, 17)};
  states_only.prompt_states = [](int, std::span<const float>) {};
  requests.push_back(states_only);
  return requests;
}

bool near(float a, float b) { return a == b || std::abs(a - b) <= 1e-5f * std::max(1.0f, std::abs(b)); }

void expect_same(const Answer& got, const Answer& want, const std::string& which) {
  EXPECT_EQ(got.tokens, want.tokens) << which;
  EXPECT_EQ(got.prompt_logits, want.prompt_logits) << which;
  EXPECT_EQ(got.prompt_states, want.prompt_states) << which;
  ASSERT_EQ(got.tops.size(), want.tops.size()) << which;
  for (size_t i = 0; i < want.tops.size(); ++i) {
    EXPECT_TRUE(near(got.logprobs[i], want.logprobs[i])) << which << ", token " << i;
    ASSERT_EQ(got.tops[i].size(), want.tops[i].size()) << which << ", token " << i;
    for (size_t j = 0; j < want.tops[i].size(); ++j) {
      EXPECT_EQ(got.tops[i][j].id, want.tops[i][j].id) << which << ", token " << i;
      EXPECT_TRUE(near(got.tops[i][j].logprob, want.tops[i][j].logprob)) << which << ", token " << i;
    }
  }
}

TEST_F(TopLogits, LeadToTheAnswersOfWholeRows) {
  const std::vector<Request> requests = all_kinds();
  std::vector<Answer> want;
  {
    auto engine = load("gpu without top");
    for (const Request& request : requests) {
      Asker asker;
      asker.ask(*engine, request);
      want.push_back(asker.wait());
    }
  }
  auto engine = load("gpu with top");
  for (size_t i = 0; i < requests.size(); ++i) {
    Asker asker;
    asker.ask(*engine, requests[i]);
    expect_same(asker.wait(), want[i], fmt::format("request {} alone", i));
  }
  std::vector<Asker> askers(requests.size());
  {
    Held held(*engine);
    for (size_t i = 0; i < requests.size(); ++i) askers[i].ask(*engine, requests[i]);
  }
  for (size_t i = 0; i < requests.size(); ++i) {
    expect_same(askers[i].wait(), want[i], fmt::format("request {} among others", i));
  }
}

TEST_F(TopLogits, AreAllThatUsualRequestsRead) {
  auto engine = load("gpu with top");
  for (int i = 0; i < 3; ++i) {
    const int before = top_rows;
    Asker asker;
    asker.ask(*engine, all_kinds()[size_t(i)]);
    EXPECT_EQ(asker.wait().tokens.size(), 12u);
    EXPECT_EQ(top_rows - before, 12) << i;
  }
  EXPECT_EQ(whole_rows, 0);
  EXPECT_EQ(fetched_rows, 0);
}

TEST_F(TopLogits, AreNotAskedForWhereAllIsNeeded) {
  auto engine = load("gpu with top");
  Asker asker;
  asker.ask(*engine, request_with({.temperature = 1}, 9));
  EXPECT_EQ(asker.wait().tokens.size(), 12u);
  EXPECT_EQ(whole_rows, 12);
  EXPECT_EQ(fetched_rows, 0);
}

TEST_F(TopLogits, AreCompletedByRowsThatAreFetched) {
  auto engine = load("gpu with top");
  Asker asker;
  asker.ask(*engine, request_with({.temperature = 3, .top_p = 0.9f}, 7));
  EXPECT_EQ(asker.wait().tokens.size(), 12u);
  EXPECT_EQ(whole_rows, 0);
  EXPECT_GT(fetched_rows, 0);
}

}  // namespace
}  // namespace troika::engine
