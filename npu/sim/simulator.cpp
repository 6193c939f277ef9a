#include "npu/sim/simulator.h"

#include "npu/design/check.h"
#include "npu/sim/array.h"

namespace troika::npu::sim {

Simulator::Simulator(const DesignSpec& design, const Options& options) {
  std::vector<std::string> found = violations(design);
  if (!found.empty()) fail("The design {} does not fit the array: {}.", design.name, found[0]);
  array_ = std::make_unique<Array>(design, options);
}

Simulator::~Simulator() = default;

Report Simulator::run(std::span<const uint32_t> stream, std::span<HostBuffer* const> arguments) {
  check(!dead_, "an array that no fault has ended");
  std::vector<txn::Operation> operations = txn::decode(stream);
  dead_ = true;
  Report report = array_->run(operations, arguments);
  dead_ = false;
  return report;
}

}  // namespace troika::npu::sim
