#include "device/vulkan/compiler.h"

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
                   CompileOptions options)
    : context_(std::move(context)), segment_(segment), program_(*segment.program),
      arena_(gpu_buffer(segment.arena).address()), step_(step->address()), options_(options) {
  compiled_.recorder = std::make_unique<Recorder>(context_);
  compiled_.step = std::move(step);
  compiled_.keep.push_back(segment.arena);
  for (const Cache& cache : segment.caches) {
    compiled_.keep.push_back(cache.keys);
    compiled_.keep.push_back(cache.values);
  }
}

Compiled Compiler::compile() {
  for (size_t i = segment_.begin; i < segment_.end; ++i) add(program_.ops[i]);
  compiled_.recorder->end();
  return std::move(compiled_);
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

Range Compiler::scratch(size_t bytes) {
  auto buffer = context_->allocate(bytes);
  compiled_.keep.push_back(buffer);
  return {buffer->address(), bytes};
}

void Compiler::dispatch(std::string_view shader, std::vector<uint32_t> constants, std::span<const std::byte> push,
                        std::array<uint32_t, 3> groups, std::vector<Range> reads, std::vector<Range> writes) {
  compiled_.recorder->dispatch({.pipeline = {std::string(shader), std::move(constants)},
                                .push = push,
                                .groups = {groups[0], groups[1], groups[2]},
                                .reads = std::move(reads),
                                .writes = std::move(writes)});
}

}  // namespace troika::device::vulkan
