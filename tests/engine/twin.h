// "twin": the CPU once more, as a device that shares no memory with others. A model on both has the CPU's bits.
#pragma once

#include <gtest/gtest.h>

#include "engine/handing_on.h"

namespace troika::engine {

class Twin : public HandsOn {
 public:
  explicit Twin(const device::DeviceOptions& options) : HandsOn(device::make_device("cpu", options)) {
    info_.name = "twin";
    info_.description = "the CPU once more";
  }
  const device::DeviceInfo& info() const override { return info_; }
  std::shared_ptr<device::Buffer> import(device::HostRegion) override { return nullptr; }

 private:
  device::DeviceInfo info_;
};

// "multiplier": one that only multiplies, as an NPU does.
class Multiplier : public Twin {
 public:
  using Twin::Twin;
  bool supports(const ops::Program&, const ops::Op& op) const override { return op.kind == ops::OpKind::linear; }
};

inline void add_twin() {
  static const bool added = [] {
    device::add_backend({"multiplier", [](const device::DeviceOptions& o) { return std::make_unique<Multiplier>(o); }});
    device::add_backend({"twin", [](const device::DeviceOptions& o) { return std::make_unique<Twin>(o); }});
    return true;
  }();
  EXPECT_TRUE(added);
}

}  // namespace troika::engine
