// Where pictures stand in a prompt: arithmetic on plain data. The M-RoPE positions are those that transformers'
// get_rope_index gives.
#include "engine/image_prompt.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace troika::engine {
namespace {

constexpr ImageTokens kQwen{.image = 90};
constexpr ImageTokens kGemma{.image = 80, .begin = 81, .end = 82};

SharedPicture picture(uint8_t shade) {
  auto p = std::make_shared<vision::Picture>(2, 2);
  p->rgb.assign(p->rgb.size(), shade);
  return p;
}

ImagePrompt place(std::vector<int32_t> ids, std::vector<ImageGrid> grids, const ImageTokens& tokens) {
  std::vector<SharedPicture> pictures;
  for (size_t i = 0; i < grids.size(); ++i) pictures.push_back(picture(uint8_t(i)));
  return place_images(ids, pictures, grids, tokens);
}

TEST(ImagePrompt, RepeatsThePlaceholderOncePerFeature) {
  ImagePrompt prompt = place({1, 90, 2, 90}, {{2, 3}, {1, 2}}, kQwen);
  EXPECT_EQ(prompt.tokens, (std::vector<int32_t>{1, 90, 90, 90, 90, 90, 90, 2, 90, 90}));
  ASSERT_EQ(prompt.images.size(), 2u);
  EXPECT_EQ(prompt.images[0].first, 1);
  EXPECT_EQ(prompt.images[0].count, 6);
  EXPECT_EQ(prompt.images[1].first, 8);
  EXPECT_EQ(prompt.images[1].count, 2);
  EXPECT_NE(prompt.images[0].hash, prompt.images[1].hash);
}

TEST(ImagePrompt, TakesABareBeginningForAPictureAndClosesIt) {
  EXPECT_EQ(place({1, 81, 2}, {{1, 2}}, kGemma).tokens, (std::vector<int32_t>{1, 81, 80, 80, 82, 2}));
  EXPECT_EQ(place({1, 81, 82, 2}, {{1, 2}}, kGemma).tokens, (std::vector<int32_t>{1, 81, 80, 80, 82, 2}));
  EXPECT_EQ(place({1, 81, 80, 82, 2}, {{1, 2}}, kGemma).tokens, (std::vector<int32_t>{1, 81, 80, 80, 82, 2}));
}

TEST(ImagePrompt, WantsAsManyPicturesAsPlaceholders) {
  EXPECT_THROW(place({1, 90, 2}, {}, kQwen), Error);
  EXPECT_THROW(place({1, 2}, {{1, 1}}, kQwen), Error);
  EXPECT_THROW(place({90, 90}, {{1, 1}}, kQwen), Error);
}

// get_rope_index of Qwen2.5-VL for tokens 5 9 <image 2 x 3> 7 <image 3 x 1> 8.
TEST(ImagePrompt, TurnsTokensToTheReferencesPositions) {
  ImagePrompt prompt = place({5, 9, 90, 7, 90, 8}, {{2, 3}, {3, 1}}, kQwen);
  auto positions = rope_positions(int(prompt.tokens.size()), prompt.images);
  std::vector<RopePosition> expected = {{0, 0, 0}, {1, 1, 1},                                   // text
                                        {2, 2, 2}, {2, 2, 3}, {2, 2, 4}, {2, 3, 2}, {2, 3, 3}, {2, 3, 4},
                                        {5, 5, 5},                                              // after the widest row
                                        {6, 6, 6}, {6, 7, 6}, {6, 8, 6},
                                        {9, 9, 9}};
  EXPECT_EQ(positions, expected);
  EXPECT_EQ(rope_shift(positions), 10 - 13);
}

TEST(ImagePrompt, LeavesPlainTextWhereItIs) {
  auto positions = rope_positions(3, {});
  EXPECT_EQ(positions, (std::vector<RopePosition>{{0, 0, 0}, {1, 1, 1}, {2, 2, 2}}));
  EXPECT_EQ(rope_shift(positions), 0);
}

TEST(ImagePrompt, JoinsPicturesWithoutAGapToOneRun) {
  EXPECT_EQ(image_runs(place({80, 80, 1, 80}, {{1, 2}, {1, 3}, {1, 1}}, kGemma).images),
            (std::vector<TokenRun>{{0, 5}, {6, 7}}));
}

}  // namespace
}  // namespace troika::engine
