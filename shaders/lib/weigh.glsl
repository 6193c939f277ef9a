// Weights of a stretch, where lanes add up parts of its scores: lane l has the quads l, l + kLanes, … of all rows. Behind lib/attend.glsl.
const uint kOwnQuads = (kTile * kQuads + kLanes - 1) / kLanes;
shared vec4 weight_[kTile * kQuads], quad_largest_[kTile * kQuads / 4], quad_sum_[kTile * kQuads / 4];

vec4 four_at(uint line, uint four) { return partial_[line + four]; }

Seen seen_[kMostOwn];  // by the rows of this lane's quads

void look_at_positions(Rows rows) {
  [[unroll]] for (uint i = 0; i < kOwnQuads; ++i) {
    const uint row = (i * kLanes + gl_LocalInvocationID.x) / kQuads;
    seen_[i] = row < rows.count ? seen_by(rows.token + row / rows.heads) : Seen(0, -1);
  }
}

void weigh(uint rows, int begin) {
  const uint lane = gl_LocalInvocationID.x;
  vec4 score[kMostOwn];
  [[unroll]] for (uint i = 0; i < kOwnQuads; ++i) {
    const uint at = i * kLanes + lane, row = at / kQuads, quad = at % kQuads;
    if (at >= rows * kQuads) continue;
    precise vec4 sum = partial_[row * kSumLanes + quad];
    for (uint part = 1; part < kParts; ++part) sum += partial_[row * kSumLanes + part * kQuads + quad];
    score[i] = score_of(sum, seen_[i], begin + int(quad * 4));
    quad_largest_[at / 4][at % 4] = largest_of(score[i]);
  }
  barrier();
  [[unroll]] for (uint i = 0; i < kOwnQuads; ++i) {
    const uint at = i * kLanes + lane, row = at / kQuads;
    if (at >= rows * kQuads) continue;
    vec4 four = quad_largest_[row * kQuads / 4];
    [[unroll]] for (uint k = 1; k < kQuads / 4; ++k) four = max(four, quad_largest_[row * kQuads / 4 + k]);
    const float most = largest_of(four);
    const vec4 weight = weights_below(most, score[i]);
    weight_[at] = weight;
    quad_sum_[at / 4][at % 4] = sum_of(weight);
    if (at % kQuads == 0) row_largest_[row] = most;
  }
  barrier();
  if (lane < rows) {
    float sum = 0;
    [[unroll]] for (uint k = 0; k < kQuads / 4; ++k) sum += sum_of(quad_sum_[lane * kQuads / 4 + k]);
    row_sum_[lane] = sum;
  }
}
