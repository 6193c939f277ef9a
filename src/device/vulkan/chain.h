// Dispatches that wait for those before them by themselves, in the place of a barrier (shaders/lib/chain.glsl). A link is
// dispatches side by side; those of the next link wait until all its workgroups are done.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "device/vulkan/context.h"

namespace troika::device::vulkan {

class Chain {
 public:
  static constexpr size_t kPushAt = 112;  // where such shaders have their link's address, in their push constants

  // What is added next stands behind all before it.
  void begin_link();
  // A dispatch of so many workgroups; `can_wait`: its shader does, where it is told to. Gives its link's number.
  size_t add(bool can_wait, uint32_t workgroups);

  void place(Context& context);  // once, behind the last dispatch; until then, and where none can, none waits
  void dissolve() { buffer_ = nullptr; }
  bool waits(size_t link) const { return buffer_ && links_[link].waits; }  // else it begins behind a barrier
  VkDeviceAddress address(size_t link) const;  // 0: nothing waits

  void reset();  // before each submission
  bool waited_in_vain() const;  // behind it: what was computed is wrong

 private:
  struct Link {
    uint32_t workgroups = 0;  // that say when they are done
    bool all_say = true, waits = false;
    size_t slot = 0;  // where its counter is; the slot before has what it waits for
  };
  std::vector<Link> links_{{}};
  std::vector<uint32_t> slots_;  // as a submission finds them
  std::shared_ptr<GpuBuffer> buffer_, in_vain_;
};

}  // namespace troika::device::vulkan
