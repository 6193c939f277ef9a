// A limit on reasoning. When a model has thought for as long as it may, the words that end its reasoning are written
// in its stead, and it goes on with the answer: they go through the same step as any token, so that the text after
// them is what the model would write after a prompt that held them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/detokenizer.h"
#include "text/reasoning.h"

namespace troika::engine {

struct TextModel;

struct ThinkingBudget {
  text::Reasoning start = text::Reasoning::none;  // how the prompt ends
  int tokens = 0;                                 // of reasoning, tags not counted
  std::vector<int32_t> close;                     // what ends it; must hold the closing tag
};

// Whether the answer to this prompt begins, or may begin, with reasoning.
text::Reasoning reasoning_after(const TextModel& text, std::span<const int32_t> prompt);

// What ends the reasoning of a model of this family that has no more tokens for it: "\n</think>\n\n". Qwen3 is told
// first that its time is up, in the sentence that its makers use (Qwen3 Technical Report 2025, arXiv:2505.09388,
// section 4.7), unless it was to have no time at all.
std::string_view closing_words(std::string_view family, int tokens);

// The budget for a prompt; nothing where no reasoning can come.
std::optional<ThinkingBudget> thinking_budget(const TextModel& text, std::string_view family,
                                              std::span<const int32_t> prompt, int tokens);

// Follows one answer, token by token, and says when a token is forced.
class ThinkingWatch {
 public:
  // `tokenizer` must outlive this.
  ThinkingWatch(const ThinkingBudget& budget, const text::Tokenizer& tokenizer);

  // The token that must come next; nothing while the model is free.
  std::optional<int32_t> forced() const;
  void append(int32_t token);  // the token that came

 private:
  ThinkingBudget budget_;
  text::Detokenizer detokenizer_;
  text::ReasoningSplitter splitter_;
  int spent_ = 0;
  size_t closing_ = 0;  // tokens of `close` that are written
};

}  // namespace troika::engine
