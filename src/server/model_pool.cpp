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

}  // namespace

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

ModelPool::ModelPool(std::vector<ServedModel> models, ModelSource* source, const LoadOptions& options)
    : source_(source), options_(options) {
  for (ServedModel& model : models) {
    Entry entry;
    const engine::ModelInfo& info = model.engine->model();
    entry.offer = {.id = std::move(model.id),
                   .aliases = std::move(model.aliases),
                   .bytes = info.weight_bytes,
                   .created = info.created,
                   .pinned = true};
    entry.state = ModelState::loaded;
    entry.engine = model.engine;
    entry.memory_bytes = info.weight_bytes + model.engine->stats().cache_bytes;
    entries_.push_back(std::move(entry));
  }
  check(source_ || !entries_.empty(), "a server needs a model");
  if (!source_) return;
  std::unique_lock lock(mutex_);
  refresh(lock);
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

ModelPool::~ModelPool() { stop(); }

void ModelPool::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

ModelPool::Entry* ModelPool::find(std::string_view name) {
  const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) {
    return (entry.is_offered || entry.engine) && goes_by(entry.offer, name);
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
  for (Entry& entry : entries_) entry.is_offered = entry.engine && !entry.owned;
  for (OfferedModel& offer : offers) {
    auto known = std::ranges::find_if(entries_, [&](const Entry& entry) { return entry.offer.id == offer.id; });
    if (known == entries_.end()) known = entries_.insert(entries_.end(), Entry{});
    if (known->engine && !known->owned) continue;
    known->is_offered = true;
    if (!known->engine) known->memory_bytes = offer.bytes + options_.cache_bytes;
    known->offer = std::move(offer);
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
    if (other.is_offered || other.engine) ids.push_back(other.offer.id);
  }
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

std::shared_ptr<const Lease> ModelPool::lease(Entry& entry, Purpose purpose) {
  ++entry.users;
  if (purpose == Purpose::use) entry.used = Clock::now();
  return std::make_shared<const Lease>(
      ServedModel{.id = entry.offer.id, .aliases = entry.offer.aliases, .engine = entry.engine},
      [this, &entry, purpose] { release(entry, purpose); });
}

void ModelPool::release(Entry& entry, Purpose purpose) {
  {
    const std::lock_guard lock(mutex_);
    --entry.users;
    if (purpose == Purpose::use) entry.used = Clock::now();
  }
  changed_.notify_all();
}

ModelPool::Acquired ModelPool::acquire(const std::optional<std::string>& name, const std::shared_ptr<PendingLoad>& before,
                                       std::optional<Seconds> keep) {
  std::unique_lock lock(mutex_);
  Entry& entry = find_or_refuse(name, lock);
  entry.keep = keep;
  if (entry.state == ModelState::loaded) return {.lease = lease(entry, Purpose::use)};
  if (before) {
    const std::lock_guard inner(before->mutex_);
    if (before->lease_ && entry.engine) return {.lease = lease(entry, Purpose::use)};  // it goes, but not before us
    if (!before->error_.empty())
      throw ApiError(503, "server_error",
                     fmt::format("The model '{}' cannot be loaded: {}", entry.offer.id, before->error_), "model",
                     "model_not_loaded");
  }
  if (!entry.pending) {
    entry.pending = std::make_shared<PendingLoad>();
    if (entry.state == ModelState::unloaded) entry.state = ModelState::waiting;
    queue_.push_back(&entry);
    changed_.notify_all();
  }
  return {.pending = entry.pending};
}

ModelView ModelPool::view(Entry& entry) {
  ModelView view{.offer = entry.offer, .state = entry.state, .memory_bytes = entry.memory_bytes};
  if (!entry.engine) return view;
  if (const auto at = expiry_of(entry))
    view.expires = std::chrono::system_clock::now() +
                   std::chrono::duration_cast<std::chrono::system_clock::duration>(*at - Clock::now());
  view.lease = lease(entry, Purpose::look);
  return view;
}

ModelView ModelPool::look(const std::optional<std::string>& name) {
  std::unique_lock lock(mutex_);
  return view(find_or_refuse(name, lock));
}

std::vector<ModelView> ModelPool::all() {
  std::unique_lock lock(mutex_);
  refresh(lock);
  std::vector<ModelView> all;
  for (Entry& entry : entries_) {
    if (entry.is_offered || entry.engine) all.push_back(view(entry));
  }
  return all;
}

std::vector<ModelView> ModelPool::loaded() {
  const std::lock_guard lock(mutex_);
  std::vector<ModelView> loaded;
  for (Entry& entry : entries_) {
    if (entry.engine) loaded.push_back(view(entry));
  }
  return loaded;
}

void ModelPool::unload(const std::string& name) {
  std::unique_lock lock(mutex_);
  Entry& entry = find_or_refuse(name, lock);
  if (entry.engine && !entry.owned)
    throw ApiError(400, "invalid_request_error",
                   fmt::format("The model '{}' stays loaded while the server runs.", entry.offer.id), "model");
  if (entry.state != ModelState::loaded) return;
  entry.state = ModelState::draining;
  entry.goes = true;
  changed_.notify_all();
}

uint64_t ModelPool::memory_in_use() const {
  uint64_t bytes = 0;
  for (const Entry& entry : entries_) bytes += entry.engine ? entry.memory_bytes : 0;
  return bytes;
}

// When it is unloaded if nobody uses it until then.
std::optional<ModelPool::Clock::time_point> ModelPool::expiry_of(const Entry& entry) const {
  const Seconds keep = entry.keep.value_or(options_.keep);
  if (!entry.owned || entry.offer.pinned || entry.users > 0 || keep.count() < 0) return std::nullopt;
  return entry.used + std::chrono::duration_cast<Clock::duration>(keep);
}

ModelPool::Entry* ModelPool::due() {
  for (Entry& entry : entries_) {
    const auto expiry = expiry_of(entry);
    if (entry.owned && entry.users == 0 && (entry.goes || (expiry && *expiry <= Clock::now()))) return &entry;
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

// Another one makes room: who was used longest ago, nobody's first.
ModelPool::Entry* ModelPool::next_to_go() {
  Entry* best = nullptr;
  for (Entry& entry : entries_) {
    if (!entry.owned || entry.offer.pinned) continue;
    const auto rank = [](const Entry& e) { return std::pair(e.users > 0, e.used); };
    if (!best || rank(entry) < rank(*best)) best = &entry;
  }
  return best;
}

// False: there is too little, and nothing that could go.
bool ModelPool::make_room(const Entry& entry, std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
  while (options_.memory_bytes > 0 && memory_in_use() > 0 && memory_in_use() + entry.memory_bytes > options_.memory_bytes) {
    Entry* victim = next_to_go();
    if (!victim) return false;
    victim->state = ModelState::draining;
    if (!changed_.wait(lock, stop, [&] { return victim->users == 0; })) return true;
    empty(*victim, lock);
  }
  return true;
}

// Frees the memory of a model that nobody uses. Who asked for it meanwhile waits for it to be loaded again.
void ModelPool::empty(Entry& entry, std::unique_lock<std::mutex>& lock) {
  entry.state = ModelState::draining;
  entry.goes = false;
  entry.engine = nullptr;
  std::unique_ptr<engine::Engine> engine = std::move(entry.owned);
  const std::string id = entry.offer.id;
  lock.unlock();
  engine.reset();
  log::info("unloaded {}", id);
  lock.lock();
  entry.state = entry.pending ? ModelState::waiting : ModelState::unloaded;
}

void ModelPool::load(Entry& entry, std::unique_lock<std::mutex>& lock, const std::stop_token& stop) {
  std::string error;
  if (entry.state == ModelState::draining) {  // asked for while it is leaving: it stays
    entry.goes = false;
  } else if (!make_room(entry, lock, stop)) {
    error = fmt::format("it needs about {} MB, but {} MB of the {} MB for models are taken by models that stay",
                        entry.memory_bytes >> 20, memory_in_use() >> 20, options_.memory_bytes >> 20);
  } else if (!stop.stop_requested()) {
    entry.state = ModelState::loading;
    const std::string id = entry.offer.id;
    lock.unlock();
    std::unique_ptr<engine::Engine> engine;
    const auto began = Clock::now();
    try {
      log::info("loading {}", id);
      engine = source_->load(id);
      log::info("loaded {} in {:.2f} s", id, Seconds(Clock::now() - began).count());
    } catch (const std::exception& wrong) {
      error = wrong.what();
      log::error("{} cannot be loaded: {}", id, error);
    }
    lock.lock();
    entry.owned = std::move(engine);
    entry.engine = entry.owned.get();
    if (entry.engine) entry.memory_bytes = entry.engine->model().weight_bytes + entry.engine->stats().cache_bytes;
  } else {
    error = "the server stops";
  }
  entry.state = entry.engine ? ModelState::loaded : ModelState::unloaded;
  auto pending = std::exchange(entry.pending, nullptr);
  entry.used = Clock::now();
  auto held = entry.engine ? lease(entry, Purpose::look) : nullptr;
  lock.unlock();
  pending->finish(std::move(held), std::move(error));
  pending.reset();  // perhaps nobody waits any more, and the lease with it ends here
  lock.lock();
}

}  // namespace troika::server
