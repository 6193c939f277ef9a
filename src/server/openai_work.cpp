// See openai_work.h.
#include "server/openai_work.h"

#include <algorithm>
#include <cmath>
#include <ctime>

#include "server/api_error.h"

namespace troika::server {
namespace {

constexpr const char* kFingerprint = "troika";

void write_data(const std::string& data, std::string& out) {
  out += "data: ";
  out += data;
  out += "\n\n";
}

}  // namespace

AnswerHeader make_header(const char* id_prefix, const char* object, const ServedModel& model) {
  return {.id = random_id(id_prefix), .object = object, .created = std::time(nullptr), .model = model.id};
}

CompletionWork::CompletionWork(Setup setup, engine::Engine& engine, std::vector<std::string> stops)
    : setup_(std::move(setup)),
      tokenizer_(*engine.text().tokenizer),
      results_(setup_.choices),
      generation_(engine, std::move(stops)) {}

Progress CompletionWork::advance() {
  Progress progress;
  if (setup_.stream && !opened_) open(progress.bytes);
  opened_ = true;
  for (Delta& delta : generation_.take()) {
    if (delta.finish == engine::Finish::failed || delta.finish == engine::Finish::cancelled)
      return broken(delta, std::move(progress));
    if (setup_.stream) {
      write(delta, progress.bytes);
      continue;
    }
    ChoiceResult& result = results_[delta.choice];
    result.reasoning += delta.reasoning;
    result.text += delta.text;
    result.finish = delta.finish;
    std::move(delta.tokens.begin(), delta.tokens.end(), std::back_inserter(result.tokens));
  }
  if (!generation_.done()) return progress;

  progress.done = true;
  if (setup_.stream) {
    if (setup_.include_usage) {
      Json last = header();
      last["choices"] = Json::array();
      last["usage"] = usage();
      last["timings"] = timings();
      write_data(dump(last), progress.bytes);
    }
    write_data("[DONE]", progress.bytes);
  } else {
    Json body = header();
    Json& choices = body["choices"] = Json::array();
    for (int i = 0; i < setup_.choices; ++i) {
      Json choice = describe(i, results_[i]);
      if (!choice.contains("finish_reason")) choice["finish_reason"] = finish_reason(results_[i].finish);
      choices.push_back(std::move(choice));
    }
    body["usage"] = usage();
    body["timings"] = timings();
    progress.bytes = dump(body);
  }
  return progress;
}

// The engine gave up. A stream that has begun can only end with an error event.
Progress CompletionWork::broken(const Delta& delta, Progress progress) const {
  const ApiError error = error_of(delta);
  progress.done = true;
  progress.status = error.status;
  if (setup_.stream) {
    write_data(error_body(error), progress.bytes);
  } else {
    progress.bytes = error_body(error);
  }
  return progress;
}

void CompletionWork::write_chunk(Json choice, std::string& out) const {
  Json chunk = header();
  chunk["choices"] = Json::array({std::move(choice)});
  if (setup_.include_usage) chunk["usage"] = nullptr;
  write_data(dump(chunk), out);
}

Json CompletionWork::header() const {
  return {{"id", setup_.header.id},
          {"object", setup_.header.object},
          {"created", setup_.header.created},
          {"model", setup_.header.model},
          {"system_fingerprint", kFingerprint}};
}

Json CompletionWork::usage() const {
  const int generated = setup_.prompt_only ? 0 : generation_.completion_tokens();
  return {{"prompt_tokens", setup_.prompt_tokens},
          {"completion_tokens", generated},
          {"total_tokens", setup_.prompt_tokens + generated},
          {"prompt_tokens_details", {{"cached_tokens", generation_.timings().reused_tokens}}},
          {"completion_tokens_details", {{"reasoning_tokens", generation_.reasoning_tokens()}}}};
}

// llama.cpp's object, of the first choice.
Json CompletionWork::timings() const {
  const engine::Timings& t = generation_.timings();
  const auto rate = [](double tokens, double seconds) { return seconds > 0 ? tokens / seconds : 0.0; };
  const int prompt = t.prompt_tokens - t.reused_tokens, generated = t.generated_tokens;
  // The first token comes out of the prompt's last step.
  return {{"cache_n", t.reused_tokens},
          {"prompt_n", prompt},
          {"prompt_ms", t.prompt_s * 1e3},
          {"prompt_per_second", rate(prompt, t.prompt_s)},
          {"predicted_n", generated},
          {"predicted_ms", t.generate_s * 1e3},
          {"predicted_per_second", rate(std::max(generated - 1, 0), t.generate_s)}};
}

ApiError error_of(const Delta& delta) {
  const bool stopping = delta.finish == engine::Finish::cancelled;
  return {stopping ? 503 : 500, "server_error",
          stopping ? "The server is shutting down." : fmt::format("The engine failed: {}", delta.error)};
}

void submit_choices(Generation& generation, const engine::Request& request, int n, text::Reasoning reasoning) {
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

void add_notes(Reply& reply, const grammar::TokenGrammar* grammar) {
  if (!grammar) return;
  for (std::string note : grammar->notes()) {
    std::ranges::replace_if(note, [](unsigned char c) { return c < 0x20 || c > 0x7E; }, '?');
    reply.headers.emplace_back("X-Troika-Not-Enforced", note.substr(0, 300));
  }
}

Json finish_reason(engine::Finish finish) {
  switch (finish) {
    case engine::Finish::none:
      return nullptr;
    case engine::Finish::stop:
      return "stop";
    case engine::Finish::length:
      return "length";
    case engine::Finish::cancelled:
    case engine::Finish::failed:
      break;
  }
  return "stop";  // not reached: these end in an error
}

float finite(float logprob) { return std::isfinite(logprob) ? logprob : -9999.0f; }

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Reply reply_with(std::unique_ptr<Work> work, bool streamed) {
  Reply reply{.work = std::move(work), .streamed = streamed};
  if (streamed) {
    reply.ping = ": ping\n\n";
    reply.content_type = "text/event-stream; charset=utf-8";
    reply.headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}};
  }
  return reply;
}

}  // namespace troika::server
