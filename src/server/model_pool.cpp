#include "server/model_pool.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/log.h"
#include "server/api_error.h"

namespace troika::server {
namespace {

// Ollama's clients put a tag behind every name.
std::string_view without_latest(std::string_view name) {
  constexpr std::string_view kTag = ":latest";
  return name.ends_with(kTag) ? name.substr(0, name.size() - kTag.size()) : name;
}

bool goes_by(const OfferedModel& model, std::string_view name) {
  const std::string_view untagged = without_latest(name);
  return std::ranges::any_of(std::initializer_list<std::string_view>{name, untagged}, [&](std::string_view wanted) {
    return model.id == wanted || std::ranges::find(model.aliases, wanted) != model.aliases.end();
  });
}

constexpr auto kTryAgain = std::chrono::minutes(1);  // an alias's model that could not be loaded
constexpr ModelPool::Seconds kForEver = std::chrono::hours(24 * 3650);  // and longer

bool is_longer(ModelPool::Seconds a, ModelPool::Seconds b) { return b.count() >= 0 && (a.count() < 0 || a > b); }

void add(engine::EngineStats& sum, const engine::EngineStats& more) {
  constexpr int engine::EngineStats::* kInts[] = {&engine::EngineStats::running, &engine::EngineStats::waiting};
  constexpr int64_t engine::EngineStats::* kCounts[] = {
      &engine::EngineStats::pages_total,   &engine::EngineStats::pages_free,       &engine::EngineStats::steps,
      &engine::EngineStats::prompt_tokens, &engine::EngineStats::generated_tokens, &engine::EngineStats::preemptions,
      &engine::EngineStats::pictures,      &engine::EngineStats::cached_tokens,    &engine::EngineStats::restored_tokens,
      &engine::EngineStats::stopped,       &engine::EngineStats::limited,          &engine::EngineStats::cancelled,
      &engine::EngineStats::failed};
  for (const auto number : kInts) sum.*number += more.*number;
  for (const auto count : kCounts) sum.*count += more.*count;
  sum.busy_s += more.busy_s;
  sum.cache_bytes += more.cache_bytes;
  sum.cache_bytes_used += more.cache_bytes_used;
  sum.spilled_bytes += more.spilled_bytes;
  sum.settled = sum.settled && more.settled;
  sum.step_rows.add(more.step_rows);
  sum.step_seconds.add(more.step_seconds);
  sum.queued_seconds.add(more.queued_seconds);
  sum.first_token_seconds.add(more.first_token_seconds);
  sum.request_seconds.add(more.request_seconds);
  sum.gap_seconds.add(more.gap_seconds);
}

}  // namespace

engine::EngineStats ModelView::stats() const {
  engine::EngineStats sum = replicas.front().engine->stats();
  for (size_t i = 1; i < replicas.size(); ++i) add(sum, replicas[i].engine->stats());
  return sum;
}

std::string_view name_of(ModelState state) {
  switch (state) {
    case ModelState::unloaded:
      return "unloaded";
    case ModelState::waiting:
      return "waiting";
    case ModelState::loading:
      return "loading";
    case ModelState::loaded:
      return "loaded";
    case ModelState::draining:
      return "draining";
  }
  return "";
}

void PendingLoad::when_done(std::function<void()> wake) {
  {
    const std::lock_guard lock(mutex_);
    if (!done_) return wakes_.push_back(std::move(wake));
  }
  wake();
}

void PendingLoad::finish(std::shared_ptr<const Lease> lease, std::string error) {
  std::vector<std::function<void()>> wakes;
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
    lease_ = std::move(lease);
    error_ = std::move(error);
    wakes.swap(wakes_);
  }
  for (const auto& wake : wakes) wake();
}

