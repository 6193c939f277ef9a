// Which models are loaded. One is loaded when it is asked for, once for all who ask meanwhile, and unloaded when nobody
// uses it and another one needs the room, or after a while without use. Nothing is taken away under a running answer: who
// uses a model holds a lease, and a model that has to go takes no new requests and waits for its leases. Models are
// loaded one after another, in the order in which they were asked for; a thread of the pool's own does it.
//
// Any thread may call anything.
#pragma once

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
  // Calls `wake` once it is loaded or has failed, from any thread; at once, if that is so already.
  void when_done(std::function<void()> wake);

 private:
  friend class ModelPool;
  void finish(std::shared_ptr<const Lease> lease, std::string error);

  std::mutex mutex_;
  bool done_ = false;
  std::shared_ptr<const Lease> lease_;  // keeps it loaded for those who waited, until they have their own
  std::string error_;
  std::vector<std::function<void()>> wakes_;
};

enum class ModelState : uint8_t { unloaded, waiting, loading, loaded, draining };
std::string_view name_of(ModelState state);

// A model as it is now.
struct ModelView {
  OfferedModel offer;
  ModelState state = ModelState::unloaded;
  std::shared_ptr<const Lease> lease;  // set while it is loaded: the engine may be looked at
  std::optional<std::chrono::system_clock::time_point> expires;  // when it is unloaded, if nobody uses it
  uint64_t memory_bytes = 0;           // that it takes or, about, will take

  const engine::Engine* engine() const { return lease ? lease->model().engine : nullptr; }
};

class ModelPool {
 public:
  using Clock = std::chrono::steady_clock;
  using Seconds = std::chrono::duration<double>;

  // `models` are loaded and stay; `source` has more, or is null. It outlives the pool.
  ModelPool(std::vector<ServedModel> models, ModelSource* source, const LoadOptions& options);
  ~ModelPool();

  // Ends the loading thread: whoever waits is told so. Leases stay good.
  void stop();

  // What a request gets: its lease, or what it has to wait for. `before`: what it waited for already; a load that failed
  // is not tried again for the same request, but throws ApiError (503) that says why. Throws ApiError (404) for an
  // unknown name. Without a name the first model is meant. `keep`: how long the model stays after this request; negative:
  // until the room is needed.
  struct Acquired {
    std::shared_ptr<const Lease> lease;
    std::shared_ptr<PendingLoad> pending;
  };
  Acquired acquire(const std::optional<std::string>& name, const std::shared_ptr<PendingLoad>& before,
                   std::optional<Seconds> keep = std::nullopt);

  // Without loading anything. Throws ApiError (404).
  ModelView look(const std::optional<std::string>& name);
  std::vector<ModelView> all();
  std::vector<ModelView> loaded();  // quickly: nobody's disk is read

  // Looks again what the source has.
  void refresh();

  // Unloads it as soon as nobody uses it. Throws ApiError: 404, or 400 for one that stays.
  void unload(const std::string& name);

 private:
  struct Entry {
    OfferedModel offer;
    ModelState state = ModelState::unloaded;
    std::unique_ptr<engine::Engine> owned;
    engine::Engine* engine = nullptr;
    int users = 0;
    bool is_offered = true;
    bool goes = false;  // to be unloaded, and not for another one's sake
    uint64_t memory_bytes = 0;
    std::optional<Seconds> keep;  // as the last request said; else the pool's
    Clock::time_point used;
    std::shared_ptr<PendingLoad> pending;
  };

  Entry* find(std::string_view name);
  Entry& find_or_refuse(const std::optional<std::string>& name, std::unique_lock<std::mutex>& lock);
  void refresh(std::unique_lock<std::mutex>& lock);
  enum class Purpose { use, look };  // to be looked at keeps no model loaded
  std::shared_ptr<const Lease> lease(Entry& entry, Purpose purpose);
  void release(Entry& entry, Purpose purpose);
  ModelView view(Entry& entry);
  void run(const std::stop_token& stop);
  void load(Entry& entry, std::unique_lock<std::mutex>& lock, const std::stop_token& stop);
  bool make_room(const Entry& entry, std::unique_lock<std::mutex>& lock, const std::stop_token& stop);
  void empty(Entry& entry, std::unique_lock<std::mutex>& lock);
  Entry* next_to_go();
  std::optional<Clock::time_point> expiry_of(const Entry& entry) const;
  Entry* due();
  uint64_t memory_in_use() const;

  ModelSource* source_;
  const LoadOptions options_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  std::list<Entry> entries_;  // in order; an entry stays where it is
  std::deque<Entry*> queue_;  // to be loaded
  std::jthread thread_;
};

}  // namespace troika::server
