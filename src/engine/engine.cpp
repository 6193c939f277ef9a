// The engine's thread: takes requests and cancellations from a queue, asks the scheduler for work, runs the step,
// samples, and tells each request's sink. Only the queue is shared with other threads.
#include "engine/engine.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <limits>
#include <mutex>
#include <thread>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "base/log.h"
#include "engine/cache_plan.h"
#include "engine/cache_room.h"
#include "engine/constraint.h"
#include "engine/devices.h"
#include "engine/fingerprint.h"
#include "engine/image_words.h"
#include "engine/lane_trips.h"
#include "engine/model.h"
#include "engine/model_info.h"
#include "engine/picture_memory.h"
#include "engine/request_checks.h"
#include "engine/running.h"
#include "engine/sampler.h"
#include "engine/scheduler.h"
#include "engine/spill.h"
#include "engine/step.h"
#include "models/slices.h"
#include "power/governor.h"

namespace troika::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kMaxSequences = kMaxOutputs;
constexpr size_t kMaxSlices = 32;  // each keeps compiled tapes
constexpr std::chrono::milliseconds kMostSettling(500);  // between two steps
constexpr int kLeastPromptRows = 32;  // of a prompt in a step: fewer would read the weights for too little
constexpr int kSpillShare = 20;       // of a step's time goes to the disk
constexpr std::chrono::seconds kMostParting(3);  // in which the rest is written when the engine ends
constexpr double kNewest = 0.3;       // weight of the last step among those before

