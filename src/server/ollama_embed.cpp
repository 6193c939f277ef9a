// POST /api/embed and the older /api/embeddings.
#include <chrono>

#include "server/api_schemas.h"
#include "server/embedding_work.h"
#include "server/ollama.h"
#include "server/ollama_request.h"
#include "server/text_input.h"

namespace troika::server {
namespace {

Reply answer(const Models& models, const Asked& asked, const char* field, size_t most, bool truncate,
             const std::function<DescribeVectors(const ServedModel&)>& describe) {
  const Fields& fields = asked.fields;
  fields.required("model");
  const ServedModel& model = models.find(asked, read_keep_alive(fields));
  std::vector<std::string> ignored;
  read_ollama_options(fields, model.engine->model(), ignored);
  EmbeddingCall call{.model = &model,
                     .texts = read_texts(fields, field, most, *model.engine),
                     .dimensions = read_dimensions(fields, model),
                     .truncate = truncate,
                     .field = field,
                     .errors = ErrorStyle::ollama,
                     .ignored = std::move(ignored)};
  return embed(asked, std::move(call), describe(model));
}

}  // namespace

Reply ollama_embed(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kOllamaEmbedSchema);
  const bool truncate = asked.fields.boolean("truncate").value_or(false);
  return answer(models, asked, "input", kMostTexts, truncate, [](const ServedModel& model) {
    return [id = model.id, begun = std::chrono::steady_clock::now()](const Vectors& vectors, int tokens) {
      const std::chrono::duration<double, std::nano> total = std::chrono::steady_clock::now() - begun;
      return Json{{"model", id},
                  {"embeddings", vectors},
                  {"total_duration", int64_t(total.count())},
                  {"load_duration", 0},
                  {"prompt_eval_count", tokens}};
    };
  });
}

Reply ollama_old_embed(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kOllamaOldEmbedSchema);
  return answer(models, asked, "prompt", 1, false, [](const ServedModel&) {
    return [](const Vectors& vectors, int) {
      Json body = Json::object();
      body["embedding"] = vectors.front();
      return body;
    };
  });
}

}  // namespace troika::server
