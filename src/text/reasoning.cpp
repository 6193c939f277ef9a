// A small machine: undecided until the first characters are or are not <think>, then reasoning until </think>, then
// the answer.
#include "text/reasoning.h"

#include <algorithm>
#include <utility>

namespace troika::text {
namespace {

constexpr std::string_view kOpen = "<think>", kClose = "</think>", kBlank = " \t\r\n";

std::string_view without_trailing_blanks(std::string_view text) {
  return text.substr(0, text.find_last_not_of(kBlank) + 1);  // npos + 1 is 0
}

// Bytes at the end of `text` that may be the beginning of `tag`.
size_t possible_beginning(std::string_view text, std::string_view tag) {
  for (size_t size = std::min(text.size(), tag.size() - 1); size > 0; --size) {
    if (text.ends_with(tag.substr(0, size))) return size;
  }
  return 0;
}

}  // namespace

Reasoning reasoning_after(std::string_view prompt, std::string_view chat_template) {
  const std::string_view end = without_trailing_blanks(prompt);
  if (end.ends_with(kOpen)) return Reasoning::open;
  if (end.ends_with(kClose)) return Reasoning::none;
  const bool knows = chat_template.find(kOpen) != chat_template.npos || chat_template.find(kClose) != chat_template.npos;
  return knows ? Reasoning::possible : Reasoning::none;
}

ReasoningSplitter::ReasoningSplitter(Reasoning start)
    : state_(start == Reasoning::none ? State::plain : State::undecided), open_(start == Reasoning::open) {}

ReasoningSplitter::Pieces ReasoningSplitter::append(std::string_view text) {
  Pieces out;
  pending_ += text;
  advance(out);
  return out;
}

void ReasoningSplitter::advance(Pieces& out) {
  if (state_ == State::undecided && !decide()) return;
  if (state_ == State::reasoning) {
    const size_t close = pending_.find(kClose);
    const size_t settled =
        close != pending_.npos ? close : pending_.size() - possible_beginning(pending_, kClose);
    out.reasoning += reasoning_.append(std::string_view(pending_).substr(0, settled));
    pending_.erase(0, close != pending_.npos ? close + kClose.size() : settled);
    if (close == pending_.npos) return;
    state_ = State::answer_after_reasoning;
  }
  if (state_ == State::answer_after_reasoning) out.content += answer_.append(pending_);
  if (state_ == State::plain) out.content += pending_;
  pending_.clear();
}

// False while the text so far may still become <think>.
bool ReasoningSplitter::decide() {
  while (blank_ < pending_.size() && kBlank.find(pending_[blank_]) != kBlank.npos) ++blank_;
  const std::string_view text = std::string_view(pending_).substr(blank_);
  if (text.size() < kOpen.size() && kOpen.starts_with(text)) return false;
  const bool tagged = text.starts_with(kOpen);
  if (tagged) pending_.erase(0, blank_ + kOpen.size());
  state_ = tagged || open_ ? State::reasoning : State::plain;
  return true;
}

ReasoningSplitter::Pieces ReasoningSplitter::flush() {
  Pieces out;
  const bool reasons = state_ == State::reasoning || (state_ == State::undecided && open_);
  std::string rest = std::exchange(pending_, {});
  if (reasons) {
    out.reasoning = reasoning_.append(rest);
  } else {
    out.content = std::move(rest);
  }
  return out;
}

std::string ReasoningSplitter::NewlineTrimmer::append(std::string_view text) {
  if (!started_) text.remove_prefix(std::min(text.find_first_not_of('\n'), text.size()));
  if (text.empty()) return {};
  started_ = true;
  const size_t end = text.find_last_not_of('\n') + 1;  // npos + 1 is 0
  if (end == 0) {
    held_ += text.size();
    return {};
  }
  std::string out(held_, '\n');
  out += text.substr(0, end);
  held_ = text.size() - end;
  return out;
}

}  // namespace troika::text
