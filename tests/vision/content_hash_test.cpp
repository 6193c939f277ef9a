// The hash: the values its authors publish, and every part of a picture counts.
#include "vision/content_hash.h"

#include <gtest/gtest.h>

#include <set>

#include "vision/generated.h"

namespace troika::vision {
namespace {

constexpr HashKey kPaperKey{0x0706050403020100, 0x0f0e0d0c0b0a0908};

TEST(ContentHash, HasTheAuthorsTestValues) {
  std::array<std::byte, 15> bytes;
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i);
  EXPECT_EQ(hash_bytes({}, kPaperKey), (Hash{0xe6a825ba047f81a3, 0x930255c71472f66d}));
  EXPECT_EQ(hash_bytes(std::span(bytes).first(1), kPaperKey), (Hash{0x44af996bd8c187da, 0x45fc229b11597634}));
}

TEST(ContentHash, DependsOnEveryPixelTheSizeAndTheKey) {
  Picture picture = generated(5, 4);
  std::set<Hash> seen{content_hash(picture), content_hash(picture, {1, 0}), content_hash(picture, {0, 1})};
  for (uint8_t& value : picture.rgb) {
    value ^= 1;
    seen.insert(content_hash(picture));
    value ^= 1;
  }
  EXPECT_EQ(seen.size(), 3 + picture.rgb.size());
  EXPECT_EQ(content_hash(picture), content_hash(generated(5, 4)));
  std::swap(picture.width, picture.height);
  EXPECT_FALSE(seen.contains(content_hash(picture)));
}

}  // namespace
}  // namespace troika::vision
