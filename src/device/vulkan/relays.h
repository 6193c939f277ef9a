// Which dispatches wait for those before them by themselves, in the place of a barrier (shaders/lib/relay.glsl). A relay is
// dispatches side by side; those of the next wait until all its workgroups are done.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "device/vulkan/context.h"

namespace troika::device::vulkan {

class Relays {
 public:
  static constexpr size_t kPushAt = 112;  // where such shaders have the address, in their push constants

  // What is added next stands behind all before it. `knows`: its shader waits, where it is told to.
  void begin_next(bool knows);
  // A dispatch of so many workgroups. Gives its relay's number.
  size_t add(bool knows, uint32_t workgroups);

  void place(Context& context);  // once, behind the last dispatch; until then none waits
  void give_up() { buffer_ = nullptr; }
  bool waits(size_t number) const { return buffer_ && relays_[number].waits; }  // else it begins behind a barrier
  VkDeviceAddress address(size_t number) const;  // for its dispatches; 0: none waits

  void reset();                // before each submission
  bool was_given_up() const;   // behind it: a workgroup waited in vain, so what was computed is wrong

 private:
  struct Relay {
    uint32_t workgroups = 0;
    bool waits = false;
    size_t slot = 0;  // its counter's; the slot before has what it waits for
  };
  std::vector<Relay> relays_{{}};
  bool all_know_ = true;  // of the last relay
  std::vector<uint32_t> counters_;  // as a submission finds them
  std::vector<size_t> last_slots_;  // of relays that none waits for: those know whether any before them waited in vain
  std::shared_ptr<GpuBuffer> buffer_;
};

}  // namespace troika::device::vulkan
