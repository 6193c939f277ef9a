// Files from strangers: cut, flipped, with absurd headers. Each ends in a picture within the limits or in an
// Error of one sentence; never in a crash, a message on stderr, or memory and time out of proportion.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <random>

#include "base/error.h"
#include "vision/decode.h"
#include "vision/image_files.h"

namespace troika::vision {
namespace {

using namespace std::literals;

constexpr DecodeLimits kLimits{.max_bytes = 1 << 20, .max_pixels = 1 << 20, .max_side = 4096};

// Whether it was decoded; whatever happens, nothing but a picture or a plain Error may come of it.
bool survives(const std::string& file, const DecodeLimits& limits = kLimits) {
  try {
    const Picture picture = decode(bytes_of(file), limits);
    EXPECT_GE(picture.width, 1);
    EXPECT_GE(picture.height, 1);
    EXPECT_LE(int64_t{picture.width} * picture.height, limits.max_pixels);
    EXPECT_EQ(picture.rgb.size(),
              size_t{3} * static_cast<size_t>(picture.width) * static_cast<size_t>(picture.height));
    return true;
  } catch (const InternalError& error) {
    ADD_FAILURE() << error.what();
  } catch (const Error& error) {
    EXPECT_FALSE(std::string(error.what()).empty());
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
  }
  return false;
}

// What was written to stderr while `work` ran.
template <typename Work>
std::string stderr_of(Work work) {
  testing::internal::CaptureStderr();
  work();
  return testing::internal::GetCapturedStderr();
}

TEST(HostileImages, AreRefusedWhereverTheyAreCut) {
  EXPECT_EQ(stderr_of([] {
              for (const auto& path : image_files()) {
                const std::string file = contents(path);
                for (size_t size = 0; size < file.size(); ++size) {
                  EXPECT_FALSE(survives(file.substr(0, size)))
                      << path << " cut to " << size << " of " << file.size();
                }
              }
            }),
            "");
}

TEST(HostileImages, SurviveEveryFlippedByte) {
  EXPECT_EQ(stderr_of([] {
              for (const auto& path : image_files()) {
                std::string file = contents(path);
                for (char& byte : file) {
                  const char good = byte;
                  for (const char bad :
                       {static_cast<char>(good ^ 1), static_cast<char>(good ^ 0x80), '\0', '\xFF'}) {
                    byte = bad;
                    survives(file);
                  }
                  byte = good;
                }
              }
            }),
            "");
}

TEST(HostileImages, SurviveRandomDamage) {
  std::mt19937 random(7);
  const auto files = image_files();
  EXPECT_EQ(stderr_of([&] {
              for (int round = 0; round < 3000; ++round) {
                std::string file = contents(files[random() % files.size()]);
                const std::string other = contents(files[random() % files.size()]);
                switch (random() % 4) {
                  case 0:
                    for (int i = 0; i < 8; ++i) file[random() % file.size()] = static_cast<char>(random());
                    break;
                  case 1:
                    file.erase(random() % file.size(), random() % 64);
                    break;
                  case 2:
                    file.insert(random() % file.size(), other.substr(random() % other.size()));
                    break;
                  case 3:
                    file = file.substr(0, random() % file.size()) + other.substr(random() % other.size());
                    break;
                }
                survives(file);
              }
            }),
            "");
}

// The most memory that this process has had so far.
long peak_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

uint32_t png_checksum(const std::string& chunk) {
  return static_cast<uint32_t>(std::stoul(checksum(bytes_of(chunk)), nullptr, 16));
}

std::string big_endian(uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
  return out;
}

std::string png_chunk(const std::string& name, const std::string& data) {
  return big_endian(static_cast<uint32_t>(data.size())) + name + data + big_endian(png_checksum(name + data));
}

std::string png_bomb(uint32_t width, uint32_t height) {
  const std::string header = big_endian(width) + big_endian(height) + "\10\2\0\0\0"s;
  return "\x89PNG\r\n\x1A\n"s + png_chunk("IHDR", header) + png_chunk("IDAT", "\x78\x9C\x63\0\0\0\1\0\1"s) +
         png_chunk("IEND", "");
}

std::string jpeg_bomb(uint16_t width, uint16_t height) {
  std::string file = contents(golden_path("decode/jpg-progressive.jpg"));
  const size_t frame = file.find("\xFF\xC2");
  for (const auto& [at, value] : {std::pair{frame + 5, height}, {frame + 7, width}}) {
    file[at] = static_cast<char>(value >> 8);
    file[at + 1] = static_cast<char>(value);
  }
  return file;
}

std::string webp_bomb(uint32_t width, uint32_t height) {
  std::string file = contents(golden_path("decode/webp-small-frame.webp"));
  const size_t header = file.find("VP8X");
  for (size_t i = 0; i < 3; ++i) {
    file[header + 12 + i] = static_cast<char>((width - 1) >> (8 * i));
    file[header + 15 + i] = static_cast<char>((height - 1) >> (8 * i));
  }
  return file;
}

TEST(HostileImages, ClaimingManyPixelsCostNothing) {
  const long before = peak_kilobytes();
  for (int i = 0; i < 200; ++i) {
    EXPECT_FALSE(survives(png_bomb(65535, 65535), {}));
    EXPECT_FALSE(survives(png_bomb(0x7FFFFFFF, 0x7FFFFFFF), {}));
    EXPECT_FALSE(survives(png_bomb(8192, 8192), {}));  // within the limit, but the data cannot be there
    EXPECT_FALSE(survives(png_bomb(0, 5), {}));
    EXPECT_FALSE(survives(jpeg_bomb(65535, 65535), {}));
    EXPECT_FALSE(survives(jpeg_bomb(65535, 0), {}));
    EXPECT_FALSE(survives(jpeg_bomb(8192, 8192), {}));
    EXPECT_FALSE(survives(webp_bomb(65536, 1), {}));
    EXPECT_FALSE(survives(webp_bomb(16384, 16384), {}));
  }
  EXPECT_LT(peak_kilobytes(), before + 32 * 1024);
}

TEST(HostileImages, WithMoreScansThanAnyEncoderWritesAreRefused) {
  // The last scan of the file, again and again: each is a pass over all pixels for a few bytes.
  std::string file = contents(golden_path("decode/jpg-progressive.jpg"));
  const size_t end = file.rfind("\xFF\xD9"), scan = file.rfind("\xFF\xDA");
  const std::string again = file.substr(scan, end - scan);
  file.resize(end);
  for (int i = 0; i < 2000; ++i) file += again;
  file += "\xFF\xD9";
  try {
    decode(bytes_of(file));
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("more than 100 scans"), std::string::npos) << error.what();
  }
}

// Deflate's fixed codes: a literal zero, then `runs` copies of 258 bytes from one byte back, 13 bits each.
std::string deflated_zeros(int runs) {
  std::string bits =
      "110"
      "00110000";  // last block, fixed codes; literal 0
  for (int i = 0; i < runs; ++i)
    bits +=
        "11000101"
        "00000";
  bits += "0000000";
  std::string out = "\x78\x01";
  for (size_t i = 0; i < bits.size(); ++i) {
    if (i % 8 == 0) out += '\0';
    if (bits[i] == '1') out.back() = static_cast<char>(out.back() | 1 << i % 8);
  }
  return out + "\0\0\0\0"s;
}

TEST(HostileImages, HidingBombsBesideThePixelsCostNothing) {
  const std::string zeros = deflated_zeros(400'000);  // 100 MB in 650 kB
  const std::string good = contents(golden_path("decode/png-rgb8.png"));
  const std::string file = good.substr(0, 33) + png_chunk("iCCP", "p\0\0"s + zeros) +
                           png_chunk("zTXt", "k\0\0"s + zeros) + png_chunk("iTXt", "k\0\1\0\0\0"s + zeros) +
                           good.substr(33);
  const long before = peak_kilobytes();
  EXPECT_TRUE(survives(file, {}));
  EXPECT_LT(peak_kilobytes(), before + 32 * 1024);
}

}  // namespace
}  // namespace troika::vision
