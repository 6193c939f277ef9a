#include "server/tool_call_parser.h"

#include <algorithm>
#include <optional>

namespace troika::server {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

size_t skip_blanks(std::string_view text, size_t from) {
  return std::min(text.find_first_not_of(kBlanks, from), text.size());
}

// Reads what it is told to; incomplete where the text ends before that.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  bool take(std::string_view word) {
    position_ = skip_blanks(text_, position_);
    const std::string_view rest = text_.substr(position_);
    if (rest.size() < word.size() && word.starts_with(rest)) incomplete_ = true;
    if (incomplete_ || !rest.starts_with(word)) return false;
    position_ += word.size();
    return true;
  }
  std::optional<std::string> take_to(char end) {
    const size_t found = text_.find(end, position_);
    if (found == text_.npos) {
      incomplete_ = true;
      return std::nullopt;
    }
    std::string taken(text_.substr(position_, found - position_));
    position_ = found + 1;
    return taken;
  }
  size_t position() const { return position_; }
  bool incomplete() const { return incomplete_; }

 private:
  std::string_view text_;
  size_t position_ = 0;
  bool incomplete_ = false;
};

}  // namespace

std::optional<Json> ToolCall::object() const {
  if (!complete) return std::nullopt;
  Json object = Json::parse(arguments, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  return object;
}

void SpokenAnswer::add(const AnswerPiece& piece) {
  switch (piece.kind) {
    case AnswerPiece::Kind::words:
      words += piece.text;
      break;
    case AnswerPiece::Kind::call:
      calls.push_back({.name = piece.text});
      break;
    case AnswerPiece::Kind::arguments:
      calls.back().arguments += piece.text;
      calls.back().complete = piece.complete;
      break;
  }
}

SpokenAnswer read_answer(std::string text, std::optional<ToolForm> form) {
  if (!form) return {.words = std::move(text)};
  SpokenAnswer answer;
  for (const AnswerPiece& piece : ToolCallParser(*form).append(text, true)) answer.add(piece);
  return answer;
}

std::vector<AnswerPiece> ToolCallParser::append(std::string_view text, bool last) {
  std::vector<AnswerPiece> out;
  pending_ += text;
  while (advance(last, out)) {
  }
  return out;
}

// One step; false when more text is needed.
bool ToolCallParser::advance(bool last, std::vector<AnswerPiece>& out) {
  switch (state_) {
    case State::words:
      return find_call(last, out);
    case State::head:
      return read_head(out);
    case State::arguments:
      return read_arguments(out);
    case State::tail:
      return read_tail();
  }
  return false;
}

void ToolCallParser::say(size_t bytes, std::vector<AnswerPiece>& out) {
  if (bytes == 0) return;
  out.push_back({.kind = AnswerPiece::Kind::words, .text = pending_.substr(0, bytes)});
  pending_.erase(0, bytes);
  spoke_ = true;
}

// Words up to the beginning of a call. Blanks are held back: those before a call are no words.
bool ToolCallParser::find_call(bool last, std::vector<AnswerPiece>& out) {
  const std::string_view begin = form_ == ToolForm::hermes ? kCallBegin : "{";
  const bool may_call = form_ == ToolForm::hermes || !spoke_;
  size_t call = may_call ? pending_.find(begin) : pending_.npos;
  // In plain form a call is at the beginning or nowhere.
  if (form_ == ToolForm::plain && call != skip_blanks(pending_, 0)) call = pending_.npos;
  if (call != pending_.npos) {
    const size_t words = pending_.find_last_not_of(kBlanks, call == 0 ? 0 : call - 1);
    if (call > 0 && words != pending_.npos) say(words + 1, out);
    pending_.erase(0, pending_.find(begin) + (form_ == ToolForm::hermes ? begin.size() : 0));
    state_ = State::head;
    return true;
  }
  size_t held = 0;
  if (!last) {
    for (size_t n = std::min(begin.size() - 1, pending_.size()); n > 0 && held == 0; --n) {
      if (may_call && pending_.ends_with(begin.substr(0, n))) held = n;
    }
    const size_t words = pending_.size() - held;
    const size_t end = pending_.find_last_not_of(kBlanks, words == 0 ? 0 : words - 1);
    held = words == 0 || end == pending_.npos ? pending_.size() : pending_.size() - end - 1;
  }
  if (last && calls_ > 0 && skip_blanks(pending_, 0) == pending_.size()) pending_.clear();
  say(pending_.size() - held, out);
  return false;
}

bool ToolCallParser::read_head(std::vector<AnswerPiece>& out) {
  Cursor at(pending_);
  std::optional<std::string> name;
  const bool begins = at.take("{") && at.take("\"name\"") && at.take(":") && at.take("\"") &&
                      (name = at.take_to('"')) && at.take(",");
  const bool complete = begins &&
                        (at.take("\"arguments\"") || (!at.incomplete() && at.take("\"parameters\""))) &&
                        at.take(":") && at.take("{");
  if (!complete) {
    if (at.incomplete()) return false;
    state_ = State::words;  // not a call after all
    spoke_ = true;
    return true;
  }
  out.push_back({.kind = AnswerPiece::Kind::call, .text = *name, .call = calls_++});
  pending_.erase(0, at.position() - 1);
  depth_ = 0;
  in_string_ = escaped_ = false;
  state_ = State::arguments;
  return true;
}

// Bytes of the arguments in `pending_`; sets depth_ to 0 when they are complete.
size_t ToolCallParser::end_of_value() {
  for (size_t i = 0; i < pending_.size(); ++i) {
    const char c = pending_[i];
    if (in_string_) {
      if (!escaped_ && c == '"') in_string_ = false;
      escaped_ = !escaped_ && c == '\\';
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if ((c == '}' || c == ']') && --depth_ == 0) {
      return i + 1;
    }
  }
  return pending_.size();
}

bool ToolCallParser::read_arguments(std::vector<AnswerPiece>& out) {
  if (pending_.empty()) return false;
  const size_t bytes = end_of_value();
  out.push_back({.kind = AnswerPiece::Kind::arguments,
                 .text = pending_.substr(0, bytes),
                 .call = calls_ - 1,
                 .complete = depth_ == 0});
  pending_.erase(0, bytes);
  if (depth_ == 0) state_ = State::tail;
  return depth_ == 0;
}

bool ToolCallParser::read_tail() {
  const std::string_view end = form_ == ToolForm::hermes ? kCallEnd : "}";
  const size_t found = pending_.find(end);
  if (found == pending_.npos) return false;
  pending_.erase(0, found + end.size());
  state_ = State::words;
  spoke_ = false;
  return true;
}

}  // namespace troika::server