double seconds(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

class LocalEngine final : public Engine {
 public:
  LocalEngine(const std::filesystem::path& path, const EngineOptions& options, const LoadProgress& progress);
  ~LocalEngine() override;

  const ModelInfo& model() const override { return info_; }
  const TextModel& text() const override { return text_; }
  const Eyes* eyes() const override { return eyes_.get(); }
  uint64_t submit(Request request, EventSink sink) override;
  void cancel(uint64_t id) override;
  EngineStats stats() const override;

 private:
  void open_eyes(const EngineOptions& options, const vision::HashKey& key);
  void share_out_cache(const EngineOptions& options);
  std::unique_ptr<PageStore> open_store() const;
  std::vector<KvPages> pools() const;
  int slice_number(std::string_view slice);
  void loop(const std::stop_token& stop);
  bool take_commands(const std::stop_token& stop);
  void obey_limits();
  void rest(const std::stop_token& stop, Clock::duration work);
  void run_step();
  bool go_on_without(const device::DeviceLost& lost);
  void open_anew();
  void open_lane();
  void tend_lane();
  void lose_lane(const std::string& why);
  void share_cpu();
  void limit_threads();
  void pace(int rows, double step_s);
  void prepare_masks(std::span<const Work> work);
  void settle(const std::stop_token& stop, Clock::duration most);
  bool settle_devices();
  void spill(Clock::duration step);
  uint64_t next_to_see();
  void see();
  void deliver(Running& running, const Work& work, int first, int row);
  void emit(Running& running, int row);
  int32_t next_token(Running& running, int row);
  void tell_logprobs(const Running& running, int row, Event& event);
  void reserve(Sequence& sequence, const Request& request) const;
  void finish(uint64_t id, Event event);
  void count_end(const Running& running, Finish finish);
  void fail_batch(std::span<const Work> work, const std::string& why);
  void publish();

  const std::filesystem::path path_;
  EngineOptions options_;
  Model model_;
  TextModel text_;
  ModelInfo info_;
  std::vector<int> pages_;  // by page group
  std::vector<size_t> page_bytes_;
  int drawable_ = 0;  // ids that may be drawn: the tokenizer's, where it is shorter than the head
  int step_tokens_ = 0;
  double row_s_ = 0;  // that a row of a prompt takes
  power::Limits limits_;
  double cpu_share_ = 1;  // of the threads, beside the lane for prompts
  std::unique_ptr<Eyes> eyes_;
  PictureMemory seen_;
  std::vector<uint64_t> to_see_;  // requests whose pictures have no features yet
  std::unique_ptr<Step> step_;
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<Spill> spill_;  // null: nothing goes to disk
  bool is_stalled_ = false;  // whoever runs waits for the lane for prompts
  std::unordered_map<uint64_t, std::unique_ptr<Running>> running_;
  EngineStats counters_;  // of the engine's thread

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable_any wake_;
  std::vector<std::unique_ptr<Running>> submitted_;
  std::vector<uint64_t> cancelled_;
  std::vector<models::ModelSpec> slices_;  // by number; 0: the engine's own
  uint64_t next_id_ = 1;
  EngineStats published_;

  std::unique_ptr<LaneTrips> lane_;  // wakes the engine's thread; null: there is no lane for prompts
  std::jthread thread_;  // last: starts when everything else stands, ends first
};

LocalEngine::LocalEngine(const std::filesystem::path& path, const EngineOptions& options, const LoadProgress& progress)
    : path_(path),
      options_(options),
      model_(load_model(path, lanes_of(options).main, progress)),
      seen_(options.image_cache_bytes) {
  info_ = model_info(model_, options);
  counters_.device = info_.device;
  if (has_tokenizer(*model_.file)) text_ = TextModel::load(*model_.file);
  drawable_ = model_.spec.vocabulary;
  if (text_.tokenizer) drawable_ = std::min(drawable_, text_.tokenizer->vocab_size());

  step_tokens_ = std::clamp(options.batch_tokens, 1, kMostTokens);
  share_out_cache(options);
  step_ = std::make_unique<Step>(model_, kMaxSequences, info_.context_length, pages_, drawable_);
  if (!options.prefill_device.empty()) open_lane();
  share_cpu();
  std::unique_ptr<PageStore> store;
  if (options.spill_bytes > 0) store = open_store();
  const vision::HashKey secret = store ? store->secret() : vision::random_key();
  open_eyes(options, secret);
  scheduler_ = std::make_unique<Scheduler>(
      SchedulerLimits{.tokens = step_tokens_,
                      .outputs = kMaxOutputs,
                      .sequences = kMaxSequences,
                      .copies = step_->can_copy_pages()},
      pools(), secret);
  if (store && step_->can_copy_pages())
    spill_ = std::make_unique<Spill>(std::move(store), scheduler_->cache(), *step_, page_bytes_);
  scheduler_->swap_with(spill_.get());
  if (lane_) scheduler_->use_lane(options.prefill_from);

  slices_.push_back(model_.slice);
  publish();
  thread_ = std::jthread([this](const std::stop_token& stop) { loop(stop); });
}

// Without it everything works as well, but for the first words after a restart.
std::unique_ptr<PageStore> LocalEngine::open_store() const {
  const std::filesystem::path& folder = options_.spill_folder;
  auto store = PageStore::open(folder, options_.spill_bytes, fingerprint(model_, options_), page_bytes_);
  if (!store) log::warn("another process keeps this model's cache in {}; nothing is kept on disk", folder.string());
  return store;
}

void LocalEngine::open_eyes(const EngineOptions& options, const vision::HashKey& key) {
  info_.why_blind = model_.why_blind;
  if (!model_.tower) return;
  EyesOptions eyes{.tokens = read_image_tokens(*model_.file, model_.spec, text_.tokenizer.get()),
                   .most_pixels = options.image_pixels,
                   .pan_and_scan = options.pan_and_scan,
                   .key = key};
  if (eyes.tokens.image < 0) {
    info_.why_blind = fmt::format("{} does not say which token stands for a picture", model_.file->path().string());
    return;
  }
  eyes_ = std::make_unique<Eyes>(model_.spec, model_.tower->spec(), text_, eyes);
}

void LocalEngine::share_out_cache(const EngineOptions& options) {
  const Tape tape = trace_bucket(model_, 1);
  const ops::Program& program = tape.program;
  for (size_t g = 0; g < program.windows.size(); ++g) {
    page_bytes_.push_back(page_bytes(program, static_cast<int>(g), model_.kv_format));
  }
  info_.model_context_length = model_.spec.context;
  if (options.context > model_.spec.context) {
    log::warn("a context of {} tokens is more than the {} that the model was made for", options.context,
              model_.spec.context);
  }
  const size_t available = room_for_caches(model_, tape);
  CachePlan plan = plan_cache({.windows = program.windows,
                               .page_bytes = page_bytes_,
                               .model_context = model_.spec.context,
                               .context = options.context,
                               .bytes = options.kv_bytes,
                               .available = available,
                               .sequences = kMaxSequences,
                               .step_tokens = step_tokens_});
  if (plan.bytes > available) {
    fail("a context of {} tokens needs {} MiB of cache, but only {} MiB of memory are free; use a smaller --ctx",
         plan.context, plan.bytes >> 20, available >> 20);
  }
  pages_ = plan.pages;
  info_.context_length = plan.context;
  counters_.cache_bytes = plan.bytes;
  counters_.page_tokens = ops::kPageTokens;
}

// Without a device that only the lane has, there is no lane.
void LocalEngine::open_lane() {
  if (!step_->can_copy_pages()) {
    fail("--prefill-device {}: the host does not see the cache on {} and cannot hand pages over; leave it out",
         options_.prefill_device, info_.device);
  }
  const MainLane main{model_, info_.context_length, counters_.cache_bytes};
  const auto has_arrived = [this] {
    { std::lock_guard lock(mutex_); }  // who is about to wait sees it
    wake_.notify_all();
  };
  try {
    auto lane = std::make_unique<PrefillLane>(path_, lanes_of(options_), main, has_arrived);
    lane_ = std::make_unique<LaneTrips>(std::move(lane), model_);
  } catch (const device::DeviceAbsent& absent) {
    log::warn("{}; prompts are read by {}", absent.what(), info_.device);
    options_.prefill_device.clear();
  }
}

std::vector<KvPages> LocalEngine::pools() const {
  std::vector<KvPages> pools;
  std::vector<int> windows = trace_bucket(model_, 1).program.windows;
  for (size_t g = 0; g < pages_.size(); ++g) pools.emplace_back(pages_[g], windows[g]);
  return pools;
}

LocalEngine::~LocalEngine() {
  thread_.request_stop();
  wake_.notify_all();
}

// Requests for the same slice share a number, however they spell it.
int LocalEngine::slice_number(std::string_view slice) {
  if (slice.empty()) return 0;
  models::ModelSpec wanted = slice_of(model_, slice);
  std::lock_guard lock(mutex_);
  auto known = std::find_if(slices_.begin(), slices_.end(), [&](auto& s) { return models::same_slice(s, wanted); });
  if (known == slices_.end()) {
    if (slices_.size() >= kMaxSlices) fail("{} slices of this model are in use, and no more can be", kMaxSlices);
    known = slices_.insert(known, std::move(wanted));
  }
  return static_cast<int>(known - slices_.begin());
}

uint64_t LocalEngine::submit(Request request, EventSink sink) {
  check_request(request, {.info = info_,
                          .has_tokenizer = text_.tokenizer != nullptr,
                          .sees = eyes_ != nullptr,
                          .longest_run = model_.spec.image_runs ? step_tokens_ : 0});
  int slice = slice_number(request.slice);
  auto running = std::make_unique<Running>(std::move(request), std::move(sink), drawable_);
  running->sequence.slice = slice;
  if (running->request.thinking) running->thinking.emplace(*running->request.thinking, *text_.tokenizer);
  uint64_t id;
  {
    std::lock_guard lock(mutex_);
    id = running->sequence.id = next_id_++;
    submitted_.push_back(std::move(running));
    published_.waiting += !submitted_.back()->sequence.further;
  }
  wake_.notify_all();
  return id;
}

void LocalEngine::cancel(uint64_t id) {
  {
    std::lock_guard lock(mutex_);
    cancelled_.push_back(id);
  }
  wake_.notify_all();
}

EngineStats LocalEngine::stats() const {
  std::lock_guard lock(mutex_);
  return published_;
}

void LocalEngine::publish() {
  counters_.running = scheduler_->running();
  counters_.waiting = scheduler_->waiting();
  for (const uint64_t id : to_see_) counters_.waiting += !running_.at(id)->sequence.further;
  counters_.pages_total = counters_.pages_free = 0;
  counters_.cache_bytes_used = 0;
  for (int g = 0; g < scheduler_->groups(); ++g) {
    int total = scheduler_->pages_total(g), free = scheduler_->pages_free(g);
    counters_.pages_total += total;
    counters_.pages_free += free;
    counters_.cache_bytes_used += (total - free) * page_bytes_[g];
  }
  counters_.preemptions = scheduler_->preemptions();
  if (spill_) {
    counters_.spilled_bytes = spill_->bytes();
    counters_.restored_tokens = spill_->restored_tokens();
  }
  std::lock_guard lock(mutex_);
  published_ = counters_;
  for (const auto& running : submitted_) published_.waiting += !running->sequence.further;
}

// Takes what other threads queued; sleeps while there is nothing to do. False when the engine ends.
bool LocalEngine::take_commands(const std::stop_token& stop) {
  std::vector<std::unique_ptr<Running>> submitted;
  std::vector<uint64_t> cancelled;
  {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, stop, [&] {
      const bool is_waiting = is_stalled_ && to_see_.empty() && lane_ && lane_->is_computing();
      return !submitted_.empty() || !cancelled_.empty() || (!running_.empty() && !is_waiting) || !counters_.settled ||
             (spill_ && spill_->has_work());
    });
    submitted.swap(submitted_);
    cancelled.swap(cancelled_);
    while (step_->slices() < slices_.size()) step_->add_slice(slices_[step_->slices()]);
  }
  for (auto& running : submitted) {
    reserve(running->sequence, running->request);
    if (seen_.recalls(*running)) {
      scheduler_->add(&running->sequence);
    } else {
      scheduler_->welcome(running->request.owner);
      to_see_.push_back(running->sequence.id);
    }
    running_.emplace(running->sequence.id, std::move(running));
  }
  for (uint64_t id : cancelled) finish(id, {.finish = Finish::cancelled});
  return !stop.stop_requested();
}

