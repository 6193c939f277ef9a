#include "apps/plan_tape.h"

#include <fmt/format.h>

#include "apps/plan_facts.h"
#include "plan/memory.h"
#include "plan/segments.h"

namespace troika::apps {

void print_tape(Subject& s, const ModelOptions& o, int tokens) {
  engine::EngineOptions options = o.engine_options();
  std::string name = options.device == "auto" ? "cpu" : options.device;
  s.model.device = device::make_device(name, {.threads = options.threads, .float32 = options.float32});
  ops::Program program = engine::trace_bucket(s.model, s.model.spec, tokens);
  plan::MemoryPlan memory = plan::plan_memory(program);
  device::Device* devices[] = {s.model.device.get()};
  auto placement = plan::place(program, devices);
  fmt::print("\nA step of {} tokens: {} ops in {} segments on {}, {} of activations\n", tokens, program.ops.size(),
             plan::cut(placement).size(), s.model.device->info().name, size_text(memory.bytes));
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const ops::Op& op = program.ops[i];
    std::string at = op.out.empty() ? "" : fmt::format("@{}", memory.offsets[op.out[0].id]);
    fmt::print("{:4}  {:<9} {:<10} {:<26} {}\n", i, devices[placement[i]]->info().name, at, op.name,
               to_string(program, op));
  }
}

}  // namespace troika::apps
