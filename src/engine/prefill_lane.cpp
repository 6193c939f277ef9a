#include "engine/prefill_lane.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "base/platform.h"
#include "engine/devices.h"
#include "power/governor.h"

namespace troika::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int P = ops::kPageTokens;

int step_tokens(const EngineOptions& options) {
  return std::clamp(options.batch_tokens, 1, kMostTokens);
}

// Of the cache for one prompt.
std::vector<int> pages_for(const PageCarrier& carrier, int context, int step) {
  std::vector<int> pages;
  for (int window : carrier.windows()) pages.push_back(KvPages(0, window).pages_for(context, step));
  return pages;
}

size_t cache_bytes(const PageCarrier& carrier, std::span<const int> pages) {
  size_t bytes = 0;
  for (size_t g = 0; g < pages.size(); ++g) bytes += size_t(pages[g]) * carrier.page_bytes()[g];
  return bytes;
}

Model load(const std::filesystem::path& path, const EngineOptions& options, const MainLane& lane) {
  const Model& main = lane.model;
  std::vector<std::string> copying = device_list(options.device, "--prefill-device");
  if (options.quantise.empty()) copying.pop_back();  // the CPU reads them where the file is mapped
  const ops::Program whole = models::trace(*main.architecture, main.spec, 1, 1);
  size_t taken = lane.cache_bytes;  // before long
  for (const auto& device : main.devices) taken += device->info().bytes_put_off;
  const size_t available = platform::memory().available_bytes;
  const PageCarrier carrier(main);
  check_lane_room(options.device, {.weights = most_bytes(whole, main.formats, copying),
                                   .cache = cache_bytes(carrier, pages_for(carrier, lane.context, step_tokens(options))),
                                   .free = available - std::min(available, taken)});
  Model model = load_model(path, options);
  if (model.kv_format != main.kv_format) {
    fail("--prefill-device {}: its cache would be {} and the main lane's is {}; say --kv, or leave it out", options.device,
         info(model.kv_format).name, info(main.kv_format).name);
  }
  return model;
}

}  // namespace

Lanes lanes_of(const EngineOptions& options) {
  Lanes lanes{options, options};
  if (options.prefill_device.empty()) return lanes;
  lanes.prefill.device = options.prefill_device;
  lanes.prefill.place.clear();
  lanes.prefill.sees = false;  // pictures are the main lane's
  lanes.prefill.may_lack_devices = false;
  lanes.prefill.repack = false;
  if (device_list(options.device).front() == "vulkan") return lanes;  // little is left to the CPU
  lanes.cpu_share = 0.5;
  lanes.main.pin = lanes.prefill.pin = false;  // both would take the same cores
  return lanes;
}

void check_lane_room(std::string_view devices, const LaneRoom& room) {
  if (room.weights + room.cache <= room.free) return;
  fail("--prefill-device {}: up to {} MB of weights and {} MB of cache are needed once more, but only {} MB of memory are "
       "free; use a smaller quantisation or --ctx, or leave it out", devices, room.weights / 1'000'000, room.cache / 1'000'000,
       room.free / 1'000'000);
}

PrefillLane::PrefillLane(const std::filesystem::path& path, const Lanes& lanes, const MainLane& main,
                         std::function<void()> has_arrived)
    : model_(load(path, lanes.prefill, main)),
      carrier_(model_),
      step_tokens_(step_tokens(lanes.prefill)),
      pages_(pages_for(carrier_, main.context, step_tokens_)),
      step_(model_, 1, main.context, pages_, model_.spec.vocabulary),
      power_(lanes.prefill.power),
      has_arrived_(std::move(has_arrived)),
      cpu_share_(lanes.cpu_share) {
  if (!step_.can_copy_pages()) {
    fail("--prefill-device {}: the host does not see its cache and cannot hand pages over; leave it out",
         lanes.prefill.device);
  }
  size_t weights = 0;
  for (const auto& device : model_.devices) weights += device->info().weight_bytes;
  log::info("prompts are read by {} beside, with {} MB of weights and {} MB of cache of its own", device_text(model_),
            weights / 1'000'000, cache_bytes(carrier_, pages_) / 1'000'000);
  thread_ = std::jthread([this](const std::stop_token& stop) { loop(stop); });
}

