// Sums and the largest of whole numbers, over a workgroup; their order does not matter. Behind lib/sum.glsl.
#extension GL_KHR_shader_subgroup_arithmetic : require
shared uvec4 of_subgroups_[kLanes / 4];  // more than there are

uvec2 total_of_all(uvec2 mine) {
  const uvec2 of_mine = subgroupAdd(mine);
  barrier();
  if (subgroupElect()) of_subgroups_[gl_SubgroupID].xy = of_mine;
  barrier();
  uvec2 sum = uvec2(0);
  for (uint i = gl_SubgroupInvocationID; i < gl_NumSubgroups; i += gl_SubgroupSize) sum += of_subgroups_[i].xy;
  return subgroupAdd(sum);
}

uvec4 largest_of_all(uvec4 mine) {
  const uvec4 of_mine = subgroupMax(mine);
  barrier();
  if (subgroupElect()) of_subgroups_[gl_SubgroupID] = of_mine;
  barrier();
  uvec4 most = uvec4(0);
  for (uint i = gl_SubgroupInvocationID; i < gl_NumSubgroups; i += gl_SubgroupSize) most = max(most, of_subgroups_[i]);
  return subgroupMax(most);
}
