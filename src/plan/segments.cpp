#include "plan/segments.h"

#include "base/error.h"

namespace troika::plan {

std::vector<int> place(const ops::Program& program, std::span<device::Device* const> devices) {
  std::vector<int> placement;
  for (const ops::Op& op : program.ops) {
    int chosen = -1;
    for (size_t d = 0; d < devices.size() && chosen < 0; ++d) {
      if (devices[d]->supports(program, op)) chosen = static_cast<int>(d);
    }
    if (chosen < 0) fail("no device can run {} ({})", op.name, to_string(program, op));
    placement.push_back(chosen);
  }
  return placement;
}

std::vector<Stretch> cut(std::span<const int> device_of_op) {
  std::vector<Stretch> stretches;
  for (size_t i = 0; i < device_of_op.size(); ++i) {
    if (stretches.empty() || stretches.back().device != device_of_op[i]) {
      stretches.push_back({device_of_op[i], i, i});
    }
    stretches.back().end = i + 1;
  }
  return stretches;
}

}  // namespace troika::plan
