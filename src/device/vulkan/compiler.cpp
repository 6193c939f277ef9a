#include "device/vulkan/compiler.h"

#include <algorithm>
#include <array>

namespace troika::device::vulkan {
namespace {

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
  compiled_.recorder = std::make_unique<Recorder>(context_, options.most_work);
  compiled_.step = std::move(step);
  compiled_.keep.push_back(segment.arena);
  for (const Cache& cache : segment.caches) {
    compiled_.keep.push_back(cache.keys);
    compiled_.keep.push_back(cache.values);
  }
}

Compiled Compiler::compile() {
  for (Quantised& kept : quantised_) kept.tensor = kNoTensor;
  for (size_t i = segment_.begin; i < segment_.end; ++i) {
    const Op& op = program_.ops[i];
    const bool multiplies = ops::multiplies(op), is_moe = op.kind == OpKind::moe;
    if ((multiplies || is_moe) && multiplies_in_int8(weight(op.in[is_moe ? 2 : 1]))) wanted_in_int8_.insert(op.in[0].id);
  }
  for (size_t i = segment_.begin; i < segment_.end; ++i) add(program_.ops[i]);
  if (!gpu_buffer(segment_.arena).host_cached()) {
    read_back(program_.logits);
    if (program_.states && program_.states != program_.logits) read_back(*program_.states);
  }
  compiled_.recorder->end();
  return std::move(compiled_);
}

// If it is made in this segment.
void Compiler::read_back(Tensor t) {
  const std::span ops = std::span(program_.ops).subspan(segment_.begin, segment_.end - segment_.begin);
  if (std::ranges::none_of(ops, [&](const Op& op) { return std::ranges::count(op.out, t) > 0; })) return;
  const Range from = range(t);
  compiled_.results.push_back({t, context_->allocate(from.bytes, true)});
  compiled_.recorder->copy(gpu_buffer(segment_.arena), from.begin - arena_, *compiled_.results.back().buffer, from.bytes);
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
                        uint64_t work) {
  compiled_.recorder->dispatch({.pipeline = {std::string(shader), std::move(constants)},
                                .push = push,
                                .groups = {groups[0], groups[1], groups[2]},
                                .reads = std::move(reads),
                                .writes = std::move(writes),
                                .work = work});
}

}  // namespace troika::device::vulkan
