// Which places of the matrix unit's operands a lane of the subgroup has, in the layouts that we know: A of kM × kK weights, B of
// kK × kN values of x. Vulkan leaves it to the driver, so matrix_layout.comp asks, and src/device/vulkan/matrix_lanes.cpp
// compares. Who includes this says kM, kN, kK and kLayout.
//
//   kRowsApart     lane l has row l % kM of A and column l % kN of B, all of each. AMD, RDNA3.
//   kInQuads       four lanes share a row of A, two columns of each eight for each of them: lane l has part of row l / 4 and of
//                  the one 8 below; and column l / 4 of B, of the same rows. NVIDIA from Ampere on.
//   kColumnsApart  lane l has column l of A and row l of B. Mesa's llvmpipe.
const uint kRowsApart = 0, kInQuads = 1, kColumnsApart = 2;
const uint kClasses = kLayout == kRowsApart ? 1 : kLayout == kInQuads ? 4 : kK;                       // of lanes: who has which of kK
const uint kLaneRows = kLayout == kRowsApart ? 1 : kLayout == kInQuads ? 2 : kM;  // of A that a lane has values of
const uint kLaneTokens = kLayout == kColumnsApart ? kN : 1;                     // columns of B
const uint kLaneValues = kK / kClasses;                                         // of each

uint lane_class() { return gl_SubgroupInvocationID % kClasses; }
uint lane_row(uint r) {
  const uint lane = gl_SubgroupInvocationID;
  return kLayout == kRowsApart ? lane % kM : kLayout == kInQuads ? lane / 4 + 8 * r : r;
}
uint lane_token(uint t) {
  const uint lane = gl_SubgroupInvocationID;
  return kLayout == kRowsApart ? lane % kN : kLayout == kInQuads ? lane / 4 : t;
}

// The element that is value v of the lane's r-th row of A, or of its r-th column of B.
uint place_in_lane(uint r, uint v) { return r * kLaneValues + v; }