// Room for all that the sequence may become, so that no step allocates.
void LocalEngine::reserve(Sequence& sequence, const Request& request) const {
  size_t most = info_.context_length;
  if (request.max_tokens > 0) most = std::min(most, request.prompt.size() + request.max_tokens);
  sequence.tokens.reserve(most);
  if (!request.images.empty()) {
    if (model_.spec.image_runs) sequence.runs = image_runs(request.images);
    if (!model_.spec.rope->axis.empty()) {
      sequence.rope = rope_positions(static_cast<int>(request.prompt.size()), request.images);
      sequence.rope_shift = rope_shift(sequence.rope);
    }
  }
  const bool may_leave = request.images.empty() && sequence.slice == 0 && !sequence.all_outputs;
  if (may_leave) sequence.lane_tokens = static_cast<int>(request.prompt.size() - 1) / ops::kPageTokens * ops::kPageTokens;
  sequence.pages.resize(pages_.size());
  for (PageList& pages : sequence.pages) pages.reserve(most / ops::kPageTokens + 1);
}

void LocalEngine::loop(const std::stop_token& stop) {
  while (take_commands(stop)) {
    auto begin = Clock::now();
    try {
      obey_limits();
      tend_lane();
      run_step();
      see();
      const Clock::duration work = Clock::now() - begin;
      settle(stop, work);
      if (spill_) spill(work);
      rest(stop, work);
    } catch (const std::exception& error) {
      log::error("the engine failed, and with it all that ran: {}", error.what());
      while (!running_.empty()) finish(running_.begin()->first, {.finish = Finish::failed, .error = error.what()});
    }
    publish();
  }
  take_commands(stop);  // what came behind the last look, before the stop
  while (!running_.empty()) finish(running_.begin()->first, {.finish = Finish::cancelled});
  const auto end = Clock::now() + kMostParting;
  while (spill_ && spill_->store() && Clock::now() < end) {}
}

