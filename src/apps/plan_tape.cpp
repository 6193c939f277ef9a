#include "apps/plan_tape.h"

#include <fmt/format.h>

#include <algorithm>

#include "apps/plan_facts.h"
#include "plan/memory.h"
#include "plan/segments.h"

namespace troika::apps {

void print_tape(Subject& s, const ModelOptions& o, int tokens) {
  engine::open_devices(s.model, o.engine_options());
  const plan::Devices devices = s.model.devices;
  const ops::Program plain = models::trace(*s.model.architecture, s.model.spec, tokens, std::min(tokens, engine::kMaxOutputs));
  std::vector<int> placement = plan::place(plain, devices, s.model.pins);
  const ops::Program program = plan::fuse_placed(plain, devices, placement);
  const plan::MemoryPlan memory = plan::plan_memory(program);
  fmt::print("\nA step of {} tokens: {} ops in {} segments on {}, {} of activations\n", tokens, program.ops.size(),
             plan::cut(placement).size(), plan::summary(program, placement, devices), size_text(memory.bytes));
  size_t width = 9;
  for (const auto& device : devices) width = std::max(width, device->info().name.size());
  for (size_t i = 0; i < program.ops.size(); ++i) {
    const ops::Op& op = program.ops[i];
    std::string at = op.out.empty() ? "" : fmt::format("@{}", memory.offsets[op.out[0].id]);
    fmt::print("{:4}  {:<{}} {:<10} {:<26} {}\n", i, devices[size_t(placement[i])]->info().name, width, at, op.name,
               to_string(program, op));
  }
}

}  // namespace troika::apps
