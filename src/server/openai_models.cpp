// What the server has to offer and how it is: GET /v1/models, /health and a word of welcome at /.
#include "server/api_error.h"
#include "server/openai.h"
#include "server/openai_work.h"
#include "text/reasoning.h"

namespace troika::server {
namespace {

bool can_reason(const engine::Engine& engine) {
  const auto& tokenizer = engine.text().tokenizer;
  return tokenizer && text::reasoning_after("", tokenizer->data().chat_template) != text::Reasoning::none;
}

Json describe(const ServedModel& served) {
  const engine::ModelInfo& model = served.engine->model();
  return {{"id", served.id},
          {"object", "model"},
          {"created", model.created},
          {"owned_by", "troika"},
          {"aliases", served.aliases},
          {"capabilities",
           {{"vision", served.engine->eyes() != nullptr},
            {"reasoning", can_reason(*served.engine)},
            {"context", model.context_length}}},
          {"meta",
           {{"architecture", model.architecture},
            {"n_ctx", model.context_length},
            {"n_ctx_train", model.model_context_length},
            {"n_vocab", model.vocabulary},
            {"n_params", model.parameters},
            {"size", model.weight_bytes}}}};
}

}  // namespace

Reply list_models(const Models& models, const HttpRequest&, std::string_view) {
  Json list = {{"object", "list"}, {"data", Json::array()}};
  for (const ServedModel& model : models.all()) list["data"].push_back(describe(model));
  return {.body = dump(list)};
}

Reply show_model(const Models& models, const HttpRequest&, std::string_view id) {
  return {.body = dump(describe(models.find(std::string(id))))};
}

Reply health(const Models& models, const HttpRequest&, std::string_view) {
  int running = 0, waiting = 0;
  for (const ServedModel& model : models.all()) {
    const engine::EngineStats stats = model.engine->stats();
    running += stats.running;
    waiting += stats.waiting;
  }
  return {.body = dump({{"status", "ok"}, {"running", running}, {"waiting", waiting}})};
}

Reply welcome(const Models& models, const HttpRequest&, std::string_view) {
  std::string text =
      "Troika is running. It speaks OpenAI's API at /v1; point any client's base URL there.\n\nModels:\n";
  for (const ServedModel& model : models.all()) text += fmt::format("  {}\n", model.id);
  text +=
      "\nTry: curl http://HOST:PORT/v1/chat/completions -d '{\"messages\": [{\"role\": \"user\", "
      "\"content\": \"Hello\"}]}'\n";
  return {.content_type = "text/plain; charset=utf-8", .body = std::move(text)};
}

}  // namespace troika::server
