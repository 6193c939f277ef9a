#include "device/vulkan/chain.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace troika::device::vulkan {
namespace {

// As shaders/lib/chain.glsl has it.
constexpr size_t kSlotWords = 16, kInVainWord = 2;
constexpr size_t kSlotBytes = kSlotWords * sizeof(uint32_t);
constexpr uint32_t kGivenUp = 1u << 31;

}  // namespace

void Chain::begin_link() {
  const Link& before = links_.back();
  links_.push_back({.waits = before.all_say && before.workgroups > 0});
}

size_t Chain::add(bool can_wait, uint32_t workgroups) {
  Link& link = links_.back();
  if (can_wait) {
    link.workgroups += workgroups;
    check(workgroups > 0 && link.workgroups < kGivenUp, "workgroups of a link can be counted");
  } else {
    link.all_say = link.waits = false;
  }
  return links_.size() - 1;
}

void Chain::place(Context& context) {
  if (std::ranges::none_of(links_, &Link::waits)) return;
  size_t slot = 0;
  for (Link& link : links_) {
    if (!link.waits) ++slot;  // nobody counts here, so it waits for nothing
    link.slot = slot++;
  }
  in_vain_ = context.allocate(sizeof(uint32_t), true);
  const VkDeviceAddress in_vain = in_vain_->address();
  slots_.assign(slot * kSlotWords, 0);
  for (const Link& link : links_) {
    uint32_t* words = &slots_[link.slot * kSlotWords];
    words[0] = link.workgroups;
    std::memcpy(words + kInVainWord, &in_vain, sizeof in_vain);
  }
  buffer_ = context.allocate(slots_.size() * sizeof slots_[0]);
}

VkDeviceAddress Chain::address(size_t link) const {
  return buffer_ ? buffer_->address() + (links_[link].slot - 1) * kSlotBytes : 0;
}

void Chain::reset() {
  if (!buffer_) return;
  std::memset(in_vain_->host(), 0, in_vain_->size());
  std::memcpy(buffer_->host(), slots_.data(), slots_.size() * sizeof slots_[0]);
}

bool Chain::waited_in_vain() const {
  return buffer_ && *reinterpret_cast<const volatile uint32_t*>(in_vain_->host()) != 0;
}

}  // namespace troika::device::vulkan