PrefillLane::~PrefillLane() { thread_.request_stop(); }

void PrefillLane::send(Trip trip) {
  busy_ = true;
  is_unwanted_ = false;
  {
    std::lock_guard lock(mutex_);
    trip_ = std::move(trip);
    is_here_ = true;
  }
  wake_.notify_all();
}

bool PrefillLane::is_computing() const {
  std::lock_guard lock(mutex_);
  return busy_ && !is_back_;
}

void PrefillLane::turn_back() {
  is_unwanted_ = true;
  wake_.notify_all();  // who rests need not
}

std::optional<PrefillLane::Trip> PrefillLane::take() {
  std::lock_guard lock(mutex_);
  if (!std::exchange(is_back_, false)) return std::nullopt;
  busy_ = false;
  return std::move(trip_);
}

void PrefillLane::loop(const std::stop_token& stop) {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [this] { return is_here_; })) return;
    }
    try {
      compute(stop);
    } catch (const std::exception& error) {
      trip_.error = error.what();
    }
    {
      std::lock_guard lock(mutex_);
      is_here_ = false;
      is_back_ = true;
    }
    has_arrived_();
  }
}

void PrefillLane::compute(const std::stop_token& stop) {
  const auto begin = Clock::now();
  const int end = static_cast<int>(trip_.tokens.size());
  std::vector<KvPages> pools;
  for (size_t g = 0; g < pages_.size(); ++g) pools.emplace_back(pages_[g], carrier_.windows()[g]);
  Sequence text;
  text.tokens = std::move(trip_.tokens);
  text.pages.resize(pools.size());
  text.computed = trip_.known;
  take_pages(text, pools, trip_.known);
  carrier_.write(step_, text.pages, 0, trip_.known, trip_.pages);
  while (text.computed < end && !is_unwanted_ && !stop.stop_requested()) {
    const power::Limits limits = obey_limits();
    const int count = std::min({step_tokens_, limits.prompt_rows, end - text.computed});
    take_pages(text, pools, text.computed + count);
    const Work work{.sequence = &text, .count = count, .first_output = count};
    const auto start = Clock::now();
    step_.run({&work, 1});
    work.advance();
    rest(stop, limits, Clock::now() - start);
  }
  trip_.pages.clear();
  if (text.computed == end) trip_.pages = carrier_.read(step_, text.pages, trip_.known, end);
  trip_.computed = text.computed - trip_.known;
  trip_.busy_s = std::chrono::duration<double>(Clock::now() - begin).count();
}

power::Limits PrefillLane::obey_limits() const {
  const power::Limits limits = power_ ? power_->limits() : power::Limits{};
  for (const auto& device : model_.devices) device->limit_threads(limits.threads * cpu_share_);
  return limits;
}

// As the main lane does.
void PrefillLane::rest(const std::stop_token& stop, const power::Limits& limits, std::chrono::duration<double> work) {
  if (limits.share == 1) return;
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, stop, work * (1 / limits.share - 1), [this] { return is_unwanted_.load(); });
}

// For tokens up to `end`, and those before that the first of them looks at.
void PrefillLane::take_pages(Sequence& text, std::vector<KvPages>& pools, int end) const {
  for (size_t g = 0; g < pools.size(); ++g) {
    PageList& list = text.pages[g];
    pools[g].give_back_behind(list, text.computed);
    list.resize(std::max(list.size(), size_t(pools[g].first_needed(text.computed) / P)), kNoPage);
    while (static_cast<int>(list.size()) < ops::pages_for(end)) list.push_back(pools[g].take()->page);
  }
}

}  // namespace troika::engine
