// The processors: values and sizes equal to those of the reference, to the last bit; the order of the values
// by the plain definition.
#include "vision/processor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "vision/generated.h"

namespace troika::vision {
namespace {

ProcessorSpec qwen(int64_t min_pixels = 56 * 56, int64_t max_pixels = 28 * 28 * 1280) {
  return {.min_pixels = min_pixels,
          .max_pixels = max_pixels,
          .mean = {0.48145466f, 0.4578275f, 0.40821073f},
          .deviation = {0.26862954f, 0.26130258f, 0.27577711f}};
}

ProcessorSpec gemma(int size) {
  return {.rule = ResizeRule::fixed, .filter = Filter::bilinear, .merge = 4, .temporal = 1, .size = size};
}

std::string checksum_of(const std::vector<float>& values) {
  return checksum(std::as_bytes(std::span(values)));
}

TEST(Processor, MakesTheReferencesValuesToTheLastBit) {
  auto rows = golden_rows("processors.txt");
  ASSERT_GE(rows.size(), 60u);
  for (auto& row : rows) {
    std::string kind, expected;
    int width, height, grid_rows, grid_columns;
    int64_t first, second;
    row >> kind >> width >> height >> first >> second >> grid_rows >> grid_columns >> expected;
    ASSERT_TRUE(row) << row.str();

    std::vector<Patches> made;
    if (kind == "qwen") made.push_back(prepare(generated(width, height), qwen(first, second)));
    if (kind == "gemma") made.push_back(prepare(generated(width, height), gemma(static_cast<int>(first))));
    if (kind.starts_with("video")) {
      std::vector<Picture> frames;
      for (uint32_t i = 0; i < static_cast<uint32_t>(kind[5] - '0'); ++i) {
        frames.push_back(generated(width, height, i));
      }
      made = prepare_frames(frames, qwen(first, second));
      EXPECT_EQ(made.size(), (frames.size() + 1) / 2);
    }
    std::vector<float> values;
    for (const Patches& patches : made) {
      EXPECT_EQ(patches.rows, grid_rows) << row.str();
      EXPECT_EQ(patches.columns, grid_columns) << row.str();
      values.insert(values.end(), patches.data.begin(), patches.data.end());
    }
    EXPECT_EQ(checksum_of(values), expected) << row.str();
  }
}

TEST(Processor, OrdersAPatchByChannelTimeRowAndColumn) {
  ProcessorSpec spec = gemma(12);
  spec.patch = 4;
  spec.temporal = 2;
  spec.mean = {0, 0.5f, 0.25f};
  const std::vector<Picture> frames{generated(12, 12, 1), generated(12, 12, 2), generated(12, 12, 3)};
  const std::vector<Patches> made = prepare_frames(frames, spec);
  ASSERT_EQ(made.size(), 2u);
  for (size_t group = 0; group < 2; ++group) {
    const Patches& patches = made[group];
    ASSERT_EQ(patches.rows, 3);
    ASSERT_EQ(patches.columns, 3);
    ASSERT_EQ(patches.values, 3 * 2 * 4 * 4);
    size_t at = 0;
    for (int row = 0; row < 3; ++row) {
      for (int column = 0; column < 3; ++column) {
        for (size_t c = 0; c < 3; ++c) {
          for (size_t t = 0; t < 2; ++t) {
            const Picture& frame = frames[std::min<size_t>(2 * group + t, 2)];
            for (int y = 0; y < 4; ++y) {
              for (int x = 0; x < 4; ++x, ++at) {
                const uint8_t value = frame.row(4 * row + y)[3 * (4 * column + x) + static_cast<int>(c)];
                ASSERT_NEAR(patches.data[at], (value / 255.0f - spec.mean[c]) / 0.5f, 1e-6);
              }
            }
          }
        }
      }
    }
    EXPECT_EQ(at, patches.data.size());
  }
}

TEST(Processor, RepeatsAStillPictureInTime) {
  const Patches patches = prepare(generated(56, 56), qwen());
  ASSERT_EQ(patches.values, 3 * 2 * 14 * 14);
  for (size_t patch = 0; patch < 16; ++patch) {
    for (size_t c = 0; c < 3; ++c) {
      const float* first = patches.data.data() + patch * 1176 + c * 392;
      EXPECT_TRUE(std::equal(first, first + 196, first + 196));
    }
  }
}

TEST(Processor, FindsTheReferencesSizesAndRefusesWhatItRefuses) {
  auto rows = golden_rows("smart_resize.txt");
  ASSERT_GE(rows.size(), 600u);
  int refused = 0;
  for (auto& row : rows) {
    int height, width, factor;
    int64_t least, most;
    std::string to_height, to_width;
    row >> height >> width >> factor >> least >> most >> to_height >> to_width;
    ASSERT_TRUE(row) << row.str();
    ProcessorSpec spec = qwen(least, most);
    spec.patch = factor;
    spec.merge = 1;
    if (to_height == "nan") {
      ++refused;
      EXPECT_THROW(target_size({height, width}, spec), Error) << row.str();
      continue;
    }
    const ImageSize size = target_size({height, width}, spec);
    EXPECT_EQ(std::to_string(size.height), to_height) << row.str();
    EXPECT_EQ(std::to_string(size.width), to_width) << row.str();
  }
  EXPECT_GT(refused, 10);
}

TEST(Processor, RefusesAVideoOfMixedSizes) {
  const std::vector<Picture> frames{generated(60, 50), generated(50, 60)};
  EXPECT_THROW(prepare_frames(frames, qwen()), Error);
  EXPECT_TRUE(prepare_frames({}, qwen()).empty());
}

TEST(Processor, CropsAsTheReferenceDoes) {
  auto rows = golden_rows("crops.txt");
  ASSERT_GE(rows.size(), 20u);
  for (auto& row : rows) {
    int width, height;
    size_t count;
    ProcessorSpec spec = gemma(896);
    row >> width >> height >> spec.crop_min_size >> spec.crops_max >> spec.crop_min_ratio >> count;
    ASSERT_TRUE(row) << row.str();
    const std::vector<Picture> crops = pan_and_scan(generated(width, height), spec);
    ASSERT_EQ(crops.size(), count) << row.str();
    for (const Picture& crop : crops) {
      int crop_width, crop_height;
      std::string expected;
      row >> crop_width >> crop_height >> expected;
      EXPECT_EQ(crop.width, crop_width) << row.str();
      EXPECT_EQ(crop.height, crop_height) << row.str();
      EXPECT_EQ(checksum(crop), expected) << row.str();
    }
  }
}

TEST(Processor, NamesTheNumberThatCannotBe) {
  const auto refused = [](auto change, const std::string& words) {
    ProcessorSpec spec = qwen();
    change(spec);
    try {
      prepare(generated(30, 30), spec);
      ADD_FAILURE() << "accepted: " << words;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), testing::HasSubstr(words));
    }
  };
  refused([](ProcessorSpec& spec) { spec.patch = 0; }, "patch size is 0");
  refused([](ProcessorSpec& spec) { spec.merge = -1; }, "merge size is -1");
  refused([](ProcessorSpec& spec) { spec.temporal = 1 << 20; }, "temporal patch size");
  refused([](ProcessorSpec& spec) { spec.min_pixels = 0; }, "smallest number of pixels");
  refused([](ProcessorSpec& spec) { spec.max_pixels = 1; }, "largest number of pixels");
  refused([](ProcessorSpec& spec) { spec.max_pixels = int64_t{1} << 40; }, "largest number of pixels");
  refused([](ProcessorSpec& spec) { spec.deviation[1] = 0; }, "deviation 0");
  refused([](ProcessorSpec& spec) { spec.mean[2] = std::numeric_limits<float>::quiet_NaN(); }, "mean nan");
  refused([](ProcessorSpec& spec) { spec.rule = ResizeRule::fixed, spec.size = 100; }, "no multiple");
  refused([](ProcessorSpec& spec) { spec.crops_max = 0; }, "number of crops");
}

}  // namespace
}  // namespace troika::vision
