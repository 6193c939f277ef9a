// The reference computes sizes in Python's double precision and values in float32; so do we, in the same
// order.
#include "vision/processor.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "base/error.h"

namespace troika::vision {
namespace {

constexpr double kMaxRatio = 200;
constexpr int64_t kMostPixels = int64_t{1} << 28;  // no sum of ours overflows below it

// [channel, value of 8 bits] -> normalised. One subtraction and one division in float32, of numbers that the
// reference scales by 255 first.
using Table = std::array<std::array<float, 256>, 3>;

Table normalisation(const ProcessorSpec& spec) {
  Table table;
  for (size_t c = 0; c < table.size(); ++c) {
    const float mean = spec.mean[c] * 255.0f, deviation = spec.deviation[c] * 255.0f;
    for (size_t value = 0; value < table[c].size(); ++value) {
      table[c][value] = (static_cast<float>(value) - mean) / deviation;
    }
  }
  return table;
}

// pictures: `temporal` resized ones, all of one size.
Patches cut(std::span<const Picture* const> pictures, const ProcessorSpec& spec, const Table& table) {
  const size_t side = static_cast<size_t>(spec.patch), area = side * side;
  const size_t times = pictures.size();
  Patches out{.rows = pictures[0]->height / spec.patch,
              .columns = pictures[0]->width / spec.patch,
              .values = static_cast<int>(3 * times * area)};
  out.data.resize(static_cast<size_t>(out.rows) * static_cast<size_t>(out.columns) * 3 * times * area);
  float* patch = out.data.data();  // [channel, time, y, x]
  for (int row = 0; row < out.rows; ++row) {
    for (int column = 0; column < out.columns; ++column, patch += out.values) {
      for (size_t t = 0; t < times; ++t) {
        for (size_t y = 0; y < side; ++y) {
          const uint8_t* from = pictures[t]->row(row * spec.patch + static_cast<int>(y)) +
                                3 * side * static_cast<size_t>(column);
          float* to = patch + t * area + y * side;
          for (size_t x = 0; x < side; ++x, from += 3) {
            for (size_t c = 0; c < 3; ++c) to[c * times * area + x] = table[c][from[c]];
          }
        }
      }
    }
  }
  return out;
}

Picture resized(const Picture& picture, const ProcessorSpec& spec) {
  const ImageSize size = target_size({picture.height, picture.width}, spec);
  return resize(picture, size.width, size.height, {.filter = spec.filter});
}

// To the nearest whole number, halves to the even one, as Python's round.
int64_t round_half_even(double x) { return static_cast<int64_t>(std::nearbyint(x)); }

int smart_side(double side, int factor) { return static_cast<int>(side) * factor; }

ImageSize smart_size(ImageSize image, const ProcessorSpec& spec) {
  const double height = image.height, width = image.width;
  const int factor = spec.patch * spec.merge;
  if (const double ratio = std::max(height, width) / std::min(height, width); ratio > kMaxRatio) {
    fail("the picture is {} x {}: one side may be at most {:g} times the other; crop it", image.width,
         image.height, kMaxRatio);
  }
  const int64_t rows = round_half_even(height / factor), columns = round_half_even(width / factor);
  const int64_t pixels = rows * factor * columns * factor;
  if (pixels > spec.max_pixels) {
    const double shrink = std::sqrt(height * width / static_cast<double>(spec.max_pixels));
    return {.height = smart_side(std::max(1.0, std::floor(height / shrink / factor)), factor),
            .width = smart_side(std::max(1.0, std::floor(width / shrink / factor)), factor)};
  }
  if (pixels < spec.min_pixels) {
    const double grow = std::sqrt(static_cast<double>(spec.min_pixels) / (height * width));
    return {.height = smart_side(std::ceil(height * grow / factor), factor),
            .width = smart_side(std::ceil(width * grow / factor), factor)};
  }
  return {.height = static_cast<int>(rows) * factor, .width = static_cast<int>(columns) * factor};
}

Picture crop(const Picture& picture, int left, int top, ImageSize size) {
  Picture out(std::min(size.width, picture.width - left), std::min(size.height, picture.height - top));
  for (int y = 0; y < out.height; ++y) {
    const uint8_t* from = picture.row(top + y) + size_t{3} * static_cast<size_t>(left);
    std::copy_n(from, size_t{3} * static_cast<size_t>(out.width), out.row(y));
  }
  return out;
}

}  // namespace

void check_spec(const ProcessorSpec& spec) {
  const auto within = [](std::string_view name, int64_t value, int64_t least, int64_t most) {
    if (value < least || value > most) {
      fail("the image processor's {} is {}; it must lie between {} and {}", name, value, least, most);
    }
  };
  within("patch size", spec.patch, 1, 256);
  within("merge size", spec.merge, 1, 64);
  within("temporal patch size", spec.temporal, 1, 16);
  within("image size", spec.size, spec.patch, 16384);
  within("smallest number of pixels", spec.min_pixels, 1, kMostPixels);
  within("largest number of pixels", spec.max_pixels, spec.min_pixels, kMostPixels);
  within("smallest crop", spec.crop_min_size, 1, 1 << 20);
  within("number of crops", spec.crops_max, 1, 1 << 20);
  if (!(spec.crop_min_ratio > 0)) fail("the image processor's ratio for crops is {}", spec.crop_min_ratio);
  for (size_t c = 0; c < 3; ++c) {
    if (!std::isfinite(spec.mean[c]) || !std::isnormal(spec.deviation[c])) {
      fail("the image processor's mean {} and deviation {} are no use for normalising", spec.mean[c],
           spec.deviation[c]);
    }
  }
  if (spec.rule == ResizeRule::fixed && spec.size % spec.patch != 0) {
    fail("the image processor's image size {} is no multiple of its patch size {}", spec.size, spec.patch);
  }
}

Patches prepare(const Picture& picture, const ProcessorSpec& spec) {
  return std::move(prepare_frames({&picture, 1}, spec)[0]);
}

std::vector<Patches> prepare_frames(std::span<const Picture> frames, const ProcessorSpec& spec) {
  check_spec(spec);
  std::vector<Patches> out;
  const Table table = normalisation(spec);
  const auto times = static_cast<size_t>(spec.temporal);
  for (size_t first = 0; first < frames.size(); first += times) {
    std::vector<Picture> group;
    for (const Picture& frame : frames.subspan(first, std::min(times, frames.size() - first))) {
      if (frame.width != frames[0].width || frame.height != frames[0].height) {
        fail("a video's frames must have one size; the first is {} x {}, another {} x {}", frames[0].width,
             frames[0].height, frame.width, frame.height);
      }
      group.push_back(resized(frame, spec));
    }
    std::vector<const Picture*> patched(times, &group.back());
    for (size_t t = 0; t < group.size(); ++t) patched[t] = &group[t];
    out.push_back(cut(patched, spec, table));
  }
  return out;
}

ImageSize target_size(ImageSize image, const ProcessorSpec& spec) {
  check_spec(spec);
  check(image.height > 0 && image.width > 0, "a picture has pixels");
  switch (spec.rule) {
    case ResizeRule::smart:
      return smart_size(image, spec);
    case ResizeRule::fixed:
      return {.height = spec.size, .width = spec.size};
  }
  broken_invariant("a resize rule", std::source_location::current());
}

std::vector<Picture> pan_and_scan(const Picture& picture, const ProcessorSpec& spec) {
  check_spec(spec);
  check(picture.width > 0 && picture.height > 0, "a picture has pixels");
  const bool wide = picture.width >= picture.height;
  const int longer = std::max(picture.width, picture.height),
            shorter = std::min(picture.width, picture.height);
  const double ratio = static_cast<double>(longer) / shorter;
  if (ratio < spec.crop_min_ratio) return {};

  int count = static_cast<int>(std::floor(ratio + 0.5));
  count = std::min(longer / spec.crop_min_size, count);
  count = std::min(spec.crops_max, std::max(2, count));
  const int side = (longer + count - 1) / count;
  if (std::min(side, shorter) < spec.crop_min_size) return {};

  std::vector<Picture> crops;
  const ImageSize size{.height = wide ? shorter : side, .width = wide ? side : shorter};
  for (int at = 0; at < longer; at += side) {
    crops.push_back(crop(picture, wide ? at : 0, wide ? 0 : at, size));
  }
  return crops;
}

}  // namespace troika::vision
