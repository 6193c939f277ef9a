#include "device/vulkan/compiler.h"

#include <algorithm>
#include <array>

namespace troika::device::vulkan {
namespace {

constexpr uint32_t kMostGroups = 65535;  // in each direction: what every driver takes

const GpuBuffer& gpu_buffer(const std::shared_ptr<Buffer>& buffer) {
  auto found = std::dynamic_pointer_cast<GpuBuffer>(buffer);
  check(found != nullptr, "the GPU allocated the buffer");
  return *found;
}

}  // namespace

Compiler::Compiler(std::shared_ptr<Context> context, const Segment& segment, std::shared_ptr<StepBlock> step,
                   Scratch& scratch, CompileOptions options)
    : context_(std::move(context)), segment_(segment), program_(*segment.program),
      arena_(gpu_buffer(segment.arena).address()), step_(step->address()), options_(options), scratch_(scratch) {
  compiled_.recorder = std::make_unique<Recorder>(context_, options.most_work, options.timed);
  compiled_.step = std::move(step);
  compiled_.keep.push_back(segment.arena);
  for (const Cache& cache : segment.caches) {
    compiled_.keep.push_back(cache.keys);
    compiled_.keep.push_back(cache.values);
  }
}

Compiled Compiler::compile() {
  add_ops();
  add_results();
  compiled_.can_be_repeated = reads_only_inputs();
  compiled_.recorder->end();
  if (compiled_.fetch) compiled_.fetch->end();
  return std::move(compiled_);
}

std::vector<Trial> Compiler::trials() {
  add_ops();
  return std::move(trials_);
}

void Compiler::add_ops() {
  for (Rounded& kept : rounded_) kept.tensor = kNoTensor;
  for (size_t i = segment_.begin; i < segment_.end; ++i) {
    const Op& op = program_.ops[i];
    const bool multiplies = ops::multiplies(op), is_moe = op.kind == OpKind::moe;
    if (!multiplies && !is_moe) continue;
    const Rounding as = rounding_of(weight(op.in[is_moe ? 2 : 1]), is_moe ? Multiplies::experts : Multiplies::all_rows);
    if (as != Rounding::none) wanted_roundings_.emplace(op.in[0].id, as);
  }
  for (size_t i = segment_.begin; i < segment_.end; ++i) {
    if (leaves_factor(i)) leave_factor_.insert(&program_.ops[i]);
  }
  for (size_t i = segment_.begin; i < segment_.end; ++i) {
    if (!done_.contains(&program_.ops[i])) add(program_.ops[i]);
  }
}

// Of the step, not activations that were made elsewhere, whose memory it may use itself once it has read them.
bool Compiler::reads_only_inputs() const {
  const auto ops = std::span(program_.ops).subspan(segment_.begin, segment_.end - segment_.begin);
  return std::ranges::all_of(ops, [&](const Op& op) {
    return std::ranges::all_of(op.in, [&](Tensor t) {
      return program_[t].role != ops::Role::activation || is_made_here(t);
    });
  });
}

void Compiler::add_results() {
  const bool copied = options_.results == Results::copied || !gpu_buffer(segment_.arena).host_cached();
  if (is_made_here(program_.logits)) {
    if (segment_.inputs->drawable > 0) find_top(program_.logits);
    if (copied) {
      read_back(program_.logits, ops::Wanted::logits);
      record_fetch();
    }
  }
  const bool has_states = program_.states && program_.states != program_.logits;
  if (has_states && copied && is_made_here(*program_.states)) read_back(*program_.states, ops::Wanted::states);
}

void Compiler::add(const Op& op) {
  using E = Elementwise;
  using N = Norm;
  switch (op.kind) {
    case OpKind::embed: return embed(op);
    case OpKind::features: return copy(op, {Copy::features});
    case OpKind::insert_features: return copy(op, {Copy::features_or_same});
    case OpKind::linear:
    case OpKind::linear_where:
    case OpKind::linear_gated: return linear(op);
    case OpKind::rms_norm: {
      const auto [epsilon, width] = op.as<ops::NormParams>();
      return norm(op, {op.in.size() > 1 ? N::rms : N::rms_plain, width, epsilon});
    }
    case OpKind::layer_norm: return norm(op, {N::layer, 0, op.as<ops::NormParams>().epsilon});
    case OpKind::add: return elementwise(op, {E::add});
    case OpKind::mul:
      return elementwise(op, {program_[op.in[1]].role == ops::Role::weight ? E::mul_by_vector : E::mul});
    case OpKind::scale: return elementwise(op, {E::scale, {}, op.as<ops::ScaleParams>().factor});
    case OpKind::gated: return elementwise(op, {E::gated, op.as<ops::ActParams>().act});
    case OpKind::act: return elementwise(op, {E::act, op.as<ops::ActParams>().act});
    case OpKind::softcap: return elementwise(op, {E::softcap, {}, op.as<ops::SoftcapParams>().cap});
    case OpKind::rope: return rope(op);
    case OpKind::kv_write: return kv_write(op);
    case OpKind::attend: return attend(op);
    case OpKind::attend_spans: return attend_spans(op);
    case OpKind::pick_rows: return copy(op, {Copy::output_row});
    case OpKind::join_rows: return copy(op, {Copy::same_row});
    case OpKind::mean_rows: return mean_rows(op);
    case OpKind::mix: return mix(op);
    case OpKind::moe: return moe(op);
    case OpKind::match_rms: return norm(op, {N::match_rms, 0, op.as<ops::MatchParams>().floor});
    case OpKind::cut_below: return norm(op, {N::cut_below, 0, op.as<ops::CutParams>().deviations});
    case OpKind::concat: return concat(op);
    case OpKind::slice: return copy(op, {Copy::same_row, uint32_t(op.as<ops::SliceParams>().first)});
    case OpKind::add_norm: return norm(op, {N::add_rms, 0, op.as<ops::NormParams>().epsilon});
  }
}

Range Compiler::range(Tensor t) const {
  const TensorInfo& tensor = program_[t];
  check(tensor.role == ops::Role::activation, "activations lie in the arena");
  const size_t offset = segment_.offsets[t.id], bytes = size_t(tensor.shape.values()) * sizeof(float);
  check(offset + bytes <= segment_.arena->size(), "arena size");
  return {arena_ + offset, bytes};
}

const GpuWeight& Compiler::weight(Tensor t) {
  auto found = std::dynamic_pointer_cast<GpuWeight>(segment_.weights[t.id]);
  check(found != nullptr, "the GPU prepared the weight");
  check(found->shape == program_[t].shape, "a weight has its program's shape");
  compiled_.keep.push_back(found);
  return *found;
}

int32_t Compiler::rows(Tensor t) const {
  switch (program_[t].extent) {
    case ops::Extent::fixed: break;
    case ops::Extent::tokens: return -1;
    case ops::Extent::outputs: return -2;
  }
  return static_cast<int32_t>(program_[t].shape.rows());
}

uint64_t Compiler::tell(std::span<const std::byte> more) {
  constexpr size_t kAtOnce = 16384, kAlignment = 16;
  if (!told_ || told_bytes_ + more.size() > told_->size()) {
    told_ = context_->allocate(kAtOnce);
    told_bytes_ = 0;
    compiled_.keep.push_back(told_);
  }
  const size_t at = told_bytes_;
  std::ranges::copy(more, told_->host() + at);
  told_bytes_ += (more.size() + kAlignment - 1) / kAlignment * kAlignment;
  return told_->address() + at;
}

const std::shared_ptr<GpuBuffer>& Scratch::get(size_t purpose, size_t bytes) {
  std::shared_ptr<GpuBuffer>& buffer = buffers_[purpose];
  if (!buffer || buffer->size() < bytes) buffer = context_->allocate(bytes);
  return buffer;
}

Range Compiler::scratch(size_t purpose, size_t bytes) {
  const std::shared_ptr<GpuBuffer>& buffer = scratch_.get(purpose, bytes);
  compiled_.keep.push_back(buffer);
  return {buffer->address(), bytes};
}

void Compiler::dispatch(std::string_view shader, std::vector<uint32_t> constants, std::span<const std::byte> push,
                        std::array<uint32_t, 3> groups, std::vector<Range> reads, std::vector<Range> writes,
                        DispatchMore more) {
  if (std::ranges::max(groups) > kMostGroups) {
    fail("{} does not take {} rows at once; show it smaller pictures (--image-pixels), or use --device cpu",
         context_->caps().name, std::ranges::max(groups));
  }
  compiled_.recorder->dispatch({.pipeline = {std::string(shader), std::move(constants), more.subgroup_size},
                                .push = push,
                                .groups = groups,
                                .reads = std::move(reads),
                                .writes = std::move(writes),
                                .work = more.work,
                                .can_wait = more.can_wait,
                                .what = std::move(more.what)});
}

}  // namespace troika::device::vulkan
