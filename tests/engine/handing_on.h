// A device that hands everything on to another: what tests of the engine put in between changes one thing.
#pragma once

#include "device/device.h"

namespace troika::engine {

class HandsOn : public device::Device {
 public:
  explicit HandsOn(std::unique_ptr<device::Device> inner) : inner_(std::move(inner)) {}
  const device::DeviceInfo& info() const override { return inner_->info(); }
  bool supports(const ops::Program& program, const ops::Op& op) const override { return inner_->supports(program, op); }
  std::shared_ptr<device::Buffer> allocate(size_t bytes) override { return inner_->allocate(bytes); }
  std::shared_ptr<device::Buffer> import(device::HostRegion region) override { return inner_->import(region); }
  std::shared_ptr<device::Weight> prepare(const WeightView& view, device::WeightUse use) override {
    return inner_->prepare(view, use);
  }
  std::unique_ptr<device::Executable> compile(const device::Segment& segment) override { return inner_->compile(segment); }
  void limit_threads(double share) override { inner_->limit_threads(share); }

 private:
  const std::unique_ptr<device::Device> inner_;
};

}  // namespace troika::engine
