#include "device/vulkan/vulkan_device.h"

#include <cstring>

#include "base/log.h"
#include "base/platform.h"
#include "device/room.h"
#include "device/vulkan/choice.h"
#include "device/vulkan/free_memory.h"
#include "device/vulkan/kept_file.h"
#include "device/vulkan/limits.h"
#include "device/vulkan/profile.h"
#include "device/vulkan/weights.h"

namespace troika::device::vulkan {
namespace {

// A GPU with memory of its own takes none from the system's cache.
bool file_stays(const Caps& caps, size_t file_bytes) {
  return caps.kind == GpuKind::discrete || file_may_stay(platform::memory().available_bytes, file_bytes);
}

class VulkanExecutable : public Executable {
 public:
  VulkanExecutable(std::shared_ptr<Context> context, Compiled compiled, std::shared_ptr<MeasuredFile> file,
                   std::optional<Profile> profile)
      : context_(std::move(context)), compiled_(std::move(compiled)), file_(std::move(file)), profile_(std::move(profile)) {}
  ~VulkanExecutable() override {
    if (profile_) fmt::print(stderr, "{}", profile_->table());
  }
  void submit() override {
    if (file_) cut_again();
    compiled_.step->upload();
    compiled_.recorder->submit();
  }
  void wait() override {
    compiled_.recorder->wait();
    if (compiled_.recorder->waited_in_vain()) repeat_behind_barriers();
    if (file_) learn(compiled_.recorder->timed());
    if (profile_) profile_->add(*compiled_.recorder);
    context_->keep_pipelines();
  }
  Recorded recorded() const {
    return {compiled_.recorder->dispatches(), compiled_.recorder->barriers(), compiled_.recorder->submissions()};
  }
  const std::byte* result(ops::Tensor t) const override {
    for (const ReadBack& read : compiled_.results) {
      if (read.tensor == t) return read.buffer->host();
    }
    return nullptr;
  }
  const TopLogits* top(int row) const override {
    return compiled_.top ? reinterpret_cast<const TopLogits*>(compiled_.top->host()) + row : nullptr;
  }
  void fetch(int row) override {
    if (!compiled_.fetch) return;
    compiled_.step->want_only(row);
    compiled_.fetch->submit();
    compiled_.fetch->wait();
  }

 private:
  void repeat_behind_barriers() {
    context_->stop_chains();
    if (!compiled_.can_be_repeated) {
      throw DeviceLost(fmt::format("on {} a step went wrong that cannot be repeated", context_->caps().name));
    }
    compiled_.recorder->use_barriers();
    for (const auto& tickets : compiled_.tickets) std::memset(tickets->host(), 0, tickets->size());
    compiled_.recorder->submit();
    compiled_.recorder->wait();
  }
  void learn(std::span<const Submission> step) {
    std::optional<double>& rate = file_->measured.work_per_second;
    rate = learned(rate, step);
    was_too_long_ = has_too_long(step);
  }
  void cut_again() {
    const Caps& caps = context_->caps();
    Recorder& recorder = *compiled_.recorder;
    const uint64_t most = most_work(caps.kind, file_->measured.work_per_second);
    const bool was_too_long = std::exchange(was_too_long_, false);
    const bool is_too_fine = recorder.submissions() > 1 && is_far_too_fine(recorder.most_work(), most);
    if (!(was_too_long || is_too_fine) || !recorder.cut_again(most) || !was_too_long) return;
    log::info("{} was busy for more than {:.0f} ms at a time; from now on such steps are cut into {} parts", caps.name,
              kLongestSubmission * 1000, recorder.submissions());
  }

