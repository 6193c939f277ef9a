// A conversation with a loaded model: who said what, and the next answer. It knows nothing of terminals.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace troika::apps {

struct Message {
  std::string role;  // "system", "user" or "assistant"
  std::string content;
};

struct ChatSettings {
  engine::SamplingOptions sampling;
  int max_tokens = 0;  // of an answer; 0: until the context is full
};

struct Answer {
  std::string text;
  engine::Event last;  // how it ended, and its timings
  bool context_full = false;
};

class Chat {
 public:
  // `engine` must outlive this and must have a tokenizer; throws Error when it has none.
  explicit Chat(engine::Engine& engine);

  // The answer to `question`; `show` gets it piece by piece on the calling thread. When `interrupted` (asked
  // every few milliseconds) says so, the answer ends where it is. Question and answer join the conversation,
  // unless nothing was answered. Throws Error, the conversation unchanged, when the context is too small.
  Answer ask(std::string_view question, const std::function<void(std::string_view)>& show,
             const std::function<bool()>& interrupted);

  void set_system(std::string text);                   // "": none, the model's template may have its own
  void clear();                                        // all but the system message
  void save(const std::filesystem::path& path) const;  // {"messages": [{"role", "content"}, …]}
  void load(const std::filesystem::path& path);        // replaces the conversation

  const std::vector<Message>& messages() const { return messages_; }
  bool has_template() const;

  ChatSettings settings;

 private:
  std::vector<int32_t> prompt() const;

  engine::Engine& engine_;
  std::vector<Message> messages_;
};

}  // namespace troika::apps
