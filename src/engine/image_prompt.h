// Prompts with pictures: where each one's features stand among the tokens, who sees whom, and where M-RoPE turns
// each token to. Arithmetic on plain data.
//
// A prompt comes with one placeholder per picture; each is replaced by as many image tokens as the picture has
// features. Their ids are never looked up in the embedding.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ops/step_inputs.h"
#include "vision/content_hash.h"
#include "vision/picture.h"

namespace troika::engine {

using SharedPicture = std::shared_ptr<const vision::Picture>;

// Tokens [first, first + count) of a prompt that stand for one picture, row by row over its merged patches.
struct PlacedImage {
  int first = 0, count = 0;
  int rows = 0, columns = 0;
  SharedPicture picture;
  vision::Hash hash;
};

struct ImagePrompt {
  std::vector<int32_t> tokens;
  std::vector<PlacedImage> images;  // in order of position
};

// The tokens by which a model's text speaks of pictures; -1: it has no such token.
struct ImageTokens {
  int32_t image = -1;  // stands for a picture, and for each of its features
  int32_t begin = -1;  // before them; stands for a picture where no image token follows (Gemma 3)
  int32_t end = -1;    // after them
};

// Merged patches of a picture.
struct ImageGrid {
  int rows = 0, columns = 0;
};

size_t count_placeholders(std::span<const int32_t> ids, const ImageTokens& tokens);

// Replaces the placeholders. `grids` belong to the pictures. Throws Error when the placeholders are not as many as
// the pictures.
ImagePrompt place_images(std::span<const int32_t> ids, std::span<const SharedPicture> pictures,
                         std::span<const ImageGrid> grids, const ImageTokens& tokens,
                         const vision::HashKey& key = {});

// Of one token, by axis: time, row, column (ops::StepInputs::rope_positions).
using RopePosition = std::array<int32_t, ops::kRopeAxes>;

// M-RoPE's positions [prompt tokens]: text counts on all axes, an image stands still in time and counts rows and
// columns, text after it goes on above its largest number. Wang et al. 2024, arXiv:2409.12191.
std::vector<RopePosition> rope_positions(int tokens, std::span<const PlacedImage> images);

// What follows a prompt is turned to its place in the sequence plus this: the largest number used so far and one
// more, less the tokens so far.
int rope_shift(std::span<const RopePosition> positions);

// Positions [first, end) that see each other both ways: image tokens without a gap.
struct TokenRun {
  int first = 0, end = 0;
  bool operator==(const TokenRun&) const = default;
};
std::vector<TokenRun> image_runs(std::span<const PlacedImage> images);

}  // namespace troika::engine
