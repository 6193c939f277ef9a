#include "engine/step.h"

#include <algorithm>

#include "base/error.h"
#include "plan/memory.h"
#include "plan/segments.h"

namespace troika::engine {
namespace {


}  // namespace

size_t cache_page_bytes(const ops::CacheInfo& cache, Format format) {
  return size_t(cache.kv_heads) * ops::kPageTokens * cache.head_dim * info(format).block_bytes;
}

std::vector<std::shared_ptr<device::Weight>> weights_of(const Model& model, const ops::Program& program) {
  std::vector<std::shared_ptr<device::Weight>> weights;
  for (const ops::TensorInfo& tensor : program.tensors) {
    bool is_weight = tensor.role == ops::Role::weight;
    weights.push_back(is_weight ? model.weights.find(tensor.name)->second : nullptr);
  }
  return weights;
}

size_t page_bytes(const ops::Program& program, Format format) {
  size_t bytes = 0;
  for (const ops::CacheInfo& cache : program.caches) bytes += 2 * cache_page_bytes(cache, format);
  return bytes;
}

Step::Step(const Model& model, int sequences, int context, int pages)
    : model_(model), inputs_(kBuckets[std::size(kBuckets) - 1], kMaxOutputs, sequences, ops::pages_for(context)) {
  size_t arena = 0;
  for (int tokens : kBuckets) arena = std::max(arena, plan::plan_memory(trace_bucket(model, tokens)).bytes);
  arena_ = model.device->allocate(arena);
  for (const ops::CacheInfo& cache : trace_bucket(model, 1).caches) {
    size_t bytes = cache_page_bytes(cache, model.kv_format) * pages;
    caches_.push_back({model.device->allocate(bytes), model.device->allocate(bytes), model.kv_format});
  }
}

std::unique_ptr<Step::Compiled> Step::compile(int tokens) {
  auto compiled = std::make_unique<Compiled>();
  compiled->program = trace_bucket(model_, tokens);
  compiled->offsets = plan::plan_memory(compiled->program).offsets;
  compiled->weights = weights_of(model_, compiled->program);
  device::Device* devices[] = {model_.device.get()};
  for (const plan::Stretch& stretch : plan::cut(plan::place(compiled->program, devices))) {
    compiled->segments.push_back(devices[stretch.device]->compile({.program = &compiled->program,
                                                                   .begin = stretch.begin,
                                                                   .end = stretch.end,
                                                                   .arena = arena_,
                                                                   .offsets = compiled->offsets,
                                                                   .weights = compiled->weights,
                                                                   .caches = caches_,
                                                                   .inputs = &inputs_}));
  }
  return compiled;
}

const Step::Compiled& Step::bucket(int tokens) {
  size_t i = 0;
  while (kBuckets[i] < tokens || std::min(kBuckets[i], kMaxOutputs) < inputs_.outputs) ++i;
  if (!buckets_[i]) buckets_[i] = compile(kBuckets[i]);
  return *buckets_[i];
}

void Step::fill(std::span<const Work> work) {
  inputs_.tokens = inputs_.outputs = 0;
  for (size_t s = 0; s < work.size(); ++s) {
    const Sequence& sequence = *work[s].sequence;
    std::copy(sequence.pages.begin(), sequence.pages.end(),
              inputs_.page_table.begin() + ptrdiff_t(s) * inputs_.pages_per_sequence);
    for (int i = 0; i < work[s].count; ++i) {
      int t = inputs_.tokens++, position = sequence.computed + i;
      inputs_.token_ids[t] = sequence.tokens[position];
      inputs_.positions[t] = position;
      inputs_.sequences[t] = static_cast<int32_t>(s);
      if (i >= work[s].count - work[s].outputs) inputs_.output_rows[inputs_.outputs++] = t;
    }
  }
}

void Step::run(std::span<const Work> work) {
  fill(work);
  const Compiled& compiled = bucket(inputs_.tokens);
  for (const auto& segment : compiled.segments) {
    segment->submit();
    segment->wait();
  }
  logits_ = reinterpret_cast<const float*>(arena_->host() + compiled.offsets[compiled.program.logits.id]);
}

std::span<const float> Step::logits(int row) const {
  size_t vocabulary = model_.spec.vocabulary;
  return {logits_ + row * vocabulary, vocabulary};
}

}  // namespace troika::engine
