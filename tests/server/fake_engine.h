// Test doubles for the server's tests: an engine that follows a script on a thread of its own, and a
// tokenizer with one token a byte, so that every character of more than one byte arrives in pieces.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "engine/engine.h"
#include "models/spec.h"
#include "models/tower.h"
#include "text/byte_alphabet.h"

namespace troika::server {

inline constexpr int32_t kChatBegin = 256, kChatEnd = 257, kByteTokens = 258;

inline const char* const kChatTemplate =
    "{% for m in messages %}{% if m.role == 'system' and not loop.first %}"
    "{{ raise_exception('The system message must come first.') }}{% endif %}"
    "<|im_start|>{{ m.role }}\n{{ m.content }}"
    "{% if m.tool_calls %}{% for c in m.tool_calls %}[{{ c.function.name }} {{ c.function.arguments | tojson "
    "}}]"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

// A template that knows pictures, but not how to join parts of text: as Qwen2.5-VL's in small.
inline const char* const kVisionTemplate =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for p in m.content %}{% if p.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ p.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

// One that knows reasoning, as Qwen3's in small.
inline const char* const kThinkingTemplate =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.reasoning_content %}<think>{{ m.reasoning_content }}"
    "</think>{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and not enable_thinking %}<think>\n\n</think>\n\n{% endif %}";

// One that teaches calls as Qwen's does, in small.
inline const char* const kHermesTemplate =
    "{% if tools %}<|im_start|>system\n{% for t in tools %}{{ t | tojson }}\n{% endfor %}"
    "<tool_call>…</tool_call><|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% if m.tool_calls %}{% for c in "
    "m.tool_calls %}"
    "<tool_call>\n{{ c.function.name }} {{ c.function.arguments | tojson }}\n</tool_call>{% endfor %}{% "
    "endif %}<|im_end|>\n"
    "{% endfor %}<|im_start|>assistant\n";
// One that knows nothing of tools, and roles must alternate.
inline const char* const kPlainTemplate =
    "{% for m in messages %}{% if m.role not in ['system', 'user', 'assistant'] %}{{ raise_exception('no "
    "such role') }}"
    "{% endif %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n";

// Calls in the form that kHermesTemplate teaches.
inline const std::string kCall =
    "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>";
inline const std::string kNow = "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>";

inline constexpr int32_t kImagePad = 259;  // with the tokens of pictures

inline std::unique_ptr<text::Tokenizer> make_byte_tokenizer(std::string chat_template,
                                                             const std::vector<const char*>& more_specials) {
  text::TokenizerData data{.nfc = false, .chat_template = std::move(chat_template)};
  for (int byte = 0; byte < 256; ++byte) {
    data.tokens.push_back(text::to_byte_alphabet(std::string(1, char(byte))));
    data.types.push_back(text::TokenType::normal);
  }
  std::vector<const char*> specials = {"<|im_start|>", "<|im_end|>"};
  specials.insert(specials.end(), more_specials.begin(), more_specials.end());
  for (const char* special : specials) {
    data.tokens.push_back(special);
    data.types.push_back(text::TokenType::control);
  }
  data.eos = kChatEnd;
  data.end_ids = {kChatEnd};
  return text::make_tokenizer(std::move(data));
}

inline std::vector<int32_t> byte_ids(std::string_view text) {
  std::vector<int32_t> ids;
  for (const char byte : text) ids.push_back(uint8_t(byte));
  return ids;
}

// Answers every prompt with `script(request)`, one token at a time in turn for all requests, `pace` apart;
// then stops, or reports `length` where max_tokens or the context cuts it. With logprobs a token's score is
// -id/100.
class FakeEngine : public engine::Engine {
 public:
  std::function<std::vector<int32_t>(const engine::Request&)> script = [](const engine::Request&) {
    return byte_ids("Hello, world");
  };
  std::chrono::microseconds pace{0};
  std::string failure;  // not empty: requests fail with it after their first token
  std::string refusal;  // not empty: submit throws it
  engine::EngineStats counted;  // what `stats` says besides what really runs and was generated

  FakeEngine() {
    use_template(kChatTemplate);
    model_ = {.name = "fake",
              .architecture = "qwen2",
              .created = 1700000000,
              .context_length = 1000,
              .model_context_length = 2000,
              .vocabulary = kByteTokens};
    model_.width = 4;
    thread_ = std::jthread([this](std::stop_token stop) { loop(stop); });
  }
  ~FakeEngine() override {
    thread_.request_stop();
    changed_.notify_all();
  }

  void use_template(const std::string& source, const std::vector<const char*>& more_specials = {}) {
    text_.tokenizer = make_byte_tokenizer(source, more_specials);
    text_.chat_template = std::make_unique<text::ChatTemplate>(source);
    text_.repairs = text::find_repairs(*text_.chat_template);
    text_.grammars = std::make_unique<grammar::GrammarCache>(*text_.tokenizer);
  }