  const std::shared_ptr<Context> context_;
  Compiled compiled_;
  const std::shared_ptr<MeasuredFile> file_;  // null: nothing is measured
  std::optional<Profile> profile_;
  bool was_too_long_ = false;                 // a submission of the last step
};

class VulkanDevice : public Device {
 public:
  VulkanDevice(const DeviceOptions& options, Results results, Tuned tuned)
      : float32_(options.float32), halves_(options.halves), is_profiled_(switched("TROIKA_VULKAN_PROFILE").value_or(false)), results_(results), context_(Context::open()),
        weights_(context_, file_stays(context_->caps(), options.file_bytes)),
        scratch_(context_) {
    const Caps& caps = context_->caps();
    if (halves_ && !context_->lanes()) {
      fail("{} has no matrix unit for halves that Troika knows how to fill; leave --dtype f16 out", caps.name);
    }
    const bool may_tune = caps.kind != GpuKind::software || tuned == Tuned::software_too;
    if (options.tune && may_tune && context_->keeps_time()) {
      measured_ = std::make_shared<MeasuredFile>(kept_file(caps, "measured"), hash_of_shaders());
      tuner_.emplace(measured_, stopwatch_of(context_));
    }
    info_.name = "vulkan";
    info_.description = fmt::format("{}, {}", caps.name, caps.driver);
    for (const MemoryType& type : caps.memory) {
      if (type.device_local) info_.memory_bytes = std::max(info_.memory_bytes, size_t(type.heap_bytes));
    }
    info_.has_own_memory = caps.kind == GpuKind::discrete;
    info_.free_bytes = size_t(free_bytes(*context_));
    info_.is_handed_work = true;
  }

  const DeviceInfo& info() const override { return info_; }
  bool supports(const ops::Program&, const ops::Op&) const override { return true; }
  std::shared_ptr<Buffer> allocate(size_t bytes) override { return context_->allocate(bytes); }
  std::shared_ptr<Buffer> import(HostRegion region) override { return context_->import(region); }
  std::shared_ptr<Weight> prepare(const WeightView& view, WeightUse) override {
    auto weight = weights_.load(view);
    info_.weight_bytes = weights_.bytes();
    info_.free_bytes = size_t(free_bytes(*context_));
    return weight;
  }
  std::unique_ptr<Executable> compile(const Segment& segment) override {
    const CompileOptions options{.float32 = float32_,
                                 .halves = halves_,
                                 .rows_at_once = rows_at_once(),
                                 .most_work = most_work(context_->caps().kind, work_per_second()),
                                 .results = results_,
                                 .tuner = tuner_ ? &*tuner_ : nullptr,
                                 .timed = is_profiled_ ? Recorder::Timed::each
                                          : measured_  ? Recorder::Timed::submissions
                                                       : Recorder::Timed::no};
    const auto step = step_block(*segment.inputs);
    if (tuner_ && segment.is_idle) tuner_->measure(Compiler(context_, segment, step, scratch_, options).trials());
    Compiler compiler(context_, segment, step, scratch_, options);
    if (!is_profiled_) return std::make_unique<VulkanExecutable>(context_, compiler.compile(), measured_, std::nullopt);
    return std::make_unique<VulkanExecutable>(context_, compiler.compile(), nullptr,
                                              Profile(context_->caps().name, segment.program->tokens));
  }
  std::optional<Limits> measure_limits() override { return vulkan::measure_limits(context_); }

 private:
  // Drivers that compute on the CPU compile long shaders slowly.
  uint32_t rows_at_once() const { return context_->caps().kind == GpuKind::software ? 8 : 32; }

  std::optional<double> work_per_second() const { return measured_ ? measured_->measured.work_per_second : std::nullopt; }

  // One for all that is compiled for the same inputs.
  std::shared_ptr<StepBlock> step_block(const ops::StepInputs& inputs) {
    std::weak_ptr<StepBlock>& known = blocks_[&inputs];
    auto block = known.lock();
    if (!block) known = block = std::make_shared<StepBlock>(*context_, inputs);
    std::erase_if(blocks_, [](const auto& entry) { return entry.second.expired(); });
    return block;
  }

  const bool float32_, halves_, is_profiled_;
  const Results results_;
  const std::shared_ptr<Context> context_;
  WeightLoader weights_;
  Scratch scratch_;
  std::shared_ptr<MeasuredFile> measured_;  // null: nothing is measured
  std::optional<Tuner> tuner_;
  std::map<const ops::StepInputs*, std::weak_ptr<StepBlock>> blocks_;
  DeviceInfo info_;
};

}  // namespace

Recorded recorded(const Executable& executable) { return dynamic_cast<const VulkanExecutable&>(executable).recorded(); }

std::unique_ptr<Device> make(const DeviceOptions& options, Results results, Tuned tuned) {
  return std::make_unique<VulkanDevice>(options, results, tuned);
}

}  // namespace troika::device::vulkan
