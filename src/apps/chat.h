// A conversation with a loaded model: who said what, and the next answer. It knows nothing of terminals.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"

namespace troika::apps {

struct ShownPicture {
  std::string path;
  engine::SharedPicture picture;
};

struct Message {
  std::string role;  // "system", "user" or "assistant"
  std::string content;
  std::vector<ShownPicture> pictures = {};  // before the text
  std::string reasoning = {};               // before an answer
};

struct ChatSettings {
  engine::SamplingOptions sampling;
  int max_tokens = 0;  // of an answer; 0: until the context is full
  std::optional<bool> think;           // absent: as the model's template has it
  std::optional<int> thinking_budget;  // tokens; absent: no limit
};

enum class Voice { thinking, answering };
using Show = std::function<void(Voice voice, std::string_view piece)>;

struct Answer {
  std::string reasoning, text;
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
  // The pictures shown since the last question go with it.
  Answer ask(std::string_view question, const Show& show, const std::function<bool()>& interrupted);

  // Throws Error when the model does not see, or the file is no picture.
  void show(const std::filesystem::path& path);
  const std::vector<ShownPicture>& shown() const { return shown_; }

  void set_system(std::string text);                   // "": none, the model's template may have its own
  void clear();                                        // all but the system message
  void save(const std::filesystem::path& path) const;  // {"messages": [{"role", "content", "images"?}, …]}
  void load(const std::filesystem::path& path);        // replaces the conversation

  const std::vector<Message>& messages() const { return messages_; }
  bool has_template() const;

  ChatSettings settings;

 private:
  engine::ImagePrompt prompt() const;
  void take_back_question();

  engine::Engine& engine_;
  std::vector<Message> messages_;
  std::vector<ShownPicture> shown_;  // for the next question
};

}  // namespace troika::apps
