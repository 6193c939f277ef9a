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

// Says nothing of models that the key may not use, not even that there are any.
ApiError forbidden(const Caller& caller, const std::optional<std::string>& name) {
  const std::string which = name ? fmt::format("may not use a model '{}'", shown(*name)) : "finds no model here that it may use";
  return ApiError(403, "permission_error",
                  fmt::format("The key '{}' {}; it may use {}.", caller.name, which, fmt::join(caller.models, ", ")), "model",
                  "model_not_allowed");
}

std::vector<ModelView> those_of(const Caller& caller, std::vector<ModelView> views) {
  std::erase_if(views, [&](const ModelView& view) { return !caller.may_use(view.offer.id); });
  return views;
}

}  // namespace

std::vector<ModelView> Models::all(const Caller& caller) const { return those_of(caller, pool_->all()); }
std::vector<ModelView> Models::loaded(const Caller& caller) const { return those_of(caller, pool_->loaded()); }

ModelView Models::look(const Caller& caller, const std::optional<std::string>& name) const {
  if (caller.models.empty()) return pool_->look(name);
  if (!name) {
    std::vector<ModelView> views = all(caller);
    if (views.empty()) throw forbidden(caller, name);
    return std::move(views.front());
  }
  try {
    ModelView view = pool_->look(name);
    if (caller.may_use(view.offer.id)) return view;
  } catch (const ApiError&) {
    // as if it were one that it may not use
  }
  throw forbidden(caller, name);
}

const ServedModel& Models::open(const Asked& asked, std::optional<ModelPool::Seconds> keep) const {
  const HttpRequest& http = asked.http;
  auto name = asked.fields.string("model");
  if (!http.caller.models.empty()) name = look(http.caller, name).offer.id;
  auto [lease, pending] = pool_->acquire(name, http.pending, keep);
  http.pending = std::move(pending);
  if (http.pending) throw NotLoaded();
  http.lease = std::move(lease);
  return http.lease->model();
}

const ServedModel& Models::find(const Asked& asked, std::optional<ModelPool::Seconds> keep) const {
  const ServedModel& model = open(asked, keep);
  const engine::EngineStats stats = model.engine->stats();
  asked.http.waiting = stats.waiting;
  if (stats.waiting >= queue_) throw too_many(model.id, stats);
  return model;
}

}  // namespace troika::server
