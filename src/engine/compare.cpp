#include "engine/compare.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "engine/model.h"
#include "engine/step.h"
#include "ops/reference.h"
#include "plan/memory.h"

namespace troika::engine {
namespace {

// One device's side of the walk: the same tape, one executable per op.
struct Side {
  Model model;
  std::shared_ptr<device::Buffer> arena;
  std::vector<device::Cache> caches;
  std::vector<std::shared_ptr<device::Weight>> weights;
  std::vector<std::unique_ptr<device::Executable>> ops;

  void compile(const ops::Program& program, const plan::MemoryPlan& memory, const ops::StepInputs& inputs) {
    arena = model.device->allocate(memory.bytes);
    for (const ops::CacheInfo& cache : program.caches) {
      size_t bytes = inputs.page_table.size() * cache_page_bytes(cache, model.kv_format);
      caches.push_back({model.device->allocate(bytes), model.device->allocate(bytes), model.kv_format});
    }
    weights = weights_of(model, program);
    for (size_t i = 0; i < program.ops.size(); ++i) {
      ops.push_back(model.device->compile({.program = &program, .begin = i, .end = i + 1, .arena = arena,
                                           .offsets = memory.offsets, .weights = weights, .caches = caches,
                                           .inputs = &inputs}));
    }
  }
  float* values(const plan::MemoryPlan& memory, ops::Tensor t) const {
    return reinterpret_cast<float*>(arena->host() + memory.offsets[t.id]);
  }
};

OpDifference difference(std::span<const float> a, std::span<const float> b) {
  OpDifference d;
  double error = 0, norm = 0, worst = -1;
  for (size_t i = 0; i < a.size(); ++i) {
    double delta = double(a[i]) - b[i];
    error += delta * delta;
    norm += double(b[i]) * b[i];
    if (!(std::abs(delta) <= worst) && !std::isnan(worst)) {  // nothing is worse than no number
      worst = std::abs(delta);
      d.worst_a = a[i];
      d.worst_b = b[i];
    }
  }
  d.error = norm > 0 ? std::sqrt(error / norm) : std::sqrt(error);
  return d;
}

// What rounded keys and values may change attention by, generously: half a step of the format and more.
double cache_rounding(Format cache) {
  switch (cache) {
    case Format::f16: return 1e-3;
    case Format::q8_0: return 0.02;
    case Format::q4_0: return 0.3;
    default: return 0;
  }
}

// All prompt tokens in one step; logits for the last one.
ops::StepInputs whole_prompt(std::span<const int32_t> prompt, int vocabulary, int page_groups) {
  int tokens = static_cast<int>(prompt.size());
  int pages = ops::pages_for(tokens);
  ops::StepInputs inputs(tokens, 1, 1, pages, page_groups);
  inputs.tokens = tokens;
  inputs.outputs = 1;
  for (int i = 0; i < tokens; ++i) {
    if (prompt[i] < 0 || prompt[i] >= vocabulary) {
      fail("token id {} is not in the vocabulary of {}", prompt[i], vocabulary);
    }
    inputs.place(i, prompt[i], i, 0);
  }
  inputs.output_rows[0] = tokens - 1;
  std::iota(inputs.page_table.begin(), inputs.page_table.end(), 0);
  return inputs;
}

}  // namespace

void compare_devices(const std::filesystem::path& path, const EngineOptions& a, const EngineOptions& b,
                     std::span<const int32_t> prompt, const std::function<void(const OpDifference&)>& report) {
  if (prompt.empty()) fail("the prompt is empty");
  Side left{.model = load_model(path, a)}, right{.model = load_model(path, b)};
  for (Side* side : {&left, &right}) {
    while (side->model.device->settle()) {}
  }
  ops::Program program = trace_bucket(left.model, static_cast<int>(prompt.size()));
  plan::MemoryPlan memory = plan::plan_memory(program);
  ops::StepInputs inputs = whole_prompt(prompt, left.model.spec.vocabulary, int(program.windows.size()));
  left.compile(program, memory, inputs);
  right.compile(program, memory, inputs);

  for (size_t i = 0; i < program.ops.size(); ++i) {
    const ops::Op& op = program.ops[i];
    for (Side* side : {&left, &right}) {
      side->ops[i]->submit();
      side->ops[i]->wait();
    }
    for (ops::Tensor t : op.out) {
      size_t count = size_t(ops::live_rows(program[t], inputs)) * program[t].shape.columns();
      std::span<float> mine(left.values(memory, t), count), theirs(right.values(memory, t), count);
      OpDifference d = difference(mine, theirs);
      if (op.kind == ops::OpKind::attend) {
        d.rounding = std::max(cache_rounding(left.model.kv_format), cache_rounding(right.model.kv_format));
      }
      d.op = fmt::format("{:4} {:<28} {}", i, op.name, to_string(program, op));
      report(d);
      std::memcpy(mine.data(), theirs.data(), theirs.size_bytes());
    }
  }
}

}  // namespace troika::engine
