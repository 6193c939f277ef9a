// Resizing pictures to the last bit as torchvision resizes 8-bit tensors on a CPU with AVX2, which is what
// the processors of transformers do by default.
//
// It is separable, along x first and then along y, each pass rounding to 8 bits; a pass whose size does not
// change is left out. Per output pixel: a triangle (bilinear) or Keys' cubic (bicubic; R. Keys, "Cubic
// convolution interpolation for digital image processing", 1981), widened by the scale when the picture
// shrinks, with weights that sum to 1. A weight is a whole number of 16 bits, with as many fractional bits as
// the largest weight of the axis leaves; that is where the result differs from Pillow's, which has 22.
#pragma once

#include "vision/picture.h"

namespace troika::vision {

enum class Filter { bilinear, bicubic };

struct ResizeOptions {
  Filter filter = Filter::bilinear;
  // Off: the filter is never widened, its taps beyond the border count for the border pixel, and the cubic
  // has a = -0.75 instead of -0.5.
  bool antialias = true;
};

// width and height: at least 1.
Picture resize(const Picture& picture, int width, int height, const ResizeOptions& options);

}  // namespace troika::vision
