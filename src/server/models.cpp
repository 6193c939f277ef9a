#include "server/models.h"

#include <algorithm>
#include <cmath>

#include "server/api_error.h"
#include "server/api_fields.h"
#include "text/reasoning.h"

namespace troika::server {

bool can_reason(const engine::Engine& engine) {
  const auto& tokenizer = engine.text().tokenizer;
  return tokenizer && text::reasoning_after("", tokenizer->data().chat_template) != text::Reasoning::none;
}

Models::Models(std::vector<ServedModel> models, const ServerOptions& options)
    : queue_(options.queue),
      source_(options.source),
      pool_(std::make_unique<ModelPool>(std::move(models), options.source, options.loading)),
      pictures_(options.images),
      version_(options.version),
      sensors_(std::make_unique<platform::Sensors>(options.system_root)) {}

namespace {

// With the time in which that many requests end, as those before did.
ApiError too_many(const std::string& id, const engine::EngineStats& stats) {
  ApiError error(503, "server_error", fmt::format("{} requests wait for '{}' already; try again later.", stats.waiting, id),
                 "", "overloaded");
  const double each = stats.request_seconds.sum / double(std::max<int64_t>(1, stats.request_seconds.count()));
  const double wait = each * stats.waiting / std::max(1, stats.running);
  error.headers.emplace_back("Retry-After", fmt::format("{}", std::clamp(int(std::ceil(wait)), 1, 60)));
  return error;
}

}  // namespace

const ServedModel& Models::find(const Asked& asked, std::optional<ModelPool::Seconds> keep) const {
  const HttpRequest& http = asked.http;
  auto [lease, pending] = pool_->acquire(asked.fields.string("model"), http.pending, keep);
  http.pending = std::move(pending);
  if (http.pending) throw NotLoaded();
  http.lease = std::move(lease);
  const engine::EngineStats stats = http.lease->model().engine->stats();
  http.waiting = stats.waiting;
  if (stats.waiting >= queue_) throw too_many(http.lease->model().id, stats);
  return http.lease->model();
}

}  // namespace troika::server
