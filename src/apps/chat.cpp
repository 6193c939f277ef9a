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
#include "apps/pictures.h"
#include "base/error.h"
#include "base/file_map.h"
#include "text/detokenizer.h"
#include "text/reasoning.h"

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

// As a file: pictures by their paths.
nlohmann::ordered_json to_file(const std::vector<Message>& messages) {
  auto list = nlohmann::ordered_json::array();
  for (const Message& m : messages) {
    list.push_back({{"role", m.role}, {"content", m.content}});
    if (!m.reasoning.empty()) list.back()["reasoning_content"] = m.reasoning;
    for (const ShownPicture& p : m.pictures) list.back()["images"].push_back(p.path);
  }
  return list;
}

// As templates read them: where there are pictures, a list of parts. Those that know of earlier reasoning drop what
// they do not want of it.
nlohmann::ordered_json for_template(const std::vector<Message>& messages) {
  auto list = nlohmann::ordered_json::array();
  for (const Message& m : messages) {
    list.push_back({{"role", m.role}, {"content", m.content}});
    if (!m.reasoning.empty()) list.back()["reasoning_content"] = m.reasoning;
    if (m.pictures.empty()) continue;
    auto parts = nlohmann::ordered_json::array();
    for (size_t i = 0; i < m.pictures.size(); ++i) parts.push_back({{"type", "image"}});
    parts.push_back({{"type", "text"}, {"text", m.content}});
    list.back()["content"] = std::move(parts);
  }
  return list;
}

std::vector<ShownPicture> read_shown(const nlohmann::ordered_json& message) {
  std::vector<ShownPicture> pictures;
  if (!message.contains("images")) return pictures;
  for (const auto& path : message["images"]) {
    pictures.push_back({path.get<std::string>(), read_picture(path.get<std::string>())});
  }
  return pictures;
}

}  // namespace

Chat::Chat(engine::Engine& engine) : engine_(engine) {
  if (!engine.text().tokenizer) fail("{} has no tokenizer: it cannot chat", engine.model().path);
  settings.sampling = engine.model().sampling;
}

bool Chat::has_template() const { return engine_.text().chat_template != nullptr; }

// Without a chat template the model is no chat model: it goes on with the text as it stands.
engine::ImagePrompt Chat::prompt() const {
  const engine::TextModel& text = engine_.text();
  std::vector<engine::SharedPicture> pictures;
  for (const Message& m : messages_) {
    for (const ShownPicture& p : m.pictures) pictures.push_back(p.picture);
  }
  nlohmann::ordered_json variables{{"messages", for_template(messages_)}, {"add_generation_prompt", true}};
  if (settings.think) variables["enable_thinking"] = *settings.think;
  if (settings.thinking_budget == 0) variables["enable_thinking"] = false;
  if (!pictures.empty()) return engine::eyes_of(engine_).chat(std::move(variables), pictures);
  if (has_template()) return {text.tokenizer->encode(text.render(std::move(variables)), {.parse_special = true}), {}};
  std::string joined;
  for (const Message& m : messages_) joined += m.content;
  return {text.tokenizer->encode(joined, {.add_bos = text.tokenizer->data().add_bos}), {}};
}

