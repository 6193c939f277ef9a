// An answer as it streams in, server-sent events of OpenAI's completions or chats: when text came, how many
// tokens it was and how it ended.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troika::apps::load {

class Answer {
 public:
  // What has arrived, at this time; lines may be cut anywhere.
  void receive(std::string_view bytes, double now_s);

  std::vector<double> pieces_s;                             // when pieces of text arrived
  std::optional<int> tokens, prompt_tokens, cached_tokens;  // as the server counted
  bool done = false;                                        // "[DONE]" came
  std::string error;  // what is wrong with the stream; "": nothing so far

 private:
  void read_line(std::string_view line, double now_s);
  void read_event(std::string_view text, double now_s);

  std::string rest_;  // of a line whose end is not here yet
};

}  // namespace troika::apps::load
