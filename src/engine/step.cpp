#include "engine/step.h"

#include <algorithm>

#include "base/error.h"
#include "plan/memory.h"

namespace troika::engine {
namespace {

// Bytes of activations that the largest bucket of a slice takes.
size_t most_memory(const Model& model, const models::ModelSpec& slice) {
  size_t bytes = 0;
  for (int tokens : kBuckets) bytes = std::max(bytes, plan::plan_memory(trace_bucket(model, slice, tokens).program).bytes);
  return bytes;
}

}  // namespace

size_t page_bytes(const ops::Program& program, int group, Format format) {
  size_t bytes = 0;
  for (const ops::CacheInfo& cache : program.caches) {
    if (cache.group == group) bytes += 2 * cache_page_bytes(cache, format);
  }
  return bytes;
}

Step::Step(const Model& model, int sequences, int context, std::span<const int> pages, int drawable)
    : model_(model),
      inputs_(kBuckets[std::size(kBuckets) - 1], kMaxOutputs, sequences, ops::pages_for(context),
              static_cast<int>(pages.size()), model.tower ? model.spec.width : 0) {
  inputs_.drawable = drawable;
  arenas_ = std::make_shared<Arenas>(model.devices, most_memory(model, model.slice));
  add_slice(model.slice);
  const Tape tape = trace_bucket(model, 1);
  cache_infos_ = tape.program.caches;
  const std::vector<int> devices = plan::devices_of_caches(tape.program, tape.placement);
  for (size_t i = 0; i < cache_infos_.size(); ++i) {
    size_t bytes = cache_page_bytes(cache_infos_[i], model.kv_format) * pages[cache_infos_[i].group];
    device::Device& device = *model.devices[size_t(devices[i])];
    caches_.push_back({device.allocate(bytes), device.allocate(bytes), model.kv_format});
  }
}

bool Step::can_copy_pages() const {
  return std::ranges::all_of(caches_, [](const device::Cache& c) { return c.keys->host() && c.values->host(); });
}

std::vector<std::span<std::byte>> Step::parts_of_page(int group, int32_t page) const {
  std::vector<std::span<std::byte>> parts;
  for (size_t i = 0; i < caches_.size(); ++i) {
    if (cache_infos_[i].group != group) continue;
    const size_t bytes = cache_page_bytes(cache_infos_[i], caches_[i].format);
    for (device::Buffer* buffer : {caches_[i].keys.get(), caches_[i].values.get()})
      parts.emplace_back(buffer->host() + page * bytes, bytes);
  }
  return parts;
}

void Step::copy_page(const PageCopy& copy) {
  const auto from = parts_of_page(copy.group, copy.from), to = parts_of_page(copy.group, copy.to);
  for (size_t i = 0; i < from.size(); ++i) std::ranges::copy(from[i], to[i].begin());
}

void Step::read_page(int group, int32_t page, std::span<std::byte> out) const {
  auto to = out.begin();
  for (const auto part : parts_of_page(group, page)) to = std::ranges::copy(part, to).out;
}

void Step::write_page(int group, int32_t page, std::span<const std::byte> in) {
  for (const auto part : parts_of_page(group, page)) {
    std::ranges::copy(in.first(part.size()), part.begin());
    in = in.subspan(part.size());
  }
}

std::unique_ptr<Step::Compiled> Step::compile(const models::ModelSpec& slice, int tokens) {
  auto compiled = std::make_unique<Compiled>();
  compiled->tape = trace_bucket(model_, slice, tokens);
  plan::MemoryPlan memory = plan::plan_memory(compiled->tape.program);
  compiled->offsets = std::move(memory.offsets);
  if (memory.bytes > arenas_->bytes()) {  // larger than the engine's own slice: from now on there is room for the whole
    arenas_ = std::make_shared<Arenas>(model_.devices, std::max(memory.bytes, most_memory(model_, model_.spec)));
  }
  const Surroundings around{.offsets = compiled->offsets,
                            .devices = model_.devices,
                            .weights = &model_.weights,
                            .arenas = arenas_,
                            .caches = caches_,
                            .inputs = &inputs_,
                            .is_idle = true};
  compiled->relay = std::make_unique<Relay>(compiled->tape, around, 0, compiled->tape.program.ops.size());
  return compiled;
}

Step::Compiled& Step::bucket(Slice& slice, int tokens, int outputs) {
  size_t i = 0;
  while (kBuckets[i] < tokens || std::min(kBuckets[i], kMaxOutputs) < outputs) ++i;
  if (!slice.buckets[i]) slice.buckets[i] = compile(slice.spec, kBuckets[i]);
  return *slice.buckets[i];
}

void Step::fill(std::span<const Work> work) {
  ++inputs_.number;
  inputs_.tokens = inputs_.outputs = 0;
  for (size_t s = 0; s < work.size(); ++s) {
    const Sequence& sequence = *work[s].sequence;
    for (size_t group = 0; group < sequence.pages.size(); ++group) {
      size_t row = group * inputs_.max_sequences + s;
      std::copy(sequence.pages[group].begin(), sequence.pages[group].end(),
                inputs_.page_table.begin() + ptrdiff_t(row) * inputs_.pages_per_sequence);
    }
    for (int i = 0; i < work[s].count; ++i) {
      int t = inputs_.tokens++, position = sequence.computed + i;
      inputs_.place(t, sequence.tokens[position], position, static_cast<int>(s));
      if (!sequence.images.empty()) show(t, sequence, position);
      if (i < work[s].first_output || i >= work[s].first_output + work[s].outputs) continue;
      inputs_.wanted[inputs_.outputs] = sequence.wanted;
      inputs_.output_rows[inputs_.outputs++] = t;
    }
  }
}

// What pictures change about row `t`: where it is turned to, whom it sees, what stands in for its embedding.
void Step::show(int t, const Sequence& sequence, int position) {
  bool in_prompt = position < static_cast<int>(sequence.rope.size());
  for (int axis = 0; axis < ops::kRopeAxes; ++axis) {
    int turned = in_prompt ? sequence.rope[position][axis] : position + sequence.rope_shift;
    inputs_.rope_positions[axis][t] = turned;
  }
  for (const TokenRun& run : sequence.runs) {
    if (position < run.first || position >= run.end) continue;
    inputs_.run_first[t] = run.first;
    inputs_.run_last[t] = run.end - 1;
  }
  size_t width = size_t(inputs_.feature_width);
  for (const SeenImage& image : sequence.images) {
    if (position < image.first || position >= image.first + image.count) continue;
    inputs_.feature_rows[t] = t;
    const float* from = image.features->values.data() + size_t(position - image.first) * width;
    std::copy(from, from + width, inputs_.features.begin() + ptrdiff_t(size_t(t) * width));
  }
}

void Step::prepare(std::span<const Work> work) {
  int tokens = 0, outputs = 0;
  for (const Work& w : work) {
    tokens += w.count;
    outputs += w.outputs;
  }
  bucket(slices_.at(work[0].sequence->slice), tokens, outputs);
}

void Step::run(std::span<const Work> work, const std::function<void()>& meanwhile) {
  fill(work);
  last_ = &bucket(slices_.at(work[0].sequence->slice), inputs_.tokens, inputs_.outputs);
  last_->relay->run(meanwhile);
  logits_ = last_->relay->values(last_->tape.program.logits);
  states_ = last_->relay->values(last_->tape.program.states.value());
}

const device::TopLogits* Step::top(int row) const {
  return inputs_.wanted[row].whole & ops::Wanted::logits ? nullptr : last_->relay->top(row);
}

std::span<const float> Step::logits(int row) {
  if (!(inputs_.wanted[row].whole & ops::Wanted::logits)) {
    last_->relay->fetch(row);
    inputs_.wanted[row].whole |= ops::Wanted::logits;
  }
  size_t vocabulary = model_.spec.vocabulary;
  return {logits_ + row * vocabulary, vocabulary};
}

std::span<const float> Step::states(int row) const {
  size_t width = model_.spec.width;
  return {states_ + row * width, width};
}

}  // namespace troika::engine
