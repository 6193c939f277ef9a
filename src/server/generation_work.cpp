#include "server/generation_work.h"

#include <algorithm>
#include <iterator>

#include "base/error.h"
#include "server/answer_json.h"
#include "server/loading_stream.h"

namespace troika::server {
namespace {

bool gave_up(const Delta& delta) {
  return delta.finish == engine::Finish::failed || delta.finish == engine::Finish::cancelled;
}

}  // namespace

GenerationWork::GenerationWork(Output output, engine::Engine& engine, std::vector<std::string> stops)
    : tokenizer_(*engine.text().tokenizer),
      stream_(output.stream),
      answers_(size_t(output.choices)),
      generation_(engine, std::move(stops)) {}

void GenerationWork::submit(const engine::Request& request, text::Reasoning reasoning, int n) {
  submit_choices(generation_, request, reasoning, n);
}

Progress GenerationWork::advance() {
  Progress progress;
  if (stream_ && !opened_) open(progress.bytes);
  opened_ = true;
  for (Delta& delta : generation_.take()) {
    if (gave_up(delta)) return broken(delta, std::move(progress));
    if (stream_) write(delta, progress.bytes);
    gather(delta);
  }
  if (!generation_.done()) return progress;
  if (!stream_) return {.rest = [this] { return Progress{.bytes = dump(whole()), .done = true}; }};
  close(progress.bytes);
  progress.done = true;
  return progress;
}

void GenerationWork::gather(Delta& delta) {
  Answer& answer = answers_[size_t(delta.choice)];
  answer.finish = delta.finish;
  answer.stop = std::move(delta.stop);
  if (stream_) return;
  answer.reasoning += delta.reasoning;
  answer.text += delta.text;
  std::ranges::move(delta.tokens, std::back_inserter(answer.tokens));
  if (!delta.reasoning.empty() && delta.text.empty()) answer.reasoning_tokens = answer.tokens.size();
}

// The engine gave up. A stream that has begun can only end with an error.
Progress GenerationWork::broken(const Delta& delta, Progress progress) {
  const ApiError error = error_of(delta);
  progress.done = true;
  progress.status = error.status;
  if (stream_) {
    fail(error, progress.bytes);
  } else {
    progress.bytes = refusal(error);
  }
  return progress;
}

void submit_choices(Generation& generation, const engine::Request& request, text::Reasoning reasoning,
                    int n) {
  try {
    for (int i = 0; i < n; ++i) {
      engine::Request choice = request;
      if (choice.sampling.seed) *choice.sampling.seed += uint64_t(i);
      generation.submit(std::move(choice), reasoning);
    }
  } catch (const InternalError&) {
    throw;
  } catch (const Error& error) {
    const std::string_view why = error.what();
    const bool about_slice = !request.slice.empty() && why.find("slice") != why.npos;
    refuse(about_slice ? "slice" : "", "{}", why);
  }
}

ApiError error_of(const Delta& delta) {
  const bool stopping = delta.finish == engine::Finish::cancelled;
  return {stopping ? 503 : 500, "server_error",
          stopping ? "The server is shutting down." : fmt::format("The engine failed: {}", delta.error)};
}

Reply reply_with(std::unique_ptr<Work> work, bool streamed) {
  Reply reply;
  if (streamed) {
    reply = event_stream();
    reply.ping = ": ping\n\n";
  }
  reply.work = std::move(work);
  return reply;
}

}  // namespace troika::server
