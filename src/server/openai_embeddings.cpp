// POST /v1/embeddings.
#include <span>

#include "server/api_schemas.h"
#include "server/base64.h"
#include "server/embedding_work.h"
#include "server/openai.h"
#include "server/text_input.h"

namespace troika::server {
namespace {

// Little-endian float32, as the machines are that we run on.
Json in_base64(const std::vector<float>& vector) { return encode_base64(std::as_bytes(std::span(vector))); }

}  // namespace

Reply embeddings(const Models& models, const HttpRequest& http, std::string_view) {
  const Asked asked(http, kEmbeddingSchema);
  const Fields& fields = asked.fields;
  const ServedModel& model = models.find(asked);
  const bool base64 = fields.choice("encoding_format", {"float", "base64"}) == "base64";
  EmbeddingCall call{.model = &model,
                     .texts = read_texts(fields, "input", kMostTexts, *model.engine),
                     .dimensions = read_dimensions(fields, model),
                     .field = "input"};
  return embed(asked, std::move(call), [base64, id = model.id](const Vectors& vectors, int tokens) {
    Json data = Json::array();
    for (const auto& vector : vectors)
      data.push_back({{"object", "embedding"},
                      {"index", data.size()},
                      {"embedding", base64 ? in_base64(vector) : Json(vector)}});
    return Json{{"object", "list"},
                {"data", std::move(data)},
                {"model", id},
                {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}};
  });
}

}  // namespace troika::server
