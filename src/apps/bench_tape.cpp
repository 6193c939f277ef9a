#include "apps/bench_tape.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <span>

#include "base/error.h"
#include "engine/step.h"
#include "ops/rewrites.h"

namespace troika::apps {
namespace {

using ops::Op;
using ops::Role;
using ops::Tensor;
using ops::TensorInfo;

constexpr int kSamples = 5;
constexpr int kFillTokens = 512;  // that are put into the caches at once
constexpr size_t kAlignment = 64;
constexpr int kMostTogether = 512;
constexpr double kLongWarmUp = 1;    // seconds
constexpr double kLongCall = 0.002;  // seconds, of which handing over the work is some hundredths

size_t aligned(size_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

std::string operation_name(int number) { return fmt::format("operation.{}", number); }

void fill_features(ops::StepInputs& inputs) {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> some(4096);
  for (float& value : some) value = normal(random);
  for (size_t i = 0; i < inputs.features.size(); ++i) inputs.features[i] = some[i % some.size()];
}

// A vector that an op weighs its columns with.
std::shared_ptr<device::Weight> ones(device::Device& device, const TensorInfo& tensor) {
  auto values = std::make_shared<std::vector<float>>(size_t(tensor.shape.values()), 1.0f);
  return device.prepare({tensor.name, Format::f32, tensor.shape, std::as_bytes(std::span(*values)), values},
                        {.looked_up = false});
}

void run_once(device::Executable& executable) {
  executable.submit();
  executable.wait();
}

double seconds_of(const std::function<void()>& call) {
  auto begin = std::chrono::steady_clock::now();
  call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

Tape::Tape(device::Device& device, const TapeCase& c) : device_(device) {
  make_program(c);
  supported_ = is_supported();
  if (!supported_) return;
  std::map<int, std::shared_ptr<device::Weight>> vectors;  // by length; all operations have the same
  for (const TensorInfo& tensor : program_.tensors) {
    if (tensor.role != Role::weight) {
      weights_.push_back(nullptr);
    } else if (tensor.shape.rank == 2) {
      int number = -1;
      check(std::sscanf(tensor.name.c_str(), "operation.%d.", &number) == 1, "a matrix belongs to an operation");
      weights_.push_back(c.weights->at(size_t(number % c.copies)));
    } else {
      std::shared_ptr<device::Weight>& vector = vectors[tensor.shape.columns()];
      if (!vector) vector = ones(device, tensor);
      weights_.push_back(vector);
    }
  }
  int pages = c.sequences * ops::pages_for(c.depth + c.tokens / c.sequences);
  for (const ops::CacheInfo& cache : program_.caches) {
    size_t bytes = engine::cache_page_bytes(cache, c.cache) * size_t(pages);
    caches_.push_back({device.allocate(bytes), device.allocate(bytes), c.cache});
  }
  lay_out();
  fill_inputs(c);
  if (!caches_.empty()) fill_caches(c);
  fill_activations();
  compile_calls(c.copies);
}

// Stretches of as many operations as take long enough.
void Tape::compile_calls(int copies) {
  compile_calls(copies, 1);
  if (!device_.info().is_handed_work) return;
  auto is_long = [&] {
    call();  // once without: shaders are compiled
    return seconds_of([&] { call(); }) > kLongCall;
  };
  while (together_ < kMostTogether && !is_long()) compile_calls(copies, together_ * 8);
}

// So many stretches that each copy has its turn.
void Tape::compile_calls(int copies, int together) {
  together_ = together;
  next_ = 0;
  calls_.clear();
  for (int first = 0; first < copies; first += together) {
    calls_.push_back(compile(device_, timed_[size_t(first)].begin, timed_[size_t(first + together - 1)].end));
  }
}

void Tape::make_program(const TapeCase& c) {
  check(c.tokens % c.sequences == 0, "sequences have the same number of tokens");
  ops::Builder b(c.tokens, 1);
  for (int copy = 0; copy < c.copies && c.kv_heads > 0; ++copy) b.kv_cache(c.kv_heads, c.head_dim);
  Tensor x = b.features(c.columns);
  std::vector<Tensor> in = c.inputs ? c.inputs(b, x) : std::vector{x};
  int operations = c.copies + (device_.info().is_handed_work ? kMostTogether - 1 : 0);
  for (int i = 0; i < operations; ++i) {
    auto scope = b.scope(operation_name(i));
    c.timed(b, in, i % c.copies);
  }
  auto supports = [&](const ops::Program& program, const Op& op) { return device_.supports(program, op); };
  program_ = ops::fuse(b.finish(b.pick_rows(x)), supports);
  auto first = program_.ops.begin();
  for (int i = 0; i < operations; ++i) {
    auto is_its = [&](const Op& op) { return op.name.starts_with(operation_name(i) + "."); };
    first = std::find_if(first, program_.ops.end(), is_its);
    auto last = std::find_if_not(first, program_.ops.end(), is_its);
    check(first != last, "an operation is on the tape");
    timed_.push_back({size_t(first - program_.ops.begin()), size_t(last - program_.ops.begin())});
    first = last;
  }
}

bool Tape::is_supported() const {
  return std::ranges::all_of(timed_, [&](const Range& range) { return is_supported(range); });
}

bool Tape::is_supported(const Range& range) const {
  const auto ops = std::span(program_.ops).subspan(range.begin, range.end - range.begin);
  return std::ranges::all_of(ops, [&](const Op& op) { return device_.supports(program_, op); });
}

// What comes before the operations; the CPU does it for a device that only multiplies.
void Tape::fill_activations() {
  const Range before{0, timed_[0].begin};
  if (before.end == 0) return;
  if (is_supported(before)) return run_once(*compile(device_, before.begin, before.end));
  const auto cpu = device::make_device("cpu", {.threads = 1});
  run_once(*compile(*cpu, before.begin, before.end));
}

// Every tensor has a place of its own; the operations write to the same places.
void Tape::lay_out() {
  offsets_.assign(program_.tensors.size(), 0);
  std::vector<bool> placed(program_.tensors.size());  // where the first operation's are
  for (const Range& range : std::span(timed_).subspan(1)) {
    for (size_t i = range.begin; i < range.end; ++i) {
      for (Tensor out : program_.ops[i].out) placed[out.id] = true;
    }
  }
  size_t bytes = 0;
  for (uint32_t id = 0; id < program_.tensors.size(); ++id) {
    const TensorInfo& tensor = program_.tensors[id];
    if (tensor.role != Role::activation || placed[id]) continue;
    offsets_[id] = bytes;
    bytes += aligned(size_t(tensor.shape.values()) * sizeof(float));
  }
  for (const Range& range : std::span(timed_).subspan(1)) {
    for (size_t i = range.begin; i < range.end; ++i) {
      const Op& first = program_.ops[timed_[0].begin + i - range.begin];
      for (size_t o = 0; o < first.out.size(); ++o) offsets_[program_.ops[i].out[o].id] = offsets_[first.out[o].id];
    }
  }
  arena_ = device_.allocate(bytes);
}

// The step's tokens: `each` of every sequence, from `first_position` on. Pages lie in the order of the text.
void Tape::place_tokens(ops::StepInputs& inputs, const TapeCase& c, int first_position, int each) const {
  inputs.tokens = inputs.outputs = 0;
  for (int s = 0; s < c.sequences; ++s) {
    for (int i = 0; i < each; ++i) inputs.place(inputs.tokens++, 0, first_position + i, s);
    for (int page = 0; page < inputs.pages_per_sequence; ++page) {
      inputs.page_table[size_t(s) * inputs.pages_per_sequence + page] = s * inputs.pages_per_sequence + page;
    }
  }
}

void Tape::fill_inputs(const TapeCase& c) {
  int each = c.tokens / c.sequences;
  inputs_ = ops::StepInputs(c.tokens, 1, c.sequences, ops::pages_for(c.depth + each), 1, c.columns);
  place_tokens(inputs_, c, c.depth, each);
  fill_features(inputs_);
}

// Random keys and values at every position that is looked at, by a tape of its own on the same caches.
void Tape::fill_caches(const TapeCase& c) {
  int each = std::max(1, kFillTokens / c.sequences), end = c.depth + c.tokens / c.sequences;
  ops::Builder b(each * c.sequences, 1);
  Tensor x = b.features(c.kv_heads * c.head_dim);
  for (int copy = 0; copy < c.copies; ++copy) b.kv_write(b.kv_cache(c.kv_heads, c.head_dim), x, x);
  ops::Program program = b.finish(b.pick_rows(x));
  ops::StepInputs inputs(program.tokens, 1, c.sequences, inputs_.pages_per_sequence, 1, c.kv_heads * c.head_dim);
  fill_features(inputs);
  std::vector<size_t> offsets(program.tensors.size(), 0);  // x; nothing else is written
  std::vector<std::shared_ptr<device::Weight>> no_weights(program.tensors.size());
  auto executable = device_.compile({.program = &program,
                                     .begin = 0,
                                     .end = program.ops.size() - 1,
                                     .arena = device_.allocate(size_t(program[x].shape.values()) * sizeof(float)),
                                     .offsets = offsets,
                                     .weights = no_weights,
                                     .caches = caches_,
                                     .inputs = &inputs});
  for (int position = 0; position < end; position += each) {
    place_tokens(inputs, c, position, std::min(each, end - position));
    run_once(*executable);
  }
}

std::unique_ptr<device::Executable> Tape::compile(device::Device& device, size_t begin, size_t end) const {
  return device.compile({.program = &program_,
                          .begin = begin,
                          .end = end,
                          .arena = arena_,
                          .offsets = offsets_,
                          .weights = weights_,
                          .caches = caches_,
                          .inputs = &inputs_});
}

void Tape::call() {
  run_once(*calls_[next_]);
  next_ = (next_ + 1) % calls_.size();
}

Spread Tape::time(double seconds) {
  Spread spread = time_calls([this] { call(); }, seconds, static_cast<int>(calls_.size()));
  for (double& run : spread.runs) run /= together_;
  return spread;
}

Spread time_calls(const std::function<void()>& call, double seconds, int warm_up) {
  auto timed = [&](int64_t calls) {
    auto begin = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < calls; ++i) call();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  double warm = 0;
  for (int i = 0; i < warm_up && (i == 0 || warm < std::max(seconds, kLongWarmUp)); ++i) warm += seconds_of(call);
  int64_t calls = 1;
  double taken = timed(calls);
  while (taken < seconds / kSamples / 4 && calls < int64_t{1} << 30) taken = timed(calls *= 2);
  calls = std::max<int64_t>(1, static_cast<int64_t>(double(calls) * seconds / kSamples / std::max(taken, 1e-9)));
  Spread spread;
  for (int i = 0; i < kSamples; ++i) spread.runs.push_back(timed(calls) / double(calls));
  return spread;
}

}  // namespace troika::apps
