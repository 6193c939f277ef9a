// Sums over a workgroup, always in the same order.
layout(local_size_x_id = 2) in;  // a power of two from 32 on
const uint kLanes = gl_WorkGroupSize.x;
shared float partial_[kLanes];

float sum_of_all(float mine) {
  const uint lane = gl_LocalInvocationID.x;
  barrier();
  partial_[lane] = mine;
  barrier();
  for (uint half_ = kLanes / 2; half_ > 0; half_ /= 2) {
    if (lane < half_) partial_[lane] += partial_[lane + half_];
    barrier();
  }
  return partial_[0];
}
