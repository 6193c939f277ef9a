// Heads in shared memory, and their orthonormal Hadamard transform (QuaRot, arXiv:2404.00456; kernels/hadamard.h): each
// `size` values, a power of two, on their own. Included behind kHeadFours: for how many fours of values there is room.
shared vec4 head_[kHeadFours];

float head_value(uint i) { return head_[i / 4][i % 4]; }
void set_head_value(uint i, float value) { head_[i / 4][i % 4] = value; }

void rotate_heads(uint values, uint size, uint lane, uint lanes) {
  for (uint half_ = 1; half_ < size; half_ *= 2) {
    barrier();
    for (uint i = lane; i < values / 2; i += lanes) {
      const uint at = i / half_ * 2 * half_ + i % half_;
      const float a = head_value(at), b = head_value(at + half_);
      set_head_value(at, a + b);
      set_head_value(at + half_, a - b);
    }
  }
  barrier();
  const float norm = 1 / sqrt(float(size));
  for (uint i = lane; i < values; i += lanes) set_head_value(i, head_value(i) * norm);
  barrier();
}