Answer Chat::ask(std::string_view question, const Show& show, const std::function<bool()>& interrupted) {
  messages_.push_back({"user", std::string(question), std::exchange(shown_, {})});
  uint64_t id = 0;
  auto reasoning = text::Reasoning::none;
  auto mailbox = std::make_shared<Mailbox>();
  try {
    auto [tokens, images] = prompt();
    engine::Request request{.prompt = std::move(tokens), .images = std::move(images), .sampling = settings.sampling};
    int room = engine_.model().context_length - static_cast<int>(request.prompt.size());
    if (room < 1) {
      fail(
          "the conversation has {} tokens with this question, but the context holds {}; make it shorter, "
          "/clear it, "
          "or start with a larger --ctx",
          request.prompt.size(), engine_.model().context_length);
    }
    request.max_tokens = std::min(room, settings.max_tokens > 0 ? settings.max_tokens : room);
    reasoning = engine::reasoning_after(engine_.text(), request.prompt);
    if (settings.thinking_budget) {
      request.thinking = engine::thinking_budget(engine_.text(), engine_.model().architecture, request.prompt,
                                                 *settings.thinking_budget);
    }
    id = engine_.submit(std::move(request), [mailbox](const engine::Event& event) { mailbox->put(event); });
  } catch (...) {
    take_back_question();
    throw;
  }

  Answer answer;
  text::Detokenizer detokenizer(*engine_.text().tokenizer, /*skip_control=*/true);
  text::ReasoningSplitter splitter(reasoning);
  auto take = [&](const text::ReasoningSplitter::Pieces& pieces) {
    if (!pieces.reasoning.empty()) show(Voice::thinking, pieces.reasoning);
    if (!pieces.content.empty()) show(Voice::answering, pieces.content);
    answer.reasoning += pieces.reasoning;
    answer.text += pieces.content;
  };
  bool cancelled = false;
  while (answer.last.finish == engine::Finish::none) {
    if (auto event = mailbox->take(kLook)) {
      if (event->token >= 0 && !cancelled) take(splitter.append(detokenizer.append(event->token)));
      answer.last = std::move(*event);
    }
    if (!cancelled && interrupted()) {
      cancelled = true;
      engine_.cancel(id);
    }
  }
  take(splitter.append(detokenizer.flush()));
  take(splitter.flush());
  const engine::Timings& t = answer.last.timings;
  answer.context_full = answer.last.finish == engine::Finish::length &&
                        t.prompt_tokens + t.generated_tokens >= engine_.model().context_length;
  if (answer.text.empty()) {
    take_back_question();
  } else {
    messages_.push_back({"assistant", answer.text, {}, answer.reasoning});
  }
  if (answer.last.finish == engine::Finish::failed) fail("the answer failed: {}", answer.last.error);
  return answer;
}

// The pictures go with the next one.
void Chat::take_back_question() {
  shown_ = std::move(messages_.back().pictures);
  messages_.pop_back();
}

void Chat::show(const std::filesystem::path& path) {
  engine::eyes_of(engine_);
  shown_.push_back({path.string(), read_picture(path)});
}

void Chat::set_system(std::string text) {
  bool has_one = !messages_.empty() && messages_.front().role == "system";
  if (has_one) messages_.erase(messages_.begin());
  if (!text.empty()) messages_.insert(messages_.begin(), Message{"system", std::move(text)});
}

void Chat::clear() {
  std::erase_if(messages_, [](const Message& m) { return m.role != "system"; });
  shown_.clear();
}

void Chat::save(const std::filesystem::path& path) const {
  std::ofstream out(path);
  out << nlohmann::ordered_json{{"messages", to_file(messages_)}}.dump(
             2, ' ', false, nlohmann::ordered_json::error_handler_t::replace)
      << '\n';
  if (!out.flush()) fail("cannot write {}", path.string());
}

void Chat::load(const std::filesystem::path& path) {
  auto json = parse_json(read_text_file(path), path.string());
  std::vector<Message> messages;
  try {
    for (const auto& m : json.at("messages")) {
      messages.push_back({m.at("role").get<std::string>(), m.at("content").get<std::string>(), read_shown(m),
                          m.value("reasoning_content", "")});
      const std::string& role = messages.back().role;
      if (role != "system" && role != "user" && role != "assistant") {
        fail("{}: a message has the role '{}'; known are system, user and assistant", path.string(), role);
      }
    }
  } catch (const nlohmann::json::exception&) {
    fail("{} is no saved chat: {{\"messages\": [{{\"role\": …, \"content\": …}}, …]}}", path.string());
  }
  if (std::any_of(messages.begin(), messages.end(), [](const Message& m) { return !m.pictures.empty(); })) {
    engine::eyes_of(engine_);
  }
  messages_ = std::move(messages);
}

}  // namespace troika::apps
