// Reasoning apart from the answer: Qwen3, QwQ and the DeepSeek-R1 distills write "<think>\n…\n</think>\n\nanswer". Fed
// with text as it streams, the splitter says what belongs where, and never shows a tag nor a part of one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace troika::text {

enum class Reasoning {
  none,      // all text is the answer: the template knows no reasoning, or the prompt closed it ("<think>\n\n</think>")
  possible,  // the text may begin with <think>
  open,      // the prompt ended with <think>: the text begins inside (a model that repeats the tag is forgiven)
};

// From the rendered prompt and the text of the template.
Reasoning reasoning_after(std::string_view prompt, std::string_view chat_template);

// Newlines around reasoning and around the answer that follows it are left out, as Qwen's own example does; text of a
// model that does not reason is not touched. A block that is never closed is reasoning to its end; tags after the
// first block are ordinary text. The result does not depend on how the text is cut.
class ReasoningSplitter {
 public:
  explicit ReasoningSplitter(Reasoning start);

  struct Pieces {
    std::string reasoning, content;  // what is new and settled
  };
  Pieces append(std::string_view text);
  // What is still held back, at the end of the stream.
  Pieces flush();

  // What the next text will be, as far as that is known: reasoning, perhaps reasoning, or neither: the answer.
  bool reasoning() const { return state_ == State::reasoning || (state_ == State::undecided && open_); }
  bool undecided() const { return state_ == State::undecided && !open_; }

 private:
  // Leaves out newlines at both ends of a text that comes in pieces.
  class NewlineTrimmer {
   public:
    std::string append(std::string_view text);

   private:
    bool started_ = false;
    size_t held_ = 0;  // newlines that may be the last ones
  };
  enum class State { undecided, reasoning, answer_after_reasoning, plain };

  void advance(Pieces& out);
  bool decide();

  State state_;
  bool open_;
  std::string pending_;  // undecided text, or the beginning of a tag
  size_t blank_ = 0;     // white space in front of undecided text
  NewlineTrimmer reasoning_, answer_;
};

}  // namespace troika::text
