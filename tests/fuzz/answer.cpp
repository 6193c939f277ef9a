// What a model writes: reasoning, stop strings and calls of tools, found in text that streams. However the text is cut,
// the same must come of it. The first byte says how it is cut and what is looked for, the first line is a stop string.
#include "fuzz/input.h"
#include "server/tool_call_parser.h"
#include "text/reasoning.h"
#include "text/stop_matcher.h"

namespace troika::server {
namespace {

// What comes of a text, all that an API tells of it in one line each.
std::string read(std::string_view text, size_t piece, text::Reasoning reasoning, const std::string& stop, ToolForm form) {
  text::ReasoningSplitter splitter(reasoning);
  text::StopMatcher matcher({stop});
  ToolCallParser parser(form);
  SpokenAnswer answer;
  std::string thought;
  bool stopped = false;
  auto take = [&](const text::ReasoningSplitter::Pieces& pieces, bool last) {
    thought += pieces.reasoning;
    auto matched = matcher.append(pieces.content);
    stopped = stopped || matched.stopped;
    if (last && !stopped) matched.emit += matcher.flush();
    for (const AnswerPiece& found : parser.append(matched.emit, last)) answer.add(found);
  };
  for (size_t at = 0; at < text.size(); at += piece) take(splitter.append(text.substr(at, piece)), false);
  take(splitter.flush(), true);
  std::string told = fmt::format("{}\n{}\n{}", thought, answer.words, stopped);
  for (const ToolCall& call : answer.calls) {
    told += fmt::format("\n{} {} {}", call.name, call.arguments, call.complete);
    call.object();
  }
  return told;
}

}  // namespace
}  // namespace troika::server

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace troika;
  if (size == 0) return 0;
  const auto reasoning = text::Reasoning(data[0] % 3);
  const auto form = data[0] / 4 % 2 ? server::ToolForm::plain : server::ToolForm::hermes;
  const size_t piece = 1 + data[0] / 8;
  std::string_view input = fuzz::text_of(data + 1, size - 1);
  const size_t end = std::min(input.find('\n'), input.size());
  const std::string stop(input.substr(0, end));
  input.remove_prefix(std::min(end + 1, input.size()));
  const std::string whole = server::read(input, input.size() + 1, reasoning, stop, form);
  const std::string streamed = server::read(input, piece, reasoning, stop, form);
  if (whole != streamed) fail("the whole says\n{}\nand in pieces of {} it says\n{}", whole, piece, streamed);
  return 0;
}
