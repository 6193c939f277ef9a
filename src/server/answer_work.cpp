#include "server/answer_work.h"

#include <algorithm>
#include <iterator>

#include "server/openai_work.h"

namespace troika::server {

AnswerWork::AnswerWork(Setup setup, engine::Engine& engine, std::vector<std::string> stops)
    : setup_(std::move(setup)), tokenizer_(*engine.text().tokenizer), generation_(engine, std::move(stops)) {}

void AnswerWork::submit(engine::Request request, text::Reasoning reasoning) {
  submit_choices(generation_, request, 1, reasoning);
}

Progress AnswerWork::advance() {
  Progress progress;
  if (setup_.stream && !opened_) open(progress.bytes);
  opened_ = true;
  for (Delta& delta : generation_.take()) {
    if (delta.finish == engine::Finish::failed || delta.finish == engine::Finish::cancelled)
      return broken(delta, std::move(progress));
    if (setup_.stream) write(delta, progress.bytes);
    gather(delta);
  }
  if (!generation_.done()) return progress;
  progress.done = true;
  if (setup_.stream) {
    close(progress.bytes);
  } else {
    progress.bytes = dump(whole());
  }
  return progress;
}

void AnswerWork::gather(Delta& delta) {
  answer_.reasoning += delta.reasoning;
  answer_.text += delta.text;
  std::move(delta.tokens.begin(), delta.tokens.end(), std::back_inserter(answer_.tokens));
  if (!delta.reasoning.empty() && delta.text.empty()) answer_.reasoning_tokens = answer_.tokens.size();
  answer_.finish = delta.finish;
  answer_.stop = std::move(delta.stop);
}

// The engine gave up. A stream that has begun can only end with an error.
Progress AnswerWork::broken(const Delta& delta, Progress progress) {
  const ApiError error = error_of(delta);
  progress.done = true;
  progress.status = error.status;
  if (setup_.stream) {
    fail(error, progress.bytes);
  } else {
    progress.bytes = error_body(error, setup_.errors, setup_.request_id);
  }
  return progress;
}

void write_event(const Json& data, std::string& out) {
  out += fmt::format("event: {}\ndata: {}\n\n", data["type"].get_ref<const std::string&>(), dump(data));
}

namespace {

Json describe_score(const text::Tokenizer& tokenizer, int32_t id, float logprob) {
  const std::string_view text = tokenizer.bytes(id);
  Json bytes = Json::array();
  for (const char byte : text) bytes.push_back(int(uint8_t(byte)));
  return {{"token", text}, {"logprob", finite(logprob)}, {"bytes", std::move(bytes)}};
}

}  // namespace

Json describe_logprobs(const text::Tokenizer& tokenizer, const std::vector<ScoredToken>& tokens) {
  Json list = Json::array();
  for (const ScoredToken& token : tokens) {
    Json entry = describe_score(tokenizer, token.id, token.logprob);
    Json& top = entry["top_logprobs"] = Json::array();
    for (const engine::TokenLogprob& other : token.top)
      top.push_back(describe_score(tokenizer, other.id, other.logprob));
    list.push_back(std::move(entry));
  }
  return list;
}

Reply reply_with_events(std::unique_ptr<Work> work, bool streamed, std::string ping) {
  Reply reply = reply_with(std::move(work), streamed);
  reply.ping = std::move(ping);
  return reply;
}

}  // namespace troika::server
