// Sums, sums so far and the largest of whole numbers, over a workgroup; their order does not matter. Behind lib/sum.glsl.
shared uvec4 lanes_[kLanes];
shared uvec2 of_columns_[32];

uvec2 total_of_all(uvec2 mine) {
  const uint lane = gl_LocalInvocationID.x;
  barrier();
  lanes_[lane].xy = mine;
  barrier();
  if (lane < 32) {
    uvec2 sum = uvec2(0);
    for (uint i = lane; i < kLanes; i += 32) sum += lanes_[i].xy;
    of_columns_[lane] = sum;
  }
  barrier();
  uvec2 total = uvec2(0);
  [[unroll]] for (uint i = 0; i < 32; ++i) total += of_columns_[i];
  return total;
}

// Of this lane and those before it.
uvec2 total_so_far(uvec2 mine) {
  const uint lane = gl_LocalInvocationID.x;
  barrier();
  lanes_[lane].xy = mine;
  for (uint step_ = 1; step_ < kLanes; step_ *= 2) {
    barrier();
    const uvec2 before = lane >= step_ ? lanes_[lane - step_].xy : uvec2(0);
    barrier();
    lanes_[lane].xy += before;
  }
  return lanes_[lane].xy;
}

uvec4 largest_of_all(uvec4 mine) {
  const uint lane = gl_LocalInvocationID.x;
  barrier();
  lanes_[lane] = mine;
  barrier();
  for (uint half_ = kLanes / 2; half_ > 0; half_ /= 2) {
    if (lane < half_) lanes_[lane] = max(lanes_[lane], lanes_[lane + half_]);
    barrier();
  }
  return lanes_[0];
}
