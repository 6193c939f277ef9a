#include "apps/bench_serve_answer.h"

#include <nlohmann/json.hpp>

namespace troika::apps::load {
namespace {

using nlohmann::json;

// The member of an object; null for anything else.
const json& member(const json& object, const char* name) {
  static const json null;
  if (!object.is_object()) return null;
  auto found = object.find(name);
  return found == object.end() ? null : *found;
}

void read_count(const json& value, std::optional<int>& count) {
  if (value.is_number_integer()) count = value.get<int>();
}

bool is_text(const json& value) { return value.is_string() && !value.get_ref<const std::string&>().empty(); }

// Whatever a user would see arrive: text, reasoning, or a part of a call.
bool holds_text(const json& choice) {
  const json& delta = member(choice, "delta");
  return is_text(member(choice, "text")) || is_text(member(delta, "content")) ||
         is_text(member(delta, "reasoning_content")) || !member(delta, "tool_calls").empty();
}

}  // namespace

void Answer::receive(std::string_view bytes, double now_s) {
  for (;;) {
    const size_t end = bytes.find('\n');
    if (end == bytes.npos) break;
    rest_ += bytes.substr(0, end);
    read_line(rest_, now_s);
    rest_.clear();
    bytes.remove_prefix(end + 1);
  }
  rest_ += bytes;
}

// Lines of other fields, comments that keep the stream alive and the empty ones between events tell nothing
// here.
void Answer::read_line(std::string_view line, double now_s) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!line.starts_with("data:")) return;
  line.remove_prefix(5);
  if (line.starts_with(' ')) line.remove_prefix(1);
  if (line == "[DONE]")
    done = true;
  else
    read_event(line, now_s);
}

void Answer::read_event(std::string_view text, double now_s) {
  const json event = json::parse(text, nullptr, false);
  if (!event.is_object()) {
    error = "an event of the stream is no JSON object";
    return;
  }
  if (!member(event, "error").is_null()) {
    error = "an error in the stream";
    return;
  }
  const json& choices = member(event, "choices");
  if (choices.is_array() && !choices.empty() && holds_text(choices.front())) pieces_s.push_back(now_s);
  const json& usage = member(event, "usage");
  read_count(member(usage, "completion_tokens"), tokens);
  read_count(member(usage, "prompt_tokens"), prompt_tokens);
  read_count(member(member(usage, "prompt_tokens_details"), "cached_tokens"), cached_tokens);
}

}  // namespace troika::apps::load
