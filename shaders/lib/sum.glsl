// Sums over a workgroup of 128, always in the same order.
const uint kLanes = 128;
layout(local_size_x = kLanes) in;
shared float partial_[kLanes];

float sum_of_all(float mine) {
  const uint lane = gl_LocalInvocationID.x;
  barrier();
  partial_[lane] = mine;
  barrier();
  [[unroll]] for (uint half_ = kLanes / 2; half_ > 0; half_ /= 2) {
    if (lane < half_) partial_[lane] += partial_[lane + half_];
    barrier();
  }
  return partial_[0];
}
