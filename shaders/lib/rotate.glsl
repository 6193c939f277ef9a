// The orthonormal Hadamard transform of a head in shared memory (QuaRot, arXiv:2404.00456; kernels/hadamard.h): each
// `size` values, a power of two, on their own.
const uint kMostHead = 512;
shared float head_[kMostHead];

void rotate_head(uint dim, uint size, uint lane, uint lanes) {
  for (uint half_ = 1; half_ < size; half_ *= 2) {
    barrier();
    for (uint i = lane; i < dim / 2; i += lanes) {
      const uint at = i / half_ * 2 * half_ + i % half_;
      const float a = head_[at], b = head_[at + half_];
      head_[at] = a + b;
      head_[at + half_] = a - b;
    }
  }
  barrier();
  const float norm = 1 / sqrt(float(size));
  for (uint i = lane; i < dim; i += lanes) head_[i] *= norm;
  barrier();
}
