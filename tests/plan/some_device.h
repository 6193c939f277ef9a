// A device that does some kinds of operations and runs none: for tests that only place them.
#pragma once

#include <set>

#include "device/device.h"

namespace troika::plan {

class SomeDevice : public device::Device {
 public:
  SomeDevice(std::string name, std::set<ops::OpKind> kinds) : info_{.name = std::move(name), .description = ""}, kinds_(std::move(kinds)) {}
  const device::DeviceInfo& info() const override { return info_; }
  bool supports(const ops::Program&, const ops::Op& op) const override { return kinds_.empty() || kinds_.contains(op.kind); }
  std::shared_ptr<device::Buffer> allocate(size_t) override { fail("nothing runs here"); }
  std::shared_ptr<device::Buffer> import(device::HostRegion) override { return nullptr; }
  std::shared_ptr<device::Weight> prepare(const WeightView&, device::WeightUse) override { return nullptr; }
  std::unique_ptr<device::Executable> compile(const device::Segment&) override { fail("nothing runs here"); }

 private:
  const device::DeviceInfo info_;
  const std::set<ops::OpKind> kinds_;  // none: all
};

}  // namespace troika::plan
