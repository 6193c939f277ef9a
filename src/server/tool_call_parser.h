// Calls of tools in the text of an answer, found as it streams: words, then the name and the arguments of
// each call, never a piece of the form around them. The text keeps to the form (tools.h); where it does not,
// it is words.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/tools.h"

namespace troika::server {

struct AnswerPiece {
  enum class Kind { words, call, arguments };

  Kind kind = Kind::words;
  std::string text;  // of a call: its name
  int call = 0;      // its number, from 0
  bool complete = false;  // nothing follows these arguments
};

struct ToolCall {
  std::string name, arguments;
  bool complete = false;  // false: cut short

  // The arguments, for APIs that have them as an object; nothing where they are not whole.
  std::optional<Json> object() const;
};

// What an answer comes to.
struct SpokenAnswer {
  std::string words;
  std::vector<ToolCall> calls;

  void add(const AnswerPiece& piece);
};
// `form`: none where no tool may be called.
SpokenAnswer read_answer(std::string text, std::optional<ToolForm> form);

class ToolCallParser {
 public:
  explicit ToolCallParser(ToolForm form) : form_(form) {}

  // What is new and settled. `last`: nothing follows.
  std::vector<AnswerPiece> append(std::string_view text, bool last);
  int calls() const { return calls_; }

 private:
  enum class State { words, head, arguments, tail };

  bool advance(bool last, std::vector<AnswerPiece>& out);
  bool find_call(bool last, std::vector<AnswerPiece>& out);
  bool read_head(std::vector<AnswerPiece>& out);
  bool read_arguments(std::vector<AnswerPiece>& out);
  bool read_tail();
  size_t end_of_value();
  void say(size_t bytes, std::vector<AnswerPiece>& out);

  ToolForm form_;
  State state_ = State::words;
  std::string pending_;
  bool spoke_ = false;  // words came that are not blank
  int calls_ = 0;
  int depth_ = 0;  // in the arguments
  bool in_string_ = false, escaped_ = false;
};

}  // namespace troika::server
