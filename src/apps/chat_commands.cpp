#include "apps/chat_commands.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <optional>

#include "base/error.h"

namespace troika::apps {
namespace {

constexpr std::string_view kHelp =
    R"(/set                  the settings as they are
/set NAME VALUE       temperature, top_p, top_k, min_p, seed, max_tokens, think (on, off or auto),
                      thinking_budget (tokens; -1: no limit) or system
/clear                start anew; the system message stays
/save FILE            the conversation as JSON
/load FILE            go on with a saved conversation
/image FILE           show the model a picture (only models with eyes); the next question is about it, and
                      about others shown before that question
/bye                  leave; so does Ctrl-D
Ctrl-C stops an answer. Arrow keys edit the line and walk through earlier ones.)";

std::string_view trim(std::string_view text) {
  size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// The first word, and the rest.
std::pair<std::string_view, std::string_view> split(std::string_view text) {
  text = trim(text);
  size_t end = text.find_first_of(" \t");
  return {text.substr(0, end), end == std::string_view::npos ? "" : trim(text.substr(end))};
}

std::string_view without_quotes(std::string_view text) {
  bool quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
  return quoted ? text.substr(1, text.size() - 2) : text;
}

template <typename T>
T number(std::string_view name, std::string_view text, T lowest, T highest) {
  T value{};
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || !(value >= lowest && value <= highest)) {
    fail("/set {}: a number from {} to {} is wanted, not '{}'", name, lowest, highest, text);
  }
  return value;
}

std::string show_settings(const Chat& chat) {
  const engine::SamplingOptions& s = chat.settings.sampling;
  std::string system = "(none)";
  for (const Message& m : chat.messages()) {
    if (m.role == "system") system = m.content;
  }
  const ChatSettings& c = chat.settings;
  return fmt::format(
      "temperature {}\ntop_p {}\ntop_k {}\nmin_p {}\nseed {}\nmax_tokens {}\nthink {}\nthinking_budget {}\nsystem {}",
      s.temperature, s.top_p, s.top_k, s.min_p, s.seed ? std::to_string(*s.seed) : "(drawn)",
      c.max_tokens > 0 ? std::to_string(c.max_tokens) : "(what fits)", !c.think ? "auto" : *c.think ? "on" : "off",
      c.thinking_budget ? std::to_string(*c.thinking_budget) : "(no limit)", system);
}

std::optional<bool> read_think(std::string_view value) {
  if (value == "on") return true;
  if (value == "off") return false;
  if (value == "auto") return std::nullopt;
  fail("/set think: on, off or auto is wanted, not '{}'", value);
}

void set(Chat& chat, std::string_view name, std::string_view value) {
  engine::SamplingOptions& s = chat.settings.sampling;
  if (name == "system") return chat.set_system(std::string(without_quotes(value)));
  if (name == "temperature") {
    s.temperature = number(name, value, 0.0f, 5.0f);
  } else if (name == "top_p") {
    s.top_p = number(name, value, 0.0f, 1.0f);
  } else if (name == "top_k") {
    s.top_k = number(name, value, 0, 1 << 20);
  } else if (name == "min_p") {
    s.min_p = number(name, value, 0.0f, 1.0f);
  } else if (name == "seed") {
    s.seed = number<uint64_t>(name, value, 0, INT64_MAX);
  } else if (name == "max_tokens") {
    chat.settings.max_tokens = number(name, value, 0, 1 << 24);
  } else if (name == "think") {
    chat.settings.think = read_think(value);
  } else if (name == "thinking_budget") {
    int tokens = number(name, value, -1, 1 << 24);
    chat.settings.thinking_budget = tokens < 0 ? std::nullopt : std::optional(tokens);
  } else {
    fail("/set knows temperature, top_p, top_k, min_p, seed, max_tokens, think, thinking_budget and system, not '{}'",
         name);
  }
}

std::filesystem::path file_named(std::string_view command, std::string_view argument) {
  if (argument.empty()) fail("{} wants a file name", command);
  return without_quotes(argument);
}

}  // namespace

CommandResult run_command(Chat& chat, std::string_view line) {
  auto [command, argument] = split(line);
  if (command == "/help" || command == "/?") return {std::string(kHelp)};
  if (command == "/bye" || command == "/exit" || command == "/quit") return {.leave = true};
  if (command == "/clear") {
    chat.clear();
    return {"The conversation starts anew."};
  }
  if (command == "/set") {
    auto [name, value] = split(argument);
    if (name.empty()) return {show_settings(chat)};
    set(chat, name, value);
    return {};
  }
  if (command == "/save") {
    chat.save(file_named(command, argument));
    return {fmt::format("Saved {} messages.", chat.messages().size())};
  }
  if (command == "/load") {
    chat.load(file_named(command, argument));
    return {fmt::format("Loaded {} messages.", chat.messages().size())};
  }
  if (command == "/image") {
    chat.show(file_named(command, argument));
    size_t count = chat.shown().size();
    return {fmt::format("The next question goes with {} picture{}.", count, count == 1 ? "" : "s")};
  }
  fail("there is no command {}; /help lists them", command);
}

}  // namespace troika::apps
