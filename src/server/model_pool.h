// Which models are loaded. One is loaded when it is asked for, once for all who ask meanwhile, and unloaded when nobody
// uses it and another one needs the room, or after a while without use. Nothing is taken away under a running answer: who
// uses a model holds a lease, and a model that has to go takes no new requests and waits for its leases. Models are
// loaded one after another, in the order in which they were asked for; a thread of the pool's own does it. A name may
// stand for several models (ModelAlias), and a model may be loaded several times (Replicas).
//
// Any thread may call anything.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "server/model_source.h"
#include "server/replicas.h"
#include "server/server.h"

namespace troika::server {

// The right to use a loaded model, for as long as this lives.
class Lease {
 public:
  explicit Lease(ServedModel model, std::function<void()> release) : model_(std::move(model)), release_(std::move(release)) {}
  ~Lease() { release_(); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  const ServedModel& model() const { return model_; }

 private:
  const ServedModel model_;
  const std::function<void()> release_;
};

// A model that is being loaded for somebody.
class PendingLoad {
 public:
  explicit PendingLoad(std::string id) : id(std::move(id)) {}

  const std::string id;
  double share() const { return share_; }  // of its weights that is in place, 0 to 1

  // Calls `wake` once it is loaded or has failed, from any thread; at once, if that is so already.
  void when_done(std::function<void()> wake);

 private:
  friend class ModelPool;
  void finish(std::shared_ptr<const Lease> lease, std::string error);

  std::atomic<double> share_ = 0;

  std::mutex mutex_;  // guards what follows
  bool done_ = false;
  std::shared_ptr<const Lease> lease_;  // keeps it loaded for those who waited, until they have their own
  std::string error_;
  std::vector<std::function<void()>> wakes_;
};

enum class ModelState : uint8_t { unloaded, waiting, loading, loaded, draining };
std::string_view name_of(ModelState state);

// A model as it is now.
struct ModelView {
  OfferedModel offer;                   // of an alias: with its name
  std::vector<std::string> stands_for;  // of an alias: the models; the rest is of the one that a request would get
  std::string model;                    // its own name, also where an alias is looked at
  ModelState state = ModelState::unloaded;
  double share = 0;                     // of its weights that is in place, while it is loaded
  std::shared_ptr<const Lease> lease;   // set while it is loaded: the engines may be looked at
  struct Replica {
    const engine::Engine* engine;
    bool is_passed_over;  // it fails
  };
  std::vector<Replica> replicas;
  std::optional<std::chrono::system_clock::time_point> expires;  // when it is unloaded, if nobody uses it
  uint64_t memory_bytes = 0;           // that it takes or, about, will take

  const engine::Engine* engine() const { return replicas.empty() ? nullptr : replicas.front().engine; }
  engine::EngineStats stats() const;  // of all replicas
};

class ModelPool {
 public:
  using Clock = std::chrono::steady_clock;
  using Seconds = std::chrono::duration<double>;

  // `models` are loaded and stay; `source` has more, or is null. It outlives the pool. Throws Error that says which alias
  // makes no sense.
  ModelPool(std::vector<ServedModel> models, ModelSource* source, const LoadOptions& options,
            std::vector<ModelAlias> aliases = {});
  ~ModelPool();

  // Ends the loading thread: whoever waits is told so. Leases stay good.
  void stop();

  // The models that may answer a request for this name, never none: those of an alias in their order, but for those that
  // are gone or could not be loaded a moment ago, which come last. Throws ApiError (404) for an unknown name. Without a
  // name the first model is meant.
  std::vector<std::string> candidates(const std::optional<std::string>& name);

  // The alias's name, if this is one, with ":latest" behind it or not.
  std::optional<std::string> alias_of(const std::optional<std::string>& name) const;

  // What a request gets of a model (no alias): its lease, or what it has to wait for. `before`: what it waited for
  // already; a load that failed is not tried again for the same request, but throws ApiError (503) that says why. Throws
  // ApiError (404) for an unknown name.
  struct Wish {
    std::optional<Seconds> keep;           // how long the model stays afterwards; negative: until the room is needed
    bool may_shorten = true;               // else `keep` counts only if it is longer than it would stay anyway
    std::optional<uint64_t> conversation;  // see Replicas
  };
  struct Acquired {
    std::shared_ptr<const Lease> lease;
    std::shared_ptr<PendingLoad> pending;
    bool is_failing = false;  // its engine fails step after step, and there is no other
    int replica = 0;          // with `lease`, from 1; 0: it is the only one
  };
  Acquired acquire(const std::string& name, const std::shared_ptr<PendingLoad>& before, const Wish& wish);

  // Without loading anything. Throws ApiError (404).
  ModelView look(const std::optional<std::string>& name);
  std::vector<ModelView> all();
  // Quickly, nobody's disk is read, and without aliases.
  std::vector<ModelView> loaded();
  std::vector<ModelView> being_loaded();

  // Looks again what the source has.
  void refresh();

  // Unloads it as soon as nobody uses it, or once it is loaded. Throws ApiError: 404, or 400 for one that is not ours and
  // for an alias.
  void unload(const std::string& name);

 private:
  struct Entry {
    OfferedModel offer;
    ModelState state = ModelState::unloaded;
    std::unique_ptr<Replicas> replicas;  // null: not loaded
    bool is_lent = false;                // its engine is not ours, and stays
    int users = 0;
    bool is_offered = true;
    bool goes = false;  // to be unloaded, and not for another one's sake
    uint64_t memory_bytes = 0;
    std::optional<Seconds> keep;  // as the last request said; else the pool's
    Clock::time_point used;
    std::optional<Clock::time_point> failed;  // the last time that it was to be loaded
    std::shared_ptr<PendingLoad> pending;
  };

  void check_aliases();
  const ModelAlias* find_alias(std::string_view name) const;
  Entry* chosen_of(const ModelAlias& alias);
  Entry* find(std::string_view name);
  Entry& find_or_refuse(const std::optional<std::string>& name, std::unique_lock<std::mutex>& lock);
  void refresh(std::unique_lock<std::mutex>& lock);
  std::shared_ptr<const Lease> lease_to_use(Entry& entry, Replicas::Place place);
  std::shared_ptr<const Lease> lease_to_look(Entry& entry);  // keeps no model loaded
  void end_use(Entry& entry, size_t replica);
  void end_look(Entry& entry);
  ModelView view(Entry& entry);
  ModelView view(const ModelAlias& alias);
  void run(const std::stop_token& stop);
  void load(Entry& entry, std::unique_lock<std::mutex>& lock, const std::stop_token& stop);
  bool make_room(const Entry& entry, std::unique_lock<std::mutex>& lock, const std::stop_token& stop);
  std::string load_replicas(Entry& entry, std::unique_lock<std::mutex>& lock, const std::stop_token& stop);
  void empty(Entry& entry, std::unique_lock<std::mutex>& lock);
  Entry* next_to_go(const Entry& coming);
  static bool stays(const Entry& entry) { return entry.is_lent || (entry.offer.pinned && !entry.goes); }
  void stay(Entry& entry, std::unique_lock<std::mutex>& lock);
  void make_good(const Entry& loaded, std::unique_lock<std::mutex>& lock);
  std::optional<Clock::time_point> expiry_of(const Entry& entry) const;
  Entry* due();
  uint64_t memory_in_use() const;

  ModelSource* source_;
  const LoadOptions options_;
  const std::vector<ModelAlias> aliases_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  std::list<Entry> entries_;  // in order; an entry stays where it is
  std::deque<Entry*> queue_;  // to be loaded
  std::jthread thread_;
};

}  // namespace troika::server
