// From a picture to what a vision tower reads: resized, normalised, cut into patches; value for value what
// the processors of Hugging Face transformers make (Qwen2VLImageProcessor, Gemma3ImageProcessor, their
// defaults). Numbers come in as plain structs; whoever reads a model's preprocessor_config.json or mmproj
// file fills them.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "vision/picture.h"
#include "vision/resize.h"

namespace troika::vision {

enum class ResizeRule {
  smart,  // Qwen: about the picture's own size, sides multiples of patch·merge, area between min and max
          // pixels
  fixed,  // Gemma 3: size x size, whatever the proportions
};

struct ImageSize {
  int height = 0, width = 0;
  bool operator==(const ImageSize&) const = default;
};

struct ProcessorSpec {
  ResizeRule rule = ResizeRule::smart;
  Filter filter = Filter::bicubic;
  int patch = 14;                                             // pixels, a side
  int merge = 2;                                              // patches, a side, that become one token
  int temporal = 2;                                           // frames in a patch
  int size = 896;                                             // pixels, a side; rule fixed
  int64_t min_pixels = 56 * 56, max_pixels = 28 * 28 * 1280;  // rule smart
  std::array<float, 3> mean{0.5f, 0.5f, 0.5f}, deviation{0.5f, 0.5f, 0.5f};  // of values from 0 to 1
  // Gemma 3's pan and scan, which the caller may use or not.
  int crop_min_size = 256, crops_max = 4;
  double crop_min_ratio = 1.2;  // of the sides
};

// Throws Error naming the number that no processor can work with. All functions below call it first.
void check_spec(const ProcessorSpec& spec);

struct Patches {
  int rows = 0, columns = 0;  // the grid, before merging
  int values = 0;             // in a patch: 3 · temporal · patch · patch
  // [rows · columns, values]: patches row by row; in a patch (channel, time, y, x), time only where temporal
  // > 1.
  std::vector<float> data;
};

// One picture; a patch of several frames gets it several times. Throws Error as target_size does.
Patches prepare(const Picture& picture, const ProcessorSpec& spec);
// A video's frames, all of one size (else Error), `temporal` of them to one Patches; the last frame is
// repeated to fill the last one.
std::vector<Patches> prepare_frames(std::span<const Picture> frames, const ProcessorSpec& spec);

// The size that a picture is resized to, so that its tokens can be counted before it is prepared. Throws
// Error for a side more than 200 times the other (rule smart).
ImageSize target_size(ImageSize image, const ProcessorSpec& spec);

// Gemma 3's option: equal crops along the longer side of a picture that is far from square, without the whole
// picture itself; none where it is nearly square or the crops would be too small.
std::vector<Picture> pan_and_scan(const Picture& picture, const ProcessorSpec& spec);

}  // namespace troika::vision
