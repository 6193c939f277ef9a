// Decoding: each kind of file gives the pixels that the reference reads from it; what is refused is named.
#include "vision/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "vision/image_files.h"
#include "vision/orientation.h"

namespace troika::vision {
namespace {

using namespace std::literals;
using testing::AllOf;
using testing::HasSubstr;

std::string refusal(const std::string& file, const DecodeLimits& limits = {}) {
  try {
    decode(bytes_of(file), limits);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Decode, GivesTheReferencesPixelsForEveryKindOfFile) {
  const auto files = image_files();
  ASSERT_GE(files.size(), 40u);
  for (const auto& path : files) {
    const Picture expected = read_ppm(std::filesystem::path(path).replace_extension(".ppm"));
    ASSERT_GT(expected.width, 0) << path;
    const Picture got = decode(bytes_of(contents(path)));
    EXPECT_EQ(got.width, expected.width) << path;
    EXPECT_EQ(got.height, expected.height) << path;
    ASSERT_EQ(got.rgb.size(), expected.rgb.size()) << path;
    const auto differs = std::ranges::mismatch(got.rgb, expected.rgb);
    EXPECT_EQ(differs.in1, got.rgb.end()) << path << " at value " << differs.in1 - got.rgb.begin() << ": "
                                          << int{*differs.in1} << " instead of " << int{*differs.in2};
  }
}

TEST(Decode, TurnsPicturesAsTheirOrientationSays) {
  const Picture stored = generated(3, 2);  // a b c / d e f
  const auto order = [&](int orientation) {
    const Picture turned = upright(stored, orientation);
    std::string letters;
    for (int y = 0; y < turned.height; ++y) {
      if (y > 0) letters += '/';
      for (int x = 0; x < turned.width; ++x) {
        for (int from = 0; from < 6; ++from) {
          if (std::equal(turned.row(y) + 3 * x, turned.row(y) + 3 * x + 3, stored.rgb.begin() + 3 * from)) {
            letters += static_cast<char>('a' + from);
          }
        }
      }
    }
    return letters;
  };
  EXPECT_EQ(order(1), "abc/def");
  EXPECT_EQ(order(2), "cba/fed");
  EXPECT_EQ(order(3), "fed/cba");
  EXPECT_EQ(order(4), "def/abc");
  EXPECT_EQ(order(5), "ad/be/cf");
  EXPECT_EQ(order(6), "da/eb/fc");
  EXPECT_EQ(order(7), "fc/eb/da");
  EXPECT_EQ(order(8), "cf/be/ad");
  for (const int unknown : {0, 9, -1, 1 << 30}) EXPECT_EQ(order(unknown), "abc/def");
}

TEST(Decode, NamesKindsThatAreNotAccepted) {
  for (const auto& [bytes, name] : {std::pair{"GIF89a\1\0\1\0"s, "a GIF image"},
                                    {"BM\1\2\3\4"s, "a BMP image"},
                                    {"II*\0\10\0\0\0"s, "a TIFF image"},
                                    {"\0\0\0\x1C"
                                     "ftypavif"s,
                                     "an AVIF image"},
                                    {"\0\0\0\x1C"
                                     "ftypheic"s,
                                     "a HEIC image"},
                                    {"\0\0\0\x20"
                                     "ftypisom"s,
                                     "an MP4 video"},
                                    {"<!DOCTYPE html>"s, "an HTML page"},
                                    {"%PDF-1.7"s, "a PDF document"}}) {
    EXPECT_THAT(refusal(bytes), AllOf(HasSubstr(name), HasSubstr("JPEG, PNG and WebP are accepted")));
  }
  EXPECT_THAT(refusal("hello"), HasSubstr("of no known kind; JPEG, PNG and WebP"));
  EXPECT_THAT(refusal("RIFF\1\2\3\4WAVEfmt "), HasSubstr("of no known kind"));
  EXPECT_THAT(refusal(""), HasSubstr("empty"));
}

TEST(Decode, KeepsToItsLimits) {
  for (const char* name : {"jpg-444.jpg", "png-rgb8.png", "webp-lossy.webp"}) {  // 17 x 13
    const std::string file = contents(golden_path("decode/"s + name));
    EXPECT_EQ(refusal(file, {.max_bytes = file.size(), .max_pixels = 17 * 13, .max_side = 17}), "accepted");
    EXPECT_THAT(refusal(file, {.max_bytes = file.size() - 1}), HasSubstr("bytes"));
    EXPECT_THAT(refusal(file, {.max_pixels = 17 * 13 - 1}),
                HasSubstr("17 x 13, 221 pixels; 220 are accepted"));
    EXPECT_THAT(refusal(file, {.max_side = 16}), HasSubstr("a side may have 16 pixels"));
  }
}

TEST(Decode, SaysHowAFileIsBroken) {
  for (const char* name : {"jpg-444.jpg", "png-rgb8.png", "webp-lossy.webp"}) {
    const std::string file = contents(golden_path("decode/"s + name));
    EXPECT_THAT(refusal(file.substr(0, file.size() - 40)), HasSubstr("cut short")) << name;
    EXPECT_THAT(refusal(file.substr(0, 20)), HasSubstr("cut short")) << name;
  }
  std::string png = contents(golden_path("decode/png-rgb8.png"));
  png[60] ^= 1;
  EXPECT_THAT(refusal(png), HasSubstr("the PNG image is damaged"));
}

TEST(Decode, ReadsOrientationsDefensively) {
  const auto exif = [](const std::string& text) { return exif_orientation(bytes_of(text)); };
  // Directory at 8 with one entry: tag 0x112, SHORT, 1 value, 6.
  const std::string good = "II*\0\x08\0\0\0\1\0\x12\1\3\0\1\0\0\0\6\0\0\0"s;
  EXPECT_EQ(exif(good), 6);
  EXPECT_EQ(exif("Exif\0\0"s + good), 6);
  EXPECT_EQ(exif("MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\6\0\0"s), 6);
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_EQ(exif(good.substr(0, size)), std::nullopt) << size;
  EXPECT_EQ(exif("II*\0\xFF\xFF\xFF\xFF\1\0"s), std::nullopt);
  EXPECT_EQ(exif("II*\0\x08\0\0\0\xFF\xFF"s), std::nullopt);
  const auto xmp = [](const std::string& text) { return xmp_orientation(bytes_of(text)); };
  EXPECT_EQ(xmp("<x tiff:Orientation=\"8\"/>"), 8);
  EXPECT_EQ(xmp("tiff:Orientation tiff:Orientation=\"x tiff:Orientation>3<"), 3);
  EXPECT_EQ(xmp("tiff:Orientation=\""), std::nullopt);
}

}  // namespace
}  // namespace troika::vision