void LocalEngine::obey_limits() {
  if (!options_.power) return;
  limits_ = options_.power->limits();
  scheduler_->limit_prompts(limits_.prompt_rows);
  limit_threads();
}

// Where the CPU computes on both lanes, each has its part. The one for prompts asks for the limits itself.
void LocalEngine::share_cpu() {
  cpu_share_ = lanes_of(options_).cpu_share;
  limit_threads();
}

void LocalEngine::limit_threads() {
  for (const auto& device : model_.devices) device->limit_threads(limits_.threads * cpu_share_);
  if (lane_) lane_->share_cpu(cpu_share_);
}

// So that work takes no larger share of the time than it may. Whoever waits for a step waits for this too.
void LocalEngine::rest(const std::stop_token& stop, Clock::duration work) {
  if (limits_.share == 1 || running_.empty()) return;
  const auto begin = Clock::now();
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, stop, work * (1 / limits_.share - 1), [] { return false; });
  counters_.rested_s += seconds(begin, Clock::now());
}

// What loading put off, in parts: for as long as the step took that it keeps waiting, and while nobody is here.
void LocalEngine::settle(const std::stop_token& stop, Clock::duration most) {
  auto end = Clock::now() + std::min<Clock::duration>(most, kMostSettling);
  try {
    do {
      if (counters_.settled || stop.stop_requested()) return;
      counters_.settled = !settle_devices();
    } while (Clock::now() < end);
  } catch (const std::exception& error) {
    log::warn("weights stay where the file is mapped, which is slower: {}", error.what());
    counters_.settled = true;
  }
}

