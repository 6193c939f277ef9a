// What the server has to offer: GET /v1/models.
#include "server/answer_json.h"
#include "server/openai.h"

namespace troika::server {
namespace {

// What a model can is known once it is loaded.
Json describe(const ModelView& view) {
  Json entry = {{"id", view.offer.id},
                {"object", "model"},
                {"created", view.offer.created},
                {"owned_by", "troika"},
                {"aliases", view.offer.aliases},
                {"status", name_of(view.state)}};
  if (!view.stands_for.empty()) entry["stands_for"] = view.stands_for;
  if (view.state == ModelState::waiting || view.state == ModelState::loading) entry["loaded_share"] = view.share;
  if (view.offer.replicas > 1) entry["replicas"] = view.offer.replicas;
  const engine::Engine* engine = view.engine();
  if (!engine) {
    entry["meta"] = {{"size", view.offer.bytes}};
    return entry;
  }
  const engine::ModelInfo& model = engine->model();
  entry["capabilities"] = {{"vision", engine->eyes() != nullptr},
                           {"reasoning", can_reason(*engine)},
                           {"context", model.context_length}};
  entry["meta"] = {{"architecture", model.architecture},
                   {"n_ctx", model.context_length},
                   {"n_ctx_train", model.model_context_length},
                   {"n_vocab", model.vocabulary},
                   {"n_params", model.parameters},
                   {"size", model.weight_bytes}};
  return entry;
}

}  // namespace

Reply list_models(const Models& models, const HttpRequest& request, std::string_view) {
  Json list = {{"object", "list"}, {"data", Json::array()}};
  for (const ModelView& model : models.all(request.caller)) list["data"].push_back(describe(model));
  return {.body = dump(list)};
}

Reply show_model(const Models& models, const HttpRequest& request, std::string_view id) {
  return {.body = dump(describe(models.look(request.caller, std::string(id))))};
}

}  // namespace troika::server
