#include "device/vulkan/relays.h"

#include <cstring>

namespace troika::device::vulkan {
namespace {

constexpr size_t kStride = 16;             // words from one counter to the next, as shaders/lib/relay.glsl has it
constexpr uint32_t kGivenUp = 1u << 31;

}  // namespace

void Relays::begin_next(bool knows) {
  relays_.push_back({0, knows && all_know_});
  all_know_ = true;
}

size_t Relays::add(bool knows, uint32_t workgroups) {
  all_know_ = all_know_ && knows;
  if (knows) relays_.back().workgroups += workgroups;
  return relays_.size() - 1;
}

void Relays::place(Context& context) {
  size_t slot = 0;
  for (size_t i = 0; i < relays_.size(); ++i) {
    if (!relays_[i].waits) ++slot;  // nobody counts here, so it waits for nothing
    relays_[i].slot = slot++;
    const bool is_last = i + 1 == relays_.size() || !relays_[i + 1].waits;
    if (is_last && relays_[i].workgroups > 0) last_slots_.push_back(relays_[i].slot);
  }
  counters_.assign(slot * kStride, 0);
  for (const Relay& relay : relays_) counters_[relay.slot * kStride] = relay.workgroups;
  buffer_ = context.allocate(counters_.size() * sizeof counters_[0]);
}

VkDeviceAddress Relays::address(size_t number) const {
  return buffer_ ? buffer_->address() + (relays_[number].slot - 1) * kStride * sizeof counters_[0] : 0;
}

void Relays::reset() {
  if (buffer_) std::memcpy(buffer_->host(), counters_.data(), counters_.size() * sizeof counters_[0]);
}

bool Relays::was_given_up() const {
  if (!buffer_) return false;
  const auto* counters = reinterpret_cast<const volatile uint32_t*>(buffer_->host());
  for (size_t slot : last_slots_) {
    if (counters[slot * kStride] & kGivenUp) return true;
  }
  return false;
}

}  // namespace troika::device::vulkan
