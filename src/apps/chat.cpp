#include "apps/chat.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/files.h"
#include "base/error.h"
#include "base/file_map.h"
#include "text/detokenizer.h"

namespace troika::apps {
namespace {

constexpr std::chrono::milliseconds kLook{20};  // how often an interruption is looked for

// Events from the engine's thread to ours.
class Mailbox {
 public:
  void put(const engine::Event& event) {
    {
      std::lock_guard lock(mutex_);
      events_.push_back(event);
    }
    arrived_.notify_one();
  }

  std::optional<engine::Event> take(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    if (!arrived_.wait_for(lock, timeout, [&] { return !events_.empty(); })) return std::nullopt;
    engine::Event event = std::move(events_.front());
    events_.pop_front();
    return event;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<engine::Event> events_;
};

nlohmann::ordered_json to_json(const std::vector<Message>& messages) {
  auto list = nlohmann::ordered_json::array();
  for (const Message& m : messages) list.push_back({{"role", m.role}, {"content", m.content}});
  return list;
}

}  // namespace

Chat::Chat(engine::Engine& engine) : engine_(engine) {
  if (!engine.text().tokenizer) fail("{} has no tokenizer: it cannot chat", engine.model().path);
  settings.sampling = engine.model().sampling;
}

bool Chat::has_template() const { return engine_.text().chat_template != nullptr; }

// Without a chat template the model is no chat model: it goes on with the text as it stands.
std::vector<int32_t> Chat::prompt() const {
  const engine::TextModel& text = engine_.text();
  if (has_template()) {
    std::string rendered = text.render({{"messages", to_json(messages_)}, {"add_generation_prompt", true}});
    return text.tokenizer->encode(rendered, {.parse_special = true});
  }
  std::string joined;
  for (const Message& m : messages_) joined += m.content;
  return text.tokenizer->encode(joined, {.add_bos = text.tokenizer->data().add_bos});
}

Answer Chat::ask(std::string_view question, const std::function<void(std::string_view)>& show,
                 const std::function<bool()>& interrupted) {
  messages_.push_back({"user", std::string(question)});
  uint64_t id = 0;
  auto mailbox = std::make_shared<Mailbox>();
  try {
    engine::Request request{.prompt = prompt(), .sampling = settings.sampling};
    int room = engine_.model().context_length - static_cast<int>(request.prompt.size());
    if (room < 1) {
      fail(
          "the conversation has {} tokens with this question, but the context holds {}; make it shorter, "
          "/clear it, "
          "or start with a larger --ctx",
          request.prompt.size(), engine_.model().context_length);
    }
    request.max_tokens = std::min(room, settings.max_tokens > 0 ? settings.max_tokens : room);
    id = engine_.submit(std::move(request), [mailbox](const engine::Event& event) { mailbox->put(event); });
  } catch (...) {
    messages_.pop_back();
    throw;
  }

  Answer answer;
  text::Detokenizer detokenizer(*engine_.text().tokenizer, /*skip_control=*/true);
  auto take_text = [&](std::string piece) {
    if (piece.empty()) return;
    show(piece);
    answer.text += piece;
  };
  bool cancelled = false;
  while (answer.last.finish == engine::Finish::none) {
    if (auto event = mailbox->take(kLook)) {
      if (event->token >= 0 && !cancelled) take_text(detokenizer.append(event->token));
      answer.last = std::move(*event);
    }
    if (!cancelled && interrupted()) {
      cancelled = true;
      engine_.cancel(id);
    }
  }
  take_text(detokenizer.flush());
  const engine::Timings& t = answer.last.timings;
  answer.context_full = answer.last.finish == engine::Finish::length &&
                        t.prompt_tokens + t.generated_tokens >= engine_.model().context_length;
  if (answer.text.empty()) {
    messages_.pop_back();
  } else {
    messages_.push_back({"assistant", answer.text});
  }
  if (answer.last.finish == engine::Finish::failed) fail("the answer failed: {}", answer.last.error);
  return answer;
}

void Chat::set_system(std::string text) {
  bool has_one = !messages_.empty() && messages_.front().role == "system";
  if (has_one) messages_.erase(messages_.begin());
  if (!text.empty()) messages_.insert(messages_.begin(), {"system", std::move(text)});
}

void Chat::clear() {
  std::erase_if(messages_, [](const Message& m) { return m.role != "system"; });
}

void Chat::save(const std::filesystem::path& path) const {
  std::ofstream out(path);
  out << nlohmann::ordered_json{{"messages", to_json(messages_)}}.dump(
             2, ' ', false, nlohmann::ordered_json::error_handler_t::replace)
      << '\n';
  if (!out.flush()) fail("cannot write {}", path.string());
}

void Chat::load(const std::filesystem::path& path) {
  auto json = parse_json(read_text_file(path), path.string());
  std::vector<Message> messages;
  try {
    for (const auto& m : json.at("messages")) {
      messages.push_back({m.at("role").get<std::string>(), m.at("content").get<std::string>()});
      const std::string& role = messages.back().role;
      if (role != "system" && role != "user" && role != "assistant") {
        fail("{}: a message has the role '{}'; known are system, user and assistant", path.string(), role);
      }
    }
  } catch (const nlohmann::json::exception&) {
    fail("{} is no saved chat: {{\"messages\": [{{\"role\": …, \"content\": …}}, …]}}", path.string());
  }
  messages_ = std::move(messages);
}

}  // namespace troika::apps