// False: nothing is left on any device.
bool LocalEngine::settle_devices() {
  return std::ranges::any_of(model_.devices, [](const auto& device) { return device->settle(); });
}

// Writes pages to disk: for a small part of the time that the step took, or one a turn while nobody is here.
void LocalEngine::spill(Clock::duration step) {
  const auto end = Clock::now() + step / kSpillShare;
  while (spill_->store() && Clock::now() < end) {}
}

void LocalEngine::run_step() {
  const std::vector<Work>& work = scheduler_->next();
  for (const PageCopy& copy : scheduler_->copies()) step_->copy_page(copy);
  is_stalled_ = work.empty() && !scheduler_->is_restoring();
  if (work.empty()) return;
  auto now = Clock::now();
  for (const Work& w : work) {
    Running& running = *running_.at(w.sequence->id);
    if (running.started == Clock::time_point{}) running.started = now;
  }
  int rows = 0;
  for (const Work& w : work) rows += w.count;
  try {
    step_->prepare(work);
    now = Clock::now();  // what is compiled once says nothing of steps to come
    step_->run(work, [this, &work] { prepare_masks(work); });
  } catch (const device::DeviceLost& error) {
    if (!go_on_without(error)) fail_batch(work, error.what());
    return;
  } catch (const std::exception& error) {
    log::error("a step failed: {}", error.what());
    ++counters_.failed_steps;
    return fail_batch(work, error.what());
  }
  counters_.failed_steps = 0;
  ++counters_.steps;
  counters_.step_rows.add(rows);
  const double step_s = seconds(now, Clock::now());
  counters_.step_seconds.add(step_s);
  counters_.busy_s += step_s;
  pace(rows, step_s / limits_.share);
  int row = 0;
  for (const Work& w : work) {
    uint64_t id = w.sequence->id;
    int first_row = row;
    row += w.outputs;
    int first = w.sequence->computed + w.first_output;
    w.advance();
    try {
      deliver(*running_.at(id), w, first, first_row);
    } catch (const device::DeviceLost& error) {  // while it brought a row
      if (!go_on_without(error)) throw;
      return;
    } catch (const std::exception& error) {
      log::error("a request failed: {}", error.what());
      finish(id, {.finish = Finish::failed, .error = error.what()});
    }
  }
}

