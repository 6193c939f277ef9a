#include "engine/thinking.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "engine/text_model.h"

namespace troika::engine {
namespace {

constexpr size_t kEndOfPrompt = 32;  // tokens: more than any template writes after the last message

constexpr std::string_view kClose = "\n</think>\n\n";
constexpr std::string_view kQwen3Close =
    "\n\nConsidering the limited time by the user, I have to give the solution based on the thinking directly now.\n"
    "</think>\n\n";

}  // namespace

text::Reasoning reasoning_after(const TextModel& text, std::span<const int32_t> prompt) {
  if (!text.tokenizer) return text::Reasoning::none;
  std::string end = text.tokenizer->decode(prompt.last(std::min(prompt.size(), kEndOfPrompt)), false);
  return text::reasoning_after(end, text.tokenizer->data().chat_template);
}

std::string_view closing_words(std::string_view family, int tokens) {
  return family.starts_with("qwen3") && tokens > 0 ? kQwen3Close : kClose;
}

std::optional<ThinkingBudget> thinking_budget(const TextModel& text, std::string_view family,
                                              std::span<const int32_t> prompt, int tokens) {
  text::Reasoning start = reasoning_after(text, prompt);
  if (start == text::Reasoning::none) return std::nullopt;
  return ThinkingBudget{.start = start,
                        .tokens = tokens,
                        .close = text.tokenizer->encode(closing_words(family, tokens), {.parse_special = true})};
}

ThinkingWatch::ThinkingWatch(const ThinkingBudget& budget, const text::Tokenizer& tokenizer)
    : budget_(budget), detokenizer_(tokenizer, /*skip_control=*/false), splitter_(budget.start) {}

std::optional<int32_t> ThinkingWatch::forced() const {
  bool has_begun = closing_ > 0, is_due = splitter_.reasoning() && spent_ >= budget_.tokens;
  if (closing_ == budget_.close.size() || !(has_begun || is_due)) return std::nullopt;
  return budget_.close[closing_];
}

void ThinkingWatch::append(int32_t token) {
  if (forced()) {
    ++closing_;
  } else if (splitter_.reasoning()) {
    ++spent_;
  }
  splitter_.append(detokenizer_.append(token));
}

}  // namespace troika::engine
