// Sums over a workgroup, always in the same order.
layout(local_size_x_id = 2) in;  // a power of two from 32 on
const uint kLanes = gl_WorkGroupSize.x;
shared float partial_[kLanes];
shared float columns_[32];

// Each of 32 lanes adds up what is 32 apart, then all add up these.
float sum_of_all(float mine) {
  const uint lane = gl_LocalInvocationID.x;
  barrier();
  partial_[lane] = mine;
  barrier();
  if (lane < 32) {
    float sum = partial_[lane];
    for (uint i = lane + 32; i < kLanes; i += 32) sum += partial_[i];
    columns_[lane] = sum;
  }
  barrier();
  float sum = columns_[0];
  [[unroll]] for (uint i = 1; i < 32; ++i) sum += columns_[i];
  return sum;
}