// All that runs starts over on the devices that are left or, if these cannot take it, on the CPU, with what it generated so
// far; nobody is told. False: the CPU cannot take it either.
bool LocalEngine::go_on_without(const device::DeviceLost& lost) {
  const std::string name = model_.device_names[size_t(lost.device)];
  options_.device = list_without(model_.device_names, lost.device);
  options_.place = plan::without_device(options_.place, name);
  log::error("{}; going on without {}, on {}, which takes a moment", lost.what(), name, options_.device);
  for (;;) {
    try {
      open_anew();
      break;
    } catch (const std::exception& error) {
      log::error("{} cannot go on: {}", options_.device, error.what());
      if (options_.device == "cpu") return false;
      options_.device = "cpu";
      options_.place.clear();
      log::error("going on on the CPU alone");
    }
  }
  share_cpu();
  counters_.device = device_text(model_);
  counters_.lost_device += (counters_.lost_device.empty() ? "" : ", ") + name;
  counters_.settled = false;
  return true;
}

// Loads the model on the devices of the options and starts over. When it throws, everything is as it was.
void LocalEngine::open_anew() {
  Model fresh = load_model(path_, lanes_of(options_).main);
  const auto exchange = [&] {  // the rest are numbers, which others read and which are the same
    std::swap(model_.weights, fresh.weights);
    std::swap(model_.tower, fresh.tower);
    std::swap(model_.device_names, fresh.device_names);
    std::swap(model_.pins, fresh.pins);
    std::swap(model_.devices, fresh.devices);
    std::swap(model_.file, fresh.file);
  };
  exchange();
  std::unique_ptr<Step> step;
  try {
    step = std::make_unique<Step>(model_, kMaxSequences, info_.context_length, pages_, drawable_);
  } catch (...) {
    exchange();
    throw;
  }
  for (auto& [id, running] : running_) running->seeing.reset();
  scheduler_->swap_with(nullptr);
  spill_.reset();  // what it kept was computed in another way
  step_ = std::move(step);
  scheduler_->start_over(PrefixCache(pools(), vision::random_key()));
}

void LocalEngine::tend_lane() {
  if (!lane_) return;
  const auto begins = [this](const Sequence& sequence) {
    Running& running = *running_.at(sequence.id);
    if (running.started == Clock::time_point{}) running.started = Clock::now();
  };
  if (!lane_->tend(*scheduler_, *step_, begins)) return lose_lane(lane_->error());
  counters_.lane_prompts = lane_->counts().prompts;
  counters_.lane_tokens = lane_->counts().tokens;
  counters_.lane_computed_tokens = lane_->counts().computed_tokens;
  counters_.lane_busy_s = lane_->counts().busy_s;
}

void LocalEngine::lose_lane(const std::string& why) {
  log::error("{}; prompts are computed by {} from now on", why, counters_.device);
  options_.prefill_device.clear();
  scheduler_->leave_lane();
  lane_.reset();
  share_cpu();
  counters_.lane_lost = true;
}

// Cuts the prompts of steps to come by what the last ones took.
void LocalEngine::pace(int rows, double step_s) {
  if (rows < kLeastPromptRows) return;  // mostly the reading of weights
  const double row_s = step_s / rows;
  row_s_ = row_s_ == 0 ? row_s : (1 - kNewest) * row_s_ + kNewest * row_s;
  const double most = std::clamp(options_.gap_s / row_s_, double(kLeastPromptRows), double(step_tokens_));
  scheduler_->limit_prompts_beside(static_cast<int>(most));
}