ModelPool::ModelPool(std::vector<ServedModel> models, ModelSource* source, const LoadOptions& options,
                     std::vector<ModelAlias> aliases)
    : source_(source), options_(options), aliases_(std::move(aliases)) {
  for (ServedModel& model : models) {
    Entry entry;
    const engine::ModelInfo& info = model.engine->model();
    entry.offer = {.id = std::move(model.id),
                   .aliases = std::move(model.aliases),
                   .bytes = info.weight_bytes,
                   .created = info.created,
                   .pinned = true};
    entry.state = ModelState::loaded;
    entry.replicas = std::make_unique<Replicas>();
    entry.replicas->add_lent(*model.engine);
    entry.is_lent = true;
    entry.memory_bytes = info.weight_bytes + model.engine->stats().cache_bytes;
    entries_.push_back(std::move(entry));
  }
  check(source_ || !entries_.empty(), "a server needs a model");
  std::unique_lock lock(mutex_);
  refresh(lock);
  check_aliases();
  if (!source_) return;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

ModelPool::~ModelPool() { stop(); }

void ModelPool::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

// An alias of an alias would make circles possible, and is never needed: it is a list already.
void ModelPool::check_aliases() {
  for (const ModelAlias& alias : aliases_) {
    if (find(alias.name)) fail("the alias '{}' has the name of a model; choose another one", alias.name);
    if (find_alias(alias.name) != &alias) fail("the alias '{}' is given twice; list its models in one", alias.name);
    for (const std::string& model : alias.models) {
      if (find_alias(model))
        fail("the alias '{}' stands for '{}', which is an alias itself; name the models", alias.name, model);
      if (!find(model))
        fail("the alias '{}' stands for '{}', and there is no such model; `troika list` shows what there is", alias.name,
             model);
    }
  }
}

const ModelAlias* ModelPool::find_alias(std::string_view name) const {
  const std::string_view untagged = without_latest(name);
  const auto found = std::ranges::find_if(
      aliases_, [&](const ModelAlias& alias) { return alias.name == name || alias.name == untagged; });
  return found == aliases_.end() ? nullptr : &*found;
}

// The model that a request would most likely get; null when none is there any more.
ModelPool::Entry* ModelPool::chosen_of(const ModelAlias& alias) {
  Entry* first = nullptr;
  for (const std::string& model : alias.models) {
    Entry* const entry = find(model);
    if (entry && entry->state == ModelState::loaded) return entry;
    if (!first) first = entry;
  }
  return first;
}

ModelPool::Entry* ModelPool::find(std::string_view name) {
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return (entry.is_offered || entry.replicas) && goes_by(entry.offer, name);
  });
  return found == entries_.end() ? nullptr : &*found;
}

// What can be loaded may have changed: models are brought and removed while we run.
void ModelPool::refresh(std::unique_lock<std::mutex>& lock) {
  if (!source_) return;
  lock.unlock();
  std::vector<OfferedModel> offers;
  try {
    offers = source_->offers();
  } catch (const std::exception& error) {
    lock.lock();
    log::warn("the models that could be loaded are not known: {}", error.what());
    return;
  }
  lock.lock();
  for (Entry& entry : entries_) entry.is_offered = entry.is_lent;
  for (OfferedModel& offer : offers) {
    auto known = std::ranges::find_if(entries_, [&](const Entry& entry) { return entry.offer.id == offer.id; });
    if (known == entries_.end()) known = entries_.insert(entries_.end(), Entry{});
    if (known->is_lent) continue;
    known->is_offered = true;
    // Whoever was loaded before has been measured, and keeps that.
    const bool is_measured = known->memory_bytes > 0 && known->offer.bytes == offer.bytes;
    if (!is_measured) known->memory_bytes = uint64_t(offer.replicas) * (offer.bytes + options_.cache_bytes);
    known->offer = std::move(offer);
  }
  for (Entry& entry : entries_) {  // who is gone is not kept
    if (entry.is_offered || !entry.replicas || stays(entry)) continue;
    if (entry.state == ModelState::loaded) entry.state = ModelState::draining;
    entry.goes = true;
    changed_.notify_all();
  }
}

