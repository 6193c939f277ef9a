// Dispatches that follow each other without a barrier (src/device/vulkan/chain.h): workgroups of the next start as those
// before end, ask for their weights, and wait by themselves until all of those are done. A GPU starts the workgroups of a
// queue in order, so who waits never keeps out whom it waits for. Vulkan does not promise that, so waiting has an end.
// Included behind push constants with `step` and `link`: the address of the dispatch's own; 0: it stands in no chain.
#include "lib/visible.glsl"

const uint kMostPolls = 1u << 20;  // about a second
const uint kGivenUp = 1u << 31;
const int kBuffers = gl_StorageSemanticsBuffer;

layout(buffer_reference, std430, buffer_reference_align = 4) buffer InVain { VISIBLE uint at; };

// Of dispatches side by side, and of those before them that they wait for: left: workgroups that are not done yet; kGivenUp besides:
// somebody did not wait to the end, there or earlier.
layout(buffer_reference, std430, buffer_reference_align = 64) buffer Link {
  VISIBLE uint left_before;
  uint unused[15];
  VISIBLE uint left;
  uint unused2;
  uint64_t in_vain;  // where the host is told so
};

// What a lane has written, all of its workgroup read behind it; and others whom one of it tells, with a release.
void barrier_of_all() {
  controlBarrier(gl_ScopeWorkgroup, gl_ScopeWorkgroup, kBuffers, gl_SemanticsAcquireRelease | kMakeAvailable | kMakeVisible);
}

uint left_ = 1;  // when it was last looked
bool has_waited_ = false;

void look_again(uint64_t at) { left_ = atomicLoad(Link(at).left_before, gl_ScopeDevice, 0, 0); }

// In front of what is asked for before wait(): so that the answer is not behind all that. Need not be called. Without a link it
// looks at the step's block: llvmpipe reads whatever a condition says.
void look() {
  if (gl_LocalInvocationIndex == 0) look_again(link != 0 ? link : uint64_t(step));
}

// Until all is there that this dispatch reads. All lanes call it, as often as they like; a workgroup that reads nothing need not.
void wait() {
  if (link == 0 || has_waited_) return;
  has_waited_ = true;
  Link mine = Link(link);
  if (gl_LocalInvocationIndex == 0) {
    for (uint i = 0; left_ != 0 && left_ < kGivenUp && i < kMostPolls; ++i) look_again(link);
    if (left_ != 0) {
      atomicOr(mine.left_before, kGivenUp, gl_ScopeDevice, 0, 0);
      atomicOr(mine.left, kGivenUp, gl_ScopeDevice, 0, 0);
      InVain(mine.in_vain).at = 1;
    }
    memoryBarrier(gl_ScopeDevice, kBuffers, gl_SemanticsAcquire | kMakeVisible);
  }
  barrier_of_all();
}

// All lanes of each workgroup call it once, last. The first workgroup has waited whatever it read: so when all are done, all
// before them are.
void pass_on() {
  if (link == 0) return;
  if (gl_WorkGroupID == uvec3(0)) wait();
  barrier_of_all();
  if (gl_LocalInvocationIndex == 0) {
    atomicAdd(Link(link).left, ~0u, gl_ScopeDevice, kBuffers, gl_SemanticsRelease | kMakeAvailable);
  }
}
