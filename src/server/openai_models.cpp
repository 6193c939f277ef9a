// What the server has to offer: GET /v1/models.
#include "server/answer_json.h"
#include "server/openai.h"

namespace troika::server {
namespace {

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

}  // namespace troika::server