ModelPool::Entry& ModelPool::find_or_refuse(const std::optional<std::string>& name, std::unique_lock<std::mutex>& lock) {
  Entry* entry = name ? find(*name) : entries_.empty() ? nullptr : &entries_.front();
  if (!entry) {
    refresh(lock);
    entry = name ? find(*name) : entries_.empty() ? nullptr : &entries_.front();
  }
  if (entry) return *entry;
  std::vector<std::string_view> ids;
  for (const Entry& other : entries_) {
    if (other.is_offered || other.replicas) ids.push_back(other.offer.id);
  }
  for (const ModelAlias& alias : aliases_) ids.push_back(alias.name);
  if (ids.empty())
    throw ApiError(404, "not_found_error", "No model is here yet; bring one with `troika pull`.", "model", "model_not_found");
  throw ApiError(404, "not_found_error",
                 fmt::format("The model '{}' is not served here. Served: {}.", shown(*name), fmt::join(ids, ", ")), "model",
                 "model_not_found");
}

void ModelPool::refresh() {
  std::unique_lock lock(mutex_);
  refresh(lock);
}

std::shared_ptr<const Lease> ModelPool::lease_to_use(Entry& entry, Replicas::Place place) {
  ++entry.users;
  entry.used = Clock::now();
  return std::make_shared<const Lease>(ServedModel{.id = entry.offer.id,
                                                   .aliases = entry.offer.aliases,
                                                   .engine = &entry.replicas->engine(place.number)},
                                       [this, &entry, number = place.number] { end_use(entry, number); });
}

std::shared_ptr<const Lease> ModelPool::lease_to_look(Entry& entry) {
  ++entry.users;
  return std::make_shared<const Lease>(
      ServedModel{.id = entry.offer.id, .aliases = entry.offer.aliases, .engine = &entry.replicas->engine(0)},
      [this, &entry] { end_look(entry); });
}

void ModelPool::end_use(Entry& entry, size_t replica) {
  {
    const std::lock_guard lock(mutex_);
    --entry.users;
    entry.replicas->give_back(replica);
    entry.used = Clock::now();
  }
  changed_.notify_all();
}

void ModelPool::end_look(Entry& entry) {
  {
    const std::lock_guard lock(mutex_);
    --entry.users;
  }
  changed_.notify_all();
}

std::vector<std::string> ModelPool::candidates(const std::optional<std::string>& name) {
  std::unique_lock lock(mutex_);
  const ModelAlias* const alias = name ? find_alias(*name) : nullptr;
  if (!alias) return {find_or_refuse(name, lock).offer.id};
  std::vector<std::string> models = alias->models;
  std::ranges::stable_partition(models, [&](const std::string& model) {
    const Entry* entry = find(model);
    return entry && (!entry->failed || Clock::now() - *entry->failed > kTryAgain);
  });
  return models;
}

std::optional<std::string> ModelPool::alias_of(const std::optional<std::string>& name) const {
  const ModelAlias* const alias = name ? find_alias(*name) : nullptr;
  return alias ? std::optional(alias->name) : std::nullopt;
}

ModelPool::Acquired ModelPool::acquire(const std::string& name, const std::shared_ptr<PendingLoad>& before, const Wish& wish) {
  std::unique_lock lock(mutex_);
  Entry& entry = find_or_refuse(name, lock);
  entry.keep = wish.may_shorten || (wish.keep && is_longer(*wish.keep, options_.keep)) ? wish.keep : std::nullopt;
  const auto use = [&]() -> Acquired {
    const Replicas::Place place = entry.replicas->take(wish.conversation);
    return {.lease = lease_to_use(entry, place),
            .pending = nullptr,
            .is_failing = place.is_failing,
            .replica = entry.replicas->size() > 1 ? int(place.number) + 1 : 0};
  };
  if (entry.state == ModelState::loaded) return use();
  if (before) {
    const std::lock_guard inner(before->mutex_);
    if (before->lease_ && entry.replicas) return use();  // it goes, but not before us
    if (!before->error_.empty())
      throw ApiError(503, "server_error",
                     fmt::format("The model '{}' cannot be loaded: {}", entry.offer.id, before->error_), "model",
                     "model_not_loaded");
  }
  if (!entry.pending) {
    entry.pending = std::make_shared<PendingLoad>(entry.offer.id);
    if (entry.state == ModelState::unloaded) entry.state = ModelState::waiting;
    queue_.push_back(&entry);
    changed_.notify_all();
  }
  return {.pending = entry.pending};
}

