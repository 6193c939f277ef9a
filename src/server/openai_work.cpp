// See openai_work.h.
#include "server/openai_work.h"

#include <algorithm>
#include <ctime>

#include "server/answer_json.h"

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
    : GenerationWork({.stream = setup.stream, .choices = setup.choices}, engine, std::move(stops)),
      setup_(std::move(setup)) {}

void CompletionWork::close(std::string& out) {
  if (setup_.include_usage) {
    Json last = header();
    last["choices"] = Json::array();
    last["usage"] = usage();
    last["timings"] = timings();
    write_data(dump(last), out);
  }
  write_data("[DONE]", out);
}

void CompletionWork::fail(const ApiError& error, std::string& out) { write_data(error_body(error), out); }

std::string CompletionWork::refusal(const ApiError& error) const { return error_body(error); }

Json CompletionWork::whole() {
  Json body = header();
  Json& choices = body["choices"] = Json::array();
  std::vector<Answer> results = take_answers();
  for (size_t i = 0; i < results.size(); ++i) {
    Json choice = describe(int(i), results[i]);
    if (!choice.contains("finish_reason")) choice["finish_reason"] = finish_reason(results[i].finish);
    choices.push_back(std::move(choice));
  }
  body["usage"] = usage();
  body["timings"] = timings();
  return body;
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
  const int generated = setup_.prompt_only ? 0 : generation().completion_tokens();
  return {{"prompt_tokens", setup_.prompt_tokens},
          {"completion_tokens", generated},
          {"total_tokens", setup_.prompt_tokens + generated},
          {"prompt_tokens_details", {{"cached_tokens", generation().timings().reused_tokens}}},
          {"completion_tokens_details", {{"reasoning_tokens", generation().reasoning_tokens()}}}};
}

// llama.cpp's object, of the first choice.
Json CompletionWork::timings() const {
  const engine::Timings& t = generation().timings();
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

}  // namespace troika::server
