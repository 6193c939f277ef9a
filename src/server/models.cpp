#include "server/models.h"

#include "server/api_fields.h"
#include "text/reasoning.h"

namespace troika::server {

bool can_reason(const engine::Engine& engine) {
  const auto& tokenizer = engine.text().tokenizer;
  return tokenizer && text::reasoning_after("", tokenizer->data().chat_template) != text::Reasoning::none;
}

Models::Models(std::vector<ServedModel> models, const ServerOptions& options)
    : source_(options.source),
      pool_(std::make_unique<ModelPool>(std::move(models), options.source, options.loading)),
      pictures_(options.images),
      version_(options.version) {}

const ServedModel& Models::find(const Asked& asked, std::optional<ModelPool::Seconds> keep) const {
  const HttpRequest& http = asked.http;
  auto [lease, pending] = pool_->acquire(asked.fields.string("model"), http.pending, keep);
  http.pending = std::move(pending);
  if (http.pending) throw NotLoaded();
  http.lease = std::move(lease);
  return http.lease->model();
}

}  // namespace troika::server