ModelView ModelPool::view(Entry& entry) {
  ModelView view{.offer = entry.offer, .model = entry.offer.id, .state = entry.state, .memory_bytes = entry.memory_bytes};
  if (entry.pending) view.share = entry.pending->share();
  if (!entry.replicas) return view;
  if (const auto at = expiry_of(entry))
    view.expires = std::chrono::system_clock::now() +
                   std::chrono::duration_cast<std::chrono::system_clock::duration>(*at - Clock::now());
  view.lease = lease_to_look(entry);
  for (size_t i = 0; i < entry.replicas->size(); ++i)
    view.replicas.push_back({&entry.replicas->engine(i), entry.replicas->is_passed_over(i)});
  return view;
}

ModelView ModelPool::view(const ModelAlias& alias) {
  Entry* const chosen = chosen_of(alias);
  ModelView aliased = chosen ? view(*chosen) : ModelView();
  aliased.offer.id = alias.name;
  aliased.offer.aliases.clear();
  aliased.stands_for = alias.models;
  return aliased;
}

ModelView ModelPool::look(const std::optional<std::string>& name) {
  std::unique_lock lock(mutex_);
  if (const ModelAlias* const alias = name ? find_alias(*name) : nullptr) return view(*alias);
  return view(find_or_refuse(name, lock));
}

std::vector<ModelView> ModelPool::all() {
  std::unique_lock lock(mutex_);
  refresh(lock);
  std::vector<ModelView> all;
  for (Entry& entry : entries_) {
    // A model that came later may have an alias's name, and is not to be had by it.
    if ((entry.is_offered || entry.replicas) && !find_alias(entry.offer.id)) all.push_back(view(entry));
  }
  for (const ModelAlias& alias : aliases_) all.push_back(view(alias));
  return all;
}

std::vector<ModelView> ModelPool::loaded() {
  const std::lock_guard lock(mutex_);
  std::vector<ModelView> loaded;
  for (Entry& entry : entries_) {
    if (entry.replicas) loaded.push_back(view(entry));
  }
  return loaded;
}

std::vector<ModelView> ModelPool::being_loaded() {
  const std::lock_guard lock(mutex_);
  std::vector<ModelView> some;
  for (Entry& entry : entries_) {
    if (entry.state == ModelState::waiting || entry.state == ModelState::loading) some.push_back(view(entry));
  }
  return some;
}

void ModelPool::unload(const std::string& name) {
  std::unique_lock lock(mutex_);
  if (const ModelAlias* const alias = find_alias(name))
    throw ApiError(400, "invalid_request_error",
                   fmt::format("'{}' stands for {}; name the one that is to be unloaded.", alias->name,
                               fmt::join(alias->models, ", ")),
                   "model");
  Entry& entry = find_or_refuse(name, lock);
  if (entry.is_lent)
    throw ApiError(400, "invalid_request_error",
                   fmt::format("The model '{}' stays loaded while the server runs.", entry.offer.id), "model");
  if (entry.state == ModelState::unloaded) return;
  if (entry.state == ModelState::loaded) entry.state = ModelState::draining;
  entry.goes = true;
  changed_.notify_all();
}

uint64_t ModelPool::memory_in_use() const {
  uint64_t bytes = 0;
  for (const Entry& entry : entries_) bytes += entry.replicas ? entry.memory_bytes : 0;
  return bytes;
}

