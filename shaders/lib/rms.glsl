// The root mean square of a row from its blocks' sums of squares: lane j of 16 adds up block j, j + 16, …; then come the 16.
const uint kRmsLanes = 16;

float rms_factor(const float sums[kRmsLanes], uint width, float epsilon) {
  float sum = sums[0];
  [[unroll]] for (uint j = 1; j < kRmsLanes; ++j) sum += sums[j];
  return inversesqrt(sum / width + epsilon);
}