// Finds the tokens that grammars allow next, while the device computes the logits.
void LocalEngine::prepare_masks(std::span<const Work> work) {
  for (const Work& w : work) {
    if (w.outputs == 0) continue;
    if (auto& constraint = running_.at(w.sequence->id)->constraint) constraint->prepare();
  }
}

// The one whose picture is looked at now; else by priority, the owner who was served least, and in order.
uint64_t LocalEngine::next_to_see() {
  const auto rank = [this](uint64_t id) {
    const Running& running = *running_.at(id);
    return std::tuple(running.seeing == nullptr, running.request.priority, scheduler_->served(running.request.owner), id);
  };
  return *std::ranges::min_element(to_see_, {}, rank);
}

// Goes on for one stretch with the pictures of a request; others generate in between.
void LocalEngine::see() {
  if (to_see_.empty()) return;
  const uint64_t id = next_to_see();
  Running& running = *running_.at(id);
  try {
    if (running.started == Clock::time_point{}) running.started = Clock::now();
    const PictureMemory::Looked looked = seen_.look(running, *model_.tower, *eyes_);
    counters_.busy_s += looked.busy_s;
    if (looked.tokens > 0) {
      scheduler_->charge(running.request.owner, looked.tokens);
      ++counters_.pictures;
    }
    if (!looked.has_all) return;
    std::erase(to_see_, id);
    scheduler_->add(&running.sequence);
  } catch (const device::DeviceLost& error) {
    if (!go_on_without(error)) finish(id, {.finish = Finish::failed, .error = error.what()});
  } catch (const std::exception& error) {
    log::error("a picture could not be read: {}", error.what());
    finish(id, {.finish = Finish::failed, .error = error.what()});
  }
}

// Hands out what the step computed for one sequence: logits and states of prompt positions, the next token.
void LocalEngine::deliver(Running& running, const Work& work, int first, int row) {
  for (int i = 0; i < work.outputs; ++i) {
    int position = first + i;
    const Request& request = running.request;
    if (!request.wants_prompt() || position >= running.prompt_tokens()) break;
    if (position < running.scored) continue;
    running.scored = position + 1;
    if (request.prompt_logits) request.prompt_logits(position, step_->logits(row + i));
    if (request.prompt_states) request.prompt_states(position, step_->states(row + i));
  }
  if (running.sequence.outstanding() == 0) emit(running, row + work.outputs - 1);
}

// Drawn, unless the end of the reasoning is due.
int32_t LocalEngine::next_token(Running& running, int row) {
  auto forced = running.thinking ? running.thinking->forced() : std::nullopt;
  const grammar::TokenMask* allowed = running.constraint && !forced ? &running.constraint->allowed() : nullptr;
  if (forced) {
    if (running.request.logprobs) step_->logits(row);  // now: nothing is lost yet if the device is
    running.sampler.remember(*forced);
  }
  std::optional<int32_t> token = forced;
  const device::TopLogits* top = step_->top(row);
  if (!token && top) token = running.sampler.pick(*top, allowed);
  if (!token) token = running.sampler.pick(step_->logits(row), allowed);
  if (running.thinking) running.thinking->append(*token);
  return *token;
}

void LocalEngine::tell_logprobs(const Running& running, int row, Event& event) {
  const int count = running.request.top_logprobs;
  const device::TopLogits* top = step_->top(row);
  if (auto known = top ? logprobs_of(*top, event.token, count) : std::nullopt) {
    event.logprob = known->own;
    event.top = std::move(known->top);
    return;
  }
  Logprobs logprobs(step_->logits(row));
  event.logprob = logprobs.of(event.token);
  event.top = logprobs.top(count);
}

