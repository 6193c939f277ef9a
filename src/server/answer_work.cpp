#include "server/answer_work.h"

#include "server/answer_json.h"

namespace troika::server {

AnswerWork::AnswerWork(Setup setup, engine::Engine& engine, std::vector<std::string> stops)
    : GenerationWork({.stream = setup.stream}, engine, std::move(stops)), setup_(std::move(setup)) {
  if (setup_.calls) parser_.emplace(*setup_.calls);
}

std::vector<AnswerPiece> AnswerWork::pieces(const Delta& delta) {
  if (parser_) return parser_->append(delta.text, delta.finish != engine::Finish::none);
  if (delta.text.empty()) return {};
  return {{.text = delta.text}};
}

std::string AnswerWork::refusal(const ApiError& error) const {
  return error_body(error, setup_.errors, setup_.request_id);
}

void write_event(const Json& data, std::string& out) {
  out += fmt::format("event: {}\ndata: {}\n\n", data["type"].get_ref<const std::string&>(), dump(data));
}

}  // namespace troika::server