// When it is unloaded if nobody uses it until then.
std::optional<ModelPool::Clock::time_point> ModelPool::expiry_of(const Entry& entry) const {
  const Seconds keep = entry.keep.value_or(options_.keep);
  if (!entry.replicas || stays(entry) || entry.users > 0 || keep.count() < 0 || keep > kForEver) return std::nullopt;
  return entry.used + std::chrono::duration_cast<Clock::duration>(keep);
}

ModelPool::Entry* ModelPool::due() {
  for (Entry& entry : entries_) {
    const auto expiry = expiry_of(entry);
    if (entry.replicas && !entry.is_lent && entry.users == 0 && (entry.goes || (expiry && *expiry <= Clock::now()))) return &entry;
  }
  return nullptr;
}

void ModelPool::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    if (Entry* entry = due()) {
      empty(*entry, lock);
    } else if (!queue_.empty()) {
      Entry* first = queue_.front();
      queue_.pop_front();
      load(*first, lock, stop);
    } else {
      std::optional<Clock::time_point> next;
      for (const Entry& other : entries_) {
        const auto expiry = expiry_of(other);
        if (expiry && (!next || *expiry < *next)) next = expiry;
      }
      const auto has_work = [&] { return due() || !queue_.empty(); };
      // An hour: what expires first may change while we sleep.
      changed_.wait_until(lock, stop, next.value_or(Clock::now() + std::chrono::hours(1)), [&, next] {
        return has_work() || std::ranges::any_of(entries_, [&](const Entry& e) {
                 const auto expiry = expiry_of(e);
                 return expiry && (!next || *expiry < *next);
               });
      });
    }
  }
  while (!queue_.empty()) {
    auto pending = std::exchange(queue_.front()->pending, nullptr);
    queue_.pop_front();
    lock.unlock();
    pending->finish(nullptr, "the server stops");
    pending.reset();
    lock.lock();
  }
}

// Who makes room for another one: who was used longest ago, nobody's first.
ModelPool::Entry* ModelPool::next_to_go(const Entry& coming) {
  Entry* best = nullptr;
  for (Entry& entry : entries_) {
    if (!entry.replicas || stays(entry) || &entry == &coming) continue;
    const auto rank = [](const Entry& e) { return std::pair(e.users > 0, e.used); };
    if (!best || rank(entry) < rank(*best)) best = &entry;
  }
  return best;
}

// False: there is too little, and nothing that could go.
bool ModelPool::make_room(const Entry& entry, std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
  if (options_.memory_bytes == 0) return true;
  uint64_t staying = 0;
  for (const Entry& other : entries_) staying += other.replicas && stays(other) ? other.memory_bytes : 0;
  if (staying > 0 && staying + entry.memory_bytes > options_.memory_bytes) return false;  // whoever else goes
  while (memory_in_use() > 0 && memory_in_use() + entry.memory_bytes > options_.memory_bytes) {
    Entry* victim = next_to_go(entry);
    if (!victim) return false;
    if (victim->users > 0) {  // it takes no new requests, and goes if it is the first to be idle
      victim->state = ModelState::draining;
      if (!changed_.wait(lock, stop, [&] { return next_to_go(entry)->users == 0; })) return true;
      Entry* idle = next_to_go(entry);
      if (idle != victim && !victim->goes) {
        stay(*victim, lock);
        continue;  // the lock was free: look again who is idle
      }
      victim = idle;
    }
    empty(*victim, lock);
  }
  return true;
}

// Who asked while it was to go need not wait for the one that comes.
void ModelPool::stay(Entry& entry, std::unique_lock<std::mutex>& lock) {
  entry.state = ModelState::loaded;
  if (!entry.pending) return;
  std::erase(queue_, &entry);
  auto pending = std::exchange(entry.pending, nullptr);
  auto held = lease_to_look(entry);
  lock.unlock();
  pending->finish(std::move(held), "");
  pending.reset();
  lock.lock();
}

