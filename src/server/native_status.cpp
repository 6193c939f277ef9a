// How the server is: /health, /ready, /props and a word of welcome at /.
#include <fmt/format.h>

#include "server/answer_json.h"
#include "server/api_error.h"
#include "server/native.h"

namespace troika::server {

Reply health(const Models& models, const HttpRequest&, std::string_view) {
  int running = 0, waiting = 0;
  for (const ModelView& model : models.pool().loaded()) {
    const engine::EngineStats stats = model.stats();
    running += stats.running;
    waiting += stats.waiting;
  }
  return {.body = dump({{"status", "ok"}, {"running", running}, {"waiting", waiting}})};
}

// The models to begin with are loaded before the port is opened, others when they are asked for. Strangers are not told
// which.
Reply ready(const Models& models, const HttpRequest& request, std::string_view) {
  Json body = {{"status", "ready"}};
  if (request.caller.role >= Role::user) {
    body["models"] = Json::array();
    for (const ModelView& model : models.loaded(request.caller))
      body["models"].push_back({{"id", model.offer.id}, {"status", "ready"}});
  }
  return {.body = dump(body)};
}

Reply welcome(const Models& models, const HttpRequest& request, std::string_view) {
  std::string text =
      "Troika is running. It speaks OpenAI's API at /v1, Anthropic's at /v1/messages and Ollama's at /api;\n"
      "point any client's base URL here. /openapi.json describes all.\n";
  if (request.caller.role >= Role::user) {
    text += "\nModels:\n";
    for (const ModelView& model : models.loaded(request.caller)) text += fmt::format("  {}\n", model.offer.id);
  }
  text +=
      "\nTry: curl http://HOST:PORT/v1/chat/completions -d '{\"messages\": [{\"role\": \"user\", "
      "\"content\": \"Hello\"}]}'\n";
  return {.content_type = "text/plain; charset=utf-8", .body = std::move(text)};
}

// llama.cpp's object, of the first model. Paths of files are no business of a client's.
Reply props(const Models& models, const HttpRequest& request, std::string_view) {
  const ModelView view = models.look(request.caller, std::nullopt);
  if (!view.engine())
    throw ApiError(503, "server_error", fmt::format("The model '{}' is not loaded.", view.offer.id), "", "model_not_loaded");
  const engine::ModelInfo& model = view.engine()->model();
  const text::Tokenizer& tokenizer = *view.engine()->text().tokenizer;
  const text::TokenizerData& data = tokenizer.data();
  const engine::SamplingOptions& sampling = model.sampling;
  const auto text_of = [&](const std::optional<int32_t>& id) { return id ? tokenizer.bytes(*id) : std::string_view(); };
  return {.body = dump({{"default_generation_settings",
                         {{"n_ctx", model.context_length},
                          {"params",
                           {{"temperature", sampling.temperature},
                            {"top_k", sampling.top_k},
                            {"top_p", sampling.top_p},
                            {"min_p", sampling.min_p},
                            {"typical_p", sampling.typical_p},
                            {"repeat_penalty", sampling.repetition_penalty},
                            {"presence_penalty", sampling.presence_penalty},
                            {"frequency_penalty", sampling.frequency_penalty}}}}},
                        {"model_alias", view.offer.id},
                        {"modalities", {{"vision", view.engine()->eyes() != nullptr}, {"audio", false}}},
                        {"chat_template", data.chat_template},
                        {"bos_token", text_of(data.bos)},
                        {"eos_token", text_of(data.eos)},
                        {"build_info", "troika " TROIKA_VERSION}})};
}

}  // namespace troika::server
