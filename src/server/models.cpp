#include "server/models.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "server/api_error.h"
#include "server/api_fields.h"
#include "server/conversation_key.h"
#include "text/reasoning.h"

namespace troika::server {

bool can_reason(const engine::Engine& engine) {
  const auto& tokenizer = engine.text().tokenizer;
  return tokenizer && can_reason(tokenizer->data());
}

bool can_reason(const text::TokenizerData& tokenizer) {
  return text::reasoning_after("", tokenizer.chat_template) != text::Reasoning::none;
}

Models::Models(std::vector<ServedModel> models, const ServerOptions& options)
    : queue_(options.queue),
      source_(options.source),
      pool_(std::make_unique<ModelPool>(std::move(models), options.source, options.loading, options.aliases)),
      pictures_(options.images),
      version_(options.version),
      sensors_(std::make_unique<platform::Sensors>(options.system_root)),
      power_(options.power) {}

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

// The same model under the name that it was asked for by.
std::shared_ptr<const Lease> under_name(std::shared_ptr<const Lease> lease, const std::optional<std::string>& alias) {
  if (!alias) return lease;
  engine::Engine* const engine = lease->model().engine;
  return std::make_shared<const Lease>(ServedModel{.id = *alias, .aliases = {}, .engine = engine}, [lease] {});
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
std::vector<ModelView> Models::being_loaded(const Caller& caller) const { return those_of(caller, pool_->being_loaded()); }

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
  return find_for(Part::text, asked, keep);
}

const ServedModel& Models::find(const Asked& asked, std::optional<ModelPool::Seconds> keep) const {
  return find_for(Part::engine, asked, keep);
}

const ServedModel& Models::find_for(Part part, const Asked& asked, std::optional<ModelPool::Seconds> keep) const {
  ModelSearch& search = asked.http.search;
  std::optional<std::string> name = asked.fields.string("model");
  if (!asked.http.caller.models.empty()) name = look(asked.http.caller, name).offer.id;
  if (search.candidates.empty()) search.candidates = pool_->candidates(name);
  const ModelPool::Wish wish{.keep = keep,
                             .may_shorten = asked.http.caller.role >= Role::admin,
                             .conversation = conversation_of(asked)};
  for (;; search.candidates.erase(search.candidates.begin())) {
    const bool is_last = search.candidates.size() == 1, is_only = is_last && search.refusals.empty();
    try {
      auto lease = take(part, asked, search.candidates.front(), wish, is_only);
      search.lease = under_name(std::move(lease), pool_->alias_of(name));
      return search.lease->model();
    } catch (const ApiError& error) {
      if (is_only) throw;
      search.refusals += fmt::format(" {}", error.what());
      if (!is_last) continue;
      ApiError none(503, "server_error",
                    fmt::format("None of the models that '{}' stands for can answer now.{}", shown(*name), search.refusals),
                    "model", error.code);
      none.headers = error.headers;
      throw none;
    }
  }
}

// `is_only`: there is nobody else to ask, so a model whose engine fails is asked all the same.
std::shared_ptr<const Lease> Models::take(Part part, const Asked& asked, const std::string& model,
                                          const ModelPool::Wish& wish, bool is_only) const {
  ModelSearch& search = asked.http.search;
  auto acquired = [&] {
    try {
      return pool_->acquire(model, std::exchange(search.pending, nullptr), wish);
    } catch (const ApiError& error) {
      if (error.status != 404 || asked.http.caller.models.empty()) throw;
      throw ApiError(404, "not_found_error", fmt::format("The model '{}' is not here any more.", model), "model",
                     "model_not_found");  // and nothing of others
    }
  }();
  search.pending = std::move(acquired.pending);
  if (search.pending) {
    const Json* stream = asked.fields.find("stream");
    throw NotLoaded{.wants_stream = stream && stream->is_boolean() && stream->get<bool>()};
  }
  const ServedModel& served = acquired.lease->model();
  if (part == Part::engine) {
    const engine::EngineStats stats = served.engine->stats();
    if (stats.waiting >= queue_) throw too_many(served.id, stats);
    if (acquired.is_failing && !is_only)
      throw ApiError(503, "server_error", fmt::format("The engine of '{}' fails.", served.id), "model", "model_fails");
    search.waiting = stats.waiting;
  }
  search.model = served.id;
  search.replica = acquired.replica;
  return std::move(acquired.lease);
}

}  // namespace troika::server