// How much a model takes is known for sure once it is loaded: if it is too much, others go that nobody uses.
void ModelPool::make_good(const Entry& loaded, std::unique_lock<std::mutex>& lock) {
  while (options_.memory_bytes > 0 && memory_in_use() > options_.memory_bytes) {
    Entry* victim = next_to_go(loaded);
    if (!victim || victim->users > 0) {
      log::warn("{} takes {} MB: with the others that are more than the {} MB for models", loaded.offer.id,
                loaded.memory_bytes >> 20, options_.memory_bytes >> 20);
      return;
    }
    empty(*victim, lock);
  }
}

// Frees the memory of a model that nobody uses. Who asked for it meanwhile waits for it to be loaded again.
void ModelPool::empty(Entry& entry, std::unique_lock<std::mutex>& lock) {
  entry.state = ModelState::draining;
  entry.goes = false;
  std::unique_ptr<Replicas> replicas = std::move(entry.replicas);
  const std::string id = entry.offer.id;
  lock.unlock();
  replicas.reset();
  log::info("unloaded {}", id);
  lock.lock();
  entry.state = entry.pending ? ModelState::waiting : ModelState::unloaded;
}

void ModelPool::load(Entry& entry, std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
  std::string error;
  if (entry.replicas) {  // asked for while it was leaving: it stays
    entry.goes = false;
  } else if (!make_room(entry, lock, stop)) {
    error = fmt::format("it needs about {} MB, but {} MB of the {} MB for models are taken by models that stay",
                        entry.memory_bytes >> 20, memory_in_use() >> 20, options_.memory_bytes >> 20);
  } else if (!stop.stop_requested()) {
    error = load_replicas(entry, lock, stop);
    if (entry.replicas) make_good(entry, lock);
  } else {
    error = "the server stops";
  }
  entry.goes = entry.goes && entry.replicas;
  entry.state = !entry.replicas ? ModelState::unloaded : entry.goes ? ModelState::draining : ModelState::loaded;
  auto pending = std::exchange(entry.pending, nullptr);
  entry.used = Clock::now();
  entry.failed = entry.replicas ? std::nullopt : std::optional(entry.used);
  auto held = entry.replicas ? lease_to_look(entry) : nullptr;
  lock.unlock();
  pending->finish(std::move(held), std::move(error));
  pending.reset();  // perhaps nobody waits any more, and the lease with it ends here
  lock.lock();
}

// All or, when one of them fails behind others, these. Returns why there is none.
std::string ModelPool::load_replicas(Entry& entry, std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
  entry.state = ModelState::loading;
  const std::string id = entry.offer.id;
  const int count = entry.offer.replicas;
  const std::shared_ptr<PendingLoad> pending = entry.pending;
  lock.unlock();
  auto replicas = std::make_unique<Replicas>();
  uint64_t bytes = 0;
  std::string error = "the server stops";
  const auto began = Clock::now();
  try {
    log::info("loading {}", id);
    for (int i = 0; i < count && !stop.stop_requested(); ++i) {
      auto engine = source_->load(id, i, [&](double share) { pending->share_ = (i + share) / count; });
      bytes += engine->model().weight_bytes + engine->stats().cache_bytes;
      replicas->add(std::move(engine));
    }
    log::info("loaded {}{} in {:.2f} s", id, count > 1 ? fmt::format(", {} replicas,", replicas->size()) : "",
              Seconds(Clock::now() - began).count());
  } catch (const std::exception& wrong) {
    error = wrong.what();
    if (replicas->empty()) log::error("{} cannot be loaded: {}", id, error);
    else log::warn("{} has {} replicas instead of {}: {}", id, replicas->size(), count, error);
  }
  lock.lock();
  if (replicas->empty()) return error;
  entry.replicas = std::move(replicas);
  entry.memory_bytes = bytes;
  return "";
}

}  // namespace troika::server
