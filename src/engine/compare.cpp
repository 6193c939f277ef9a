#include "engine/compare.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "engine/model.h"
#include "ops/reference.h"
#include "ops/rewrites.h"
#include "plan/memory.h"

namespace troika::engine {
namespace {

// One side of the walk: the same tape on the devices of its list, one op at a time.
struct Side {
  Model model;
  Tape tape;
  std::shared_ptr<const Arenas> arenas;
  std::vector<device::Cache> caches;
  std::vector<std::unique_ptr<Relay>> ops;

  void compile(const plan::MemoryPlan& memory, const ops::StepInputs& inputs) {
    arenas = std::make_shared<Arenas>(model.devices, memory.bytes);
    const std::vector<int> devices = plan::devices_of_caches(tape.program, tape.placement);
    for (size_t i = 0; i < devices.size(); ++i) {
      size_t bytes = inputs.page_table.size() * device::cache_page_bytes(tape.program.caches[i], model.kv_format);
      device::Device& device = *model.devices[size_t(devices[i])];
      caches.push_back({device.allocate(bytes), device.allocate(bytes), model.kv_format});
    }
    const Surroundings around{.offsets = memory.offsets, .devices = model.devices, .weights = &model.weights,
                              .arenas = arenas, .caches = caches, .inputs = &inputs};
    for (size_t i = 0; i < tape.program.ops.size(); ++i) ops.push_back(std::make_unique<Relay>(tape, around, i, i + 1));
  }
  float* values(const plan::MemoryPlan& memory, size_t op, ops::Tensor t) const {
    return reinterpret_cast<float*>(arenas->of(tape.placement[op])->host() + memory.offsets[t.id]);
  }
};

std::vector<int> place(const ops::Program& program, const Model& model) {
  const auto holds = [&](int device, std::string_view name) { return model.weights.holds(device, name); };
  return plan::place(program, model.devices, model.pins, holds);
}

// Fused only where both sides have the fused op.
void trace(Side& a, Side& b, int tokens) {
  const ops::Program plain = models::trace(*a.model.architecture, a.model.slice, tokens, std::min(tokens, kMaxOutputs));
  const int count = static_cast<int>(b.model.devices.size());
  std::vector<int> pairs = place(plain, a.model), of_b = place(plain, b.model);
  for (size_t i = 0; i < pairs.size(); ++i) pairs[i] = pairs[i] * count + of_b[i];
  const ops::Program fused = ops::fuse(plain, pairs, [&](const ops::Program& p, const ops::Op& op, int pair) {
    return a.model.devices[size_t(pair / count)]->supports(p, op) && b.model.devices[size_t(pair % count)]->supports(p, op);
  });
  a.tape = b.tape = {fused, pairs};
  for (int& device : a.tape.placement) device /= count;
  for (int& device : b.tape.placement) device %= count;
}

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
    for (const auto& device : side->model.devices) {
      while (device->settle()) {}
    }
  }
  trace(left, right, static_cast<int>(prompt.size()));
  const ops::Program& program = left.tape.program;
  plan::MemoryPlan memory = plan::plan_memory(program);
  ops::StepInputs inputs = whole_prompt(prompt, left.model.spec.vocabulary, int(program.windows.size()));
  left.compile(memory, inputs);
  right.compile(memory, inputs);

  for (size_t i = 0; i < program.ops.size(); ++i) {
    const ops::Op& op = program.ops[i];
    for (Side* side : {&left, &right}) side->ops[i]->run();
    for (ops::Tensor t : op.out) {
      size_t count = size_t(ops::live_rows(program[t], inputs)) * program[t].shape.columns();
      std::span<float> mine(left.values(memory, i, t), count), theirs(right.values(memory, i, t), count);
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
