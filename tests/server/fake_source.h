// A source of FakeEngines.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "server/fake_engine.h"
#include "server/model_source.h"

namespace troika::server {

// Models a, b, c, … of 100 bytes each, which say their names.
class FakeSource : public ModelSource {
 public:
  explicit FakeSource(const std::string& names = "abc") {
    for (const char name : names) offered.push_back({.id = std::string(1, name), .bytes = 100});
  }

  std::vector<OfferedModel> offers() override {
    const std::lock_guard lock(mutex_);
    return offered;
  }
  std::unique_ptr<engine::Engine> load(const std::string& id, int replica,
                                       const engine::LoadProgress& progress) override {
    {
      const std::lock_guard lock(mutex_);
      loads.push_back(id);
    }
    for (int quarter = 1; quarter <= 4; ++quarter) {
      std::this_thread::sleep_for(pace / 4);
      progress(quarter / 4.0);
    }
    {
      const std::lock_guard lock(mutex_);
      if (std::ranges::find(offered, id, &OfferedModel::id) == offered.end()) fail("there is no {}", id);
    }
    if (id == broken || replica == broken_replica) fail("{}.gguf is cut short", id);
    auto engine = std::make_unique<FakeEngine>();
    engine->pace = token_pace;
    engine->script = [id](const engine::Request&) { return byte_ids("I am " + id + std::string(20, '.')); };
    engine->info().weight_bytes = 100;
    if (prepare) prepare(id, *engine);
    return engine;
  }
  engine::FileFacts facts(const std::string& id) override {
    if (id == broken) fail("{}.gguf is cut short", id);
    engine::FileFacts facts;
    facts.info = {.name = id, .architecture = "qwen3", .format = "gguf", .quantisation = "q4_k", .licence = "mit"};
    facts.info.parameters = 7'600'000'000;
    facts.info.model_context_length = 4096;
    facts.tokenizer.chat_template = kThinkingTemplate;
    facts.tokenizer.tokens = {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"};
    facts.sees = true;
    return facts;
  }
  void pull(const std::string& name, const std::function<void(const PullProgress&)>& progress,
            const std::stop_token& stop) override {
    if (name == "nowhere") fail("there is no model 'nowhere' on the hub");
    for (uint64_t part = 0; part <= 4; ++part) progress({"pulling", std::string(64, 'a'), 4, part});
    while (name == "endless" && !stop.stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ended = true;
    const std::lock_guard lock(mutex_);
    offered.push_back({.id = name, .bytes = 100});
  }
  void copy(const std::string& from, const std::string& to) override { copied = from + " " + to; }
  void remove(const std::string& name) override {
    const std::lock_guard lock(mutex_);
    if (std::erase_if(offered, [&](const auto& model) { return model.id == name; }) == 0) fail("no {}", name);
  }
  std::vector<std::string> loaded() {
    const std::lock_guard lock(mutex_);
    return loads;
  }

  std::vector<OfferedModel> offered;
  std::vector<std::string> loads;
  std::string broken, copied;
  int broken_replica = -1;
  std::function<void(const std::string& id, FakeEngine& engine)> prepare;  // called with each that is loaded
  std::chrono::milliseconds pace{0};
  std::chrono::microseconds token_pace{0};
  std::atomic<bool> ended = false;

 private:
  std::mutex mutex_;
};

}  // namespace troika::server
