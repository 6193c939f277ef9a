// Dispatches that follow each other without a barrier (src/device/vulkan/relays.h): workgroups of the next start as those
// before end, ask for their weights, and wait by themselves until all of those are done. A GPU starts the workgroups of a
// queue in order, so who waits never keeps out whom it waits for. Vulkan does not promise that, so waiting has an end.
#include "lib/visible.glsl"

const uint kMostPolls = 1u << 20;  // about a second
const uint kGivenUp = 1u << 31, kNext = 16;

// at[0]: workgroups of the dispatches before that are not done yet; at[kNext]: of this one and those beside it. kGivenUp: somebody
// did not wait to the end, there or earlier.
layout(buffer_reference, std430, buffer_reference_align = 64) buffer Relay { VISIBLE uint at[]; };

const int kBuffers = gl_StorageSemanticsBuffer;

// Until all is there that this dispatch reads. All lanes call it, as often as they like; a workgroup that reads nothing need not.
void wait_in(Relay relay) {
  if (gl_LocalInvocationIndex == 0) {
    uint left = atomicLoad(relay.at[0], gl_ScopeDevice, 0, 0);
    for (uint i = 0; left != 0 && left < kGivenUp && i < kMostPolls; ++i) left = atomicLoad(relay.at[0], gl_ScopeDevice, 0, 0);
    if (left != 0) atomicOr(relay.at[kNext], kGivenUp, gl_ScopeDevice, 0, 0);
    memoryBarrier(gl_ScopeDevice, kBuffers, gl_SemanticsAcquire | kMakeVisible);
  }
  controlBarrier(gl_ScopeWorkgroup, gl_ScopeWorkgroup, kBuffers, gl_SemanticsAcquireRelease | kMakeAvailable | kMakeVisible);
}

// All lanes of each workgroup call it once, last. The first has waited whatever it read: so when all are done, those before are.
void pass_on(Relay relay) {
  if (gl_WorkGroupID == uvec3(0)) wait_in(relay);
  controlBarrier(gl_ScopeWorkgroup, gl_ScopeWorkgroup, kBuffers, gl_SemanticsAcquireRelease | kMakeAvailable | kMakeVisible);
  if (gl_LocalInvocationIndex == 0) {
    atomicAdd(relay.at[kNext], ~0u, gl_ScopeDevice, kBuffers, gl_SemanticsRelease | kMakeAvailable);
  }
}
