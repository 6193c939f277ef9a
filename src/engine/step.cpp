#include "engine/step.h"

#include <algorithm>

#include "base/error.h"
#include "plan/memory.h"
#include "plan/micro_batches.h"

namespace troika::engine {
namespace {

using plan::kMicroBatch;
static_assert(kMostTokens <= 2 * kMicroBatch, "a step is two micro-batches");

// Bytes of activations that the buckets of a slice take, up to one.
size_t most_memory(const Model& model, const models::ModelSpec& slice, int most_tokens) {
  size_t bytes = 0;
  for (int tokens : kBuckets) {
    if (tokens > most_tokens) break;
    bytes = std::max(bytes, plan::plan_memory(trace_bucket(model, slice, tokens).program).bytes);
  }
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
    : model_(model) {
  const bool has_two = model.devices.size() > 1;
  batches_.reserve(2);
  for (int tokens : {kMostTokens, kMicroBatch}) {
    if (tokens == kMicroBatch && !has_two) break;
    batches_.push_back({.inputs{tokens, kMaxOutputs, sequences, ops::pages_for(context), static_cast<int>(pages.size()),
                                model.tower ? model.spec.width : 0}});
    batches_.back().inputs.drawable = drawable;
  }
  batches_[0].arenas = std::make_shared<Arenas>(model.devices, most_memory(model, model.slice, kMostTokens));
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

std::unique_ptr<Step::Compiled> Step::compile(const models::ModelSpec& slice, int tokens, Batch& batch) const {
  auto compiled = std::make_unique<Compiled>();
  compiled->tape = trace_bucket(model_, slice, tokens);
  plan::MemoryPlan memory = plan::plan_memory(compiled->tape.program);
  compiled->offsets = std::move(memory.offsets);
  if (!batch.arenas) {  // of a second micro-batch, which has one tape
    batch.arenas = std::make_shared<Arenas>(model_.devices, memory.bytes);
  } else if (memory.bytes > batch.arenas->bytes()) {  // a larger slice than the engine's own: now there is room for the whole
    const int most_tokens = static_cast<int>(batch.inputs.token_ids.size());
    const size_t bytes = std::max(memory.bytes, most_memory(model_, model_.spec, most_tokens));
    batch.arenas = std::make_shared<Arenas>(model_.devices, bytes);
  }
  const Surroundings around{.offsets = compiled->offsets,
                            .devices = model_.devices,
                            .weights = &model_.weights,
                            .arenas = batch.arenas,
                            .caches = caches_,
                            .inputs = &batch.inputs,
                            .is_idle = true};
  compiled->relay = std::make_unique<Relay>(compiled->tape, around, 0, compiled->tape.program.ops.size());
  return compiled;
}

Step::Compiled& Step::bucket(Slice& slice, int tokens, int outputs) {
  size_t i = 0;
  while (kBuckets[i] < tokens || std::min(kBuckets[i], kMaxOutputs) < outputs) ++i;
  if (!slice.buckets[i]) slice.buckets[i] = compile(slice.spec, kBuckets[i], batches_[0]);
  return *slice.buckets[i];
}

// Two micro-batches of about the same size where devices can work side by side. What sees itself both ways stays whole.
void Step::choose_parts(std::span<const Work> work) {
  int tokens = 0, outputs = 0;
  bool has_runs = false;
  for (const Work& w : work) {
    tokens += w.count;
    outputs += w.outputs;
    has_runs |= !w.sequence->runs.empty();
  }
  Slice& slice = slices_.at(work[0].sequence->slice);
  const bool has_two = tokens > kMicroBatch && batches_.size() > 1 && !has_runs &&
                       bucket(slice, kMicroBatch, 0).relay->shares_work();
  const int half = has_two ? ops::pages_for(tokens / 2) * ops::kPageTokens : tokens;
  parts_[0] = {.compiled = &bucket(slice, has_two ? kMicroBatch : tokens, has_two ? 0 : outputs),
               .batch = &batches_[0],
               .end = half};
  parts_used_ = 1;
  if (!has_two) return;
  if (!slice.second) slice.second = compile(slice.spec, kMicroBatch, batches_[1]);
  parts_[1] = {.compiled = slice.second.get(), .batch = &batches_[1], .first = half, .end = tokens};
  parts_used_ = 2;
}

void Step::fill(const Part& part, std::span<const Work> work) {
  ops::StepInputs& inputs = part.batch->inputs;
  ++inputs.number;
  inputs.tokens = inputs.outputs = 0;
  int row = 0;
  for (size_t s = 0; s < work.size(); ++s) {
    const Sequence& sequence = *work[s].sequence;
    for (size_t group = 0; group < sequence.pages.size(); ++group) {
      size_t to = group * inputs.max_sequences + s;
      std::copy(sequence.pages[group].begin(), sequence.pages[group].end(),
                inputs.page_table.begin() + ptrdiff_t(to) * inputs.pages_per_sequence);
    }
    for (int i = 0; i < work[s].count; ++i, ++row) {
      if (row < part.first || row >= part.end) continue;
      int t = inputs.tokens++, position = sequence.computed + i;
      inputs.place(t, sequence.tokens[position], position, static_cast<int>(s));
      if (!sequence.images.empty()) show(inputs, t, sequence, position);
      if (i < work[s].first_output || i >= work[s].first_output + work[s].outputs) continue;
      inputs.wanted[inputs.outputs] = sequence.wanted;
      inputs.output_rows[inputs.outputs++] = t;
    }
  }
}

// What pictures change about row `t`: where it is turned to, whom it sees, what stands in for its embedding.
void Step::show(ops::StepInputs& inputs, int t, const Sequence& sequence, int position) const {
  bool in_prompt = position < static_cast<int>(sequence.rope.size());
  for (int axis = 0; axis < ops::kRopeAxes; ++axis) {
    int turned = in_prompt ? sequence.rope[position][axis] : position + sequence.rope_shift;
    inputs.rope_positions[axis][t] = turned;
  }
  for (const TokenRun& run : sequence.runs) {
    if (position < run.first || position >= run.end) continue;
    inputs.run_first[t] = run.first;
    inputs.run_last[t] = run.end - 1;
  }
  size_t width = size_t(inputs.feature_width);
  for (const SeenImage& image : sequence.images) {
    if (position < image.first || position >= image.first + image.count) continue;
    inputs.feature_rows[t] = t;
    const float* from = image.features->values.data() + size_t(position - image.first) * width;
    std::copy(from, from + width, inputs.features.begin() + ptrdiff_t(size_t(t) * width));
  }
}

void Step::prepare(std::span<const Work> work) { choose_parts(work); }

void Step::run(std::span<const Work> work, const std::function<void()>& meanwhile) {
  choose_parts(work);
  const auto parts = std::span(parts_).first(size_t(parts_used_));
  for (const Part& part : parts) fill(part, work);
  if (parts_used_ == 2) Relay::run_both(*parts_[0].compiled->relay, *parts_[1].compiled->relay, meanwhile);
  else parts_[0].compiled->relay->run(meanwhile);
  for (Part& part : parts) {
    const ops::Program& program = part.compiled->tape.program;
    part.logits = part.compiled->relay->values(program.logits);
    part.states = part.compiled->relay->values(program.states.value());
  }
}

std::pair<const Step::Part&, int> Step::locate(int row) const {
  const int before = parts_[0].batch->inputs.outputs;
  if (row < before) return {parts_[0], row};
  return {parts_[1], row - before};
}

const device::TopLogits* Step::top(int row) const {
  const auto [part, r] = locate(row);
  return part.batch->inputs.wanted[r].whole & ops::Wanted::logits ? nullptr : part.compiled->relay->top(r);
}

std::span<const float> Step::logits(int row) {
  const auto [part, r] = locate(row);
  ops::Wanted& wanted = part.batch->inputs.wanted[r];
  if (!(wanted.whole & ops::Wanted::logits)) {
    part.compiled->relay->fetch(r);
    wanted.whole |= ops::Wanted::logits;
  }
  size_t vocabulary = model_.spec.vocabulary;
  return {part.logits + r * vocabulary, vocabulary};
}

std::span<const float> Step::states(int row) const {
  const auto [part, r] = locate(row);
  size_t width = model_.spec.width;
  return {part.states + r * width, width};
}

}  // namespace troika::engine