  // Pictures become tokens as Qwen2.5-VL's do; what they show, the script may say.
  void give_eyes(const char* source = kVisionTemplate) {
    use_template(source, {"<|vision_start|>", "<|image_pad|>", "<|vision_end|>"});
    spec_.family = "qwen2vl";
    eyes_ = std::make_unique<engine::Eyes>(spec_, models::TowerSpec{}, text_,
                                           engine::EyesOptions{.tokens = {.image = kImagePad}});
  }
  void use_fill_in() { use_template(kChatTemplate, {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"}); }

  const engine::Eyes* eyes() const override { return eyes_.get(); }

  engine::ModelInfo& info() { return model_; }
  const engine::ModelInfo& model() const override { return model_; }
  const engine::TextModel& text() const override { return text_; }

  uint64_t submit(engine::Request request, engine::EventSink sink) override {
    if (!refusal.empty()) fail("{}", refusal);
    const std::lock_guard lock(mutex_);
    const uint64_t id = next_++;
    Running running{.request = request, .answer = script(request), .sink = std::move(sink)};
    const size_t room = size_t(model_.context_length) - request.prompt.size();
    running.limit = request.max_tokens ? std::min(room, size_t(request.max_tokens)) : room;
    running_.emplace(id, std::move(running));
    requests_.push_back(std::move(request));
    changed_.notify_all();
    return id;
  }

  void cancel(uint64_t id) override {
    const std::lock_guard lock(mutex_);
    cancelled_.push_back(id);
    changed_.notify_all();
  }

  engine::EngineStats stats() const override {
    const std::lock_guard lock(mutex_);
    engine::EngineStats stats = counted;
    stats.running += int(running_.size());
    stats.generated_tokens += generated_;
    return stats;
  }

  std::vector<engine::Request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  void forget_requests() {
    const std::lock_guard lock(mutex_);
    requests_.clear();
  }
  engine::Request last_request() const { return requests().back(); }
  int64_t generated() const { return stats().generated_tokens; }

  // True as soon as nothing runs any more.
  bool idle_within(std::chrono::milliseconds time) const {
    const auto end = std::chrono::steady_clock::now() + time;
    while (stats().running > 0) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
  }

 private:
  struct Running {
    engine::Request request;
    std::vector<int32_t> answer;
    engine::EventSink sink;
    size_t limit = 0, sent = 0;
  };

  void loop(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested()) {
      changed_.wait(lock, [&] { return stop.stop_requested() || !running_.empty(); });
      for (auto entry = running_.begin(); entry != running_.end();) {
        const bool gone = std::ranges::find(cancelled_, entry->first) != cancelled_.end();
        if (gone) entry->second.sink({.finish = engine::Finish::cancelled});
        entry = gone || step(entry->second) ? running_.erase(entry) : std::next(entry);
      }
      if (pace.count() > 0) {
        changed_.wait_for(lock, pace, [&] { return stop.stop_requested(); });
      } else {
        lock.unlock();
        lock.lock();
      }
    }
    for (auto& [id, running] : running_) running.sink({.finish = engine::Finish::cancelled});
  }

  // True when the request has finished.
  bool step(Running& running) {
    engine::Event event;
    event.timings = {.prompt_tokens = int(running.request.prompt.size()),
                     .generated_tokens = int(running.sent),
                     .prompt_s = 0.5,
                     .generate_s = 0.25};
    if (running.sent == 0 && running.request.prompt_logits) score(running.request);
    if (running.request.prompt_states) {
      tell_states(running.request);
      event.finish = engine::Finish::length;
      running.sink(event);
      return true;
    }
    if (running.sent == 1 && !failure.empty()) {
      event.finish = engine::Finish::failed;
      event.error = failure;
    } else if (running.sent == running.answer.size()) {
      event.finish = engine::Finish::stop;
    } else {
      event.token = running.answer[running.sent++];
      ++generated_;
      event.logprob = -float(event.token) / 100;
      for (int i = 0; i < running.request.top_logprobs; ++i)
        event.top.push_back({.id = event.token + i, .logprob = event.logprob - float(i)});
      if (running.sent == running.limit) event.finish = engine::Finish::length;
    }
    running.sink(event);
    return event.finish != engine::Finish::none;
  }

  // Logits in which the next byte after b is b + 1, by far.
  void score(const engine::Request& request) const {
    std::vector<float> logits(size_t(model_.vocabulary));
    for (size_t i = 0; i < request.prompt.size(); ++i) {
      std::ranges::fill(logits, 0.0f);
      logits[size_t(request.prompt[i] + 1) % logits.size()] = 20;
      request.prompt_logits(int(i), logits);
    }
  }

  // The state of a token: [id, place in the prompt, 0, 1], repeated over the model's width.
  void tell_states(const engine::Request& request) const {
    std::vector<float> state(size_t(model_.width));
    for (size_t i = 0; i < request.prompt.size(); ++i) {
      const float four[] = {float(request.prompt[i]), float(i), 0, 1};
      for (size_t e = 0; e < state.size(); ++e) state[e] = four[e % 4];
      if (!request.last_state_only || i + 1 == request.prompt.size()) request.prompt_states(int(i), state);
    }
  }

  engine::ModelInfo model_;
  engine::TextModel text_;
  models::ModelSpec spec_;
  std::unique_ptr<engine::Eyes> eyes_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<uint64_t, Running> running_;
  std::vector<uint64_t> cancelled_;
  std::vector<engine::Request> requests_;
  uint64_t next_ = 1;
  int64_t generated_ = 0;
  std::jthread thread_;
};

}  // namespace troika::server