// Draws the next token of a sequence whose text is computed, and ends the request where it ends.
void LocalEngine::emit(Running& running, int row) {
  uint64_t id = running.sequence.id;
  const Request& request = running.request;
  const auto now = Clock::now();
  const bool draws = request.max_tokens > 0 || !request.wants_prompt();
  const int32_t token = draws ? next_token(running, row) : -1;  // first: if the device is lost here, all this comes again
  if (running.generated == 0) {
    running.first_token = now;
    running.sequence.all_outputs = false;
    counters_.prompt_tokens += running.prompt_tokens();
    counters_.cached_tokens += running.reused_tokens();
    counters_.first_token_seconds.add(seconds(running.submitted, now));
    if (!draws) return finish(id, {.finish = Finish::length});
  }
  if (running.generated > 0) counters_.gap_seconds.add(seconds(running.last_token, now));
  running.last_token = now;
  const std::vector<int32_t>* ends = text_.tokenizer ? &text_.tokenizer->data().end_ids : nullptr;
  if (request.stop_at_end_tokens && ends && std::find(ends->begin(), ends->end(), token) != ends->end()) {
    return finish(id, {.finish = Finish::stop});
  }
  if (running.constraint) running.constraint->accept(token);
  ++running.generated;
  running.sequence.wanted = running.wanted();
  ++counters_.generated_tokens;
  running.sequence.tokens.push_back(token);

  Event event{.token = token, .timings = {.reused_tokens = running.reused_tokens()}};
  if (request.logprobs) tell_logprobs(running, row, event);
  if (running.constraint && running.constraint->complete()) {  // whole, be it with the last token there was room for
    event.finish = Finish::stop;
    return finish(id, std::move(event));
  }
  bool full = static_cast<int>(running.sequence.tokens.size()) >= info_.context_length;
  if (full || running.generated == request.max_tokens) {
    event.finish = Finish::length;
    return finish(id, std::move(event));
  }
  running.sink(event);
}

void LocalEngine::finish(uint64_t id, Event event) {
  auto found = running_.find(id);
  if (found == running_.end()) return;
  std::unique_ptr<Running> running = std::move(found->second);
  running_.erase(found);
  std::erase(to_see_, id);
  Timings& t = event.timings;
  t.reused_tokens = running->reused_tokens();
  scheduler_->remove(&running->sequence,
                     event.finish == Finish::failed ? Scheduler::Cache::discard : Scheduler::Cache::keep);
  Clock::time_point never{};
  t.prompt_tokens = running->prompt_tokens();
  t.generated_tokens = running->generated;
  if (running->started != never) t.queued_s = seconds(running->submitted, running->started);
  count_end(*running, event.finish);
  if (running->first_token != never) t.prompt_s = seconds(running->started, running->first_token);
  if (running->last_token != never) t.generate_s = seconds(running->first_token, running->last_token);
  publish();
  running->sink(event);
}

void LocalEngine::count_end(const Running& running, Finish finish) {
  switch (finish) {
    case Finish::none:
      break;
    case Finish::stop:
      ++counters_.stopped;
      break;
    case Finish::length:
      ++counters_.limited;
      break;
    case Finish::cancelled:
      ++counters_.cancelled;
      break;
    case Finish::failed:
      ++counters_.failed;
      break;
  }
  counters_.request_seconds.add(seconds(running.submitted, Clock::now()));
  if (running.started != Clock::time_point{}) {
    counters_.queued_seconds.add(seconds(running.submitted, running.started));
  }
}

void LocalEngine::fail_batch(std::span<const Work> work, const std::string& why) {
  std::vector<uint64_t> ids;
  for (const Work& w : work) ids.push_back(w.sequence->id);
  for (uint64_t id : ids) finish(id, {.finish = Finish::failed, .error = why});
}

}  // namespace

const Eyes& eyes_of(const Engine& engine) {
  if (!engine.eyes()) fail("{}", engine.model().why_blind.empty() ? "this model reads text only" : engine.model().why_blind);
  return *engine.eyes();
}

std::unique_ptr<Engine> Engine::load(const std::filesystem::path& path, const EngineOptions& options,
                                     const LoadProgress& progress) {
  return std::make_unique<LocalEngine>(path, options, progress);
}

}  // namespace troika::engine
