// UTF-8 and NFC, checked against the whole code space where that is quick.
#include "text/unicode.h"

#include <gtest/gtest.h>
#include <utf8proc.h>

#include <set>

namespace troika::text {
namespace {

std::string utf8(char32_t character) {
  std::string out;
  append_utf8(out, character);
  return out;
}

TEST(Unicode, EveryCharacterSurvivesWritingAndReading) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    const std::string text = utf8(c);
    const bool surrogate = c >= 0xD800 && c < 0xE000;
    ASSERT_EQ(valid_utf8(text), !surrogate) << std::hex << static_cast<uint32_t>(c);
    if (surrogate) continue;
    const Utf8Step step = read_utf8(text);
    ASSERT_EQ(step.kind, Utf8::character);
    ASSERT_EQ(step.bytes, text.size());
    ASSERT_EQ(step.character, c);
    for (size_t cut = 1; cut < text.size(); ++cut) {
      ASSERT_EQ(read_utf8(text.substr(0, cut)).kind, Utf8::incomplete);
      ASSERT_EQ(read_utf8(text.substr(0, cut)).bytes, cut);
    }
  }
}

TEST(Unicode, EachMaximalInvalidSubpartIsOneReplacement) {
  const std::string r(kReplacement);
  EXPECT_EQ(sanitize_utf8("abc"), "abc");
  EXPECT_EQ(sanitize_utf8("\xE2\x82"), r);
  EXPECT_EQ(sanitize_utf8("\xED\xA0\x80"), r + r + r);
  EXPECT_EQ(sanitize_utf8("\xF0\x9F\x98"), r);
  EXPECT_EQ(sanitize_utf8("\xF0\x9F\x98x"), r + "x");
  EXPECT_EQ(sanitize_utf8("\xF0\x80\x80\x41"), r + r + r + "A");
  EXPECT_EQ(sanitize_utf8("\xC0\xAF\xE0\x80\xBF"), r + r + r + r + r);
  EXPECT_EQ(sanitize_utf8("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"), r + r + r + r + r + "A" + r + r + "B");
  EXPECT_EQ(sanitize_utf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), r + r + r + r + "A");
  EXPECT_EQ(sanitize_utf8("long ascii text before \xFF and long ascii text after"),
            "long ascii text before " + r + " and long ascii text after");
}

TEST(Unicode, NfcAgreesWithTheReferenceForEveryCharacter) {
  for (char32_t c = 1; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    // Behind a letter and before two marks in the wrong order, so that all three parts of the algorithm work.
    const std::string text = "e" + utf8(c) + "\xCC\x81\xCC\xA3";
    utf8proc_uint8_t* expected = utf8proc_NFC(reinterpret_cast<const utf8proc_uint8_t*>(text.c_str()));
    ASSERT_NE(expected, nullptr);
    ASSERT_EQ(nfc(text), reinterpret_cast<const char*>(expected)) << std::hex << static_cast<uint32_t>(c);
    std::free(expected);
  }
}

TEST(Unicode, WhatSurelyIsNfcIsNfcInEveryNeighbourhood) {
  std::set<char32_t> second;  // characters that compose with what stands before them
  for (char32_t c = 1; c <= 0x10FFFF; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    utf8proc_int32_t parts[32];
    int boundary = 0;
    const auto count = utf8proc_decompose_char(static_cast<int32_t>(c), parts, 32,
                                               static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE), &boundary);
    for (int i = 1; i < count; ++i) second.insert(parts[i]);
  }
  size_t sure = 0;
  for (char32_t c = 1; c <= 0x10FFFF; ++c) {
    if ((c >= 0xD800 && c < 0xE000) || !surely_nfc(utf8(c))) continue;
    ++sure;
    ASSERT_EQ(utf8proc_get_property(static_cast<int32_t>(c))->combining_class, 0) << std::hex << uint32_t{c};
    ASSERT_FALSE(second.contains(c)) << std::hex << uint32_t{c};
    utf8proc_uint8_t* normal = utf8proc_NFC(reinterpret_cast<const utf8proc_uint8_t*>(utf8(c).c_str()));
    ASSERT_EQ(utf8(c), reinterpret_cast<const char*>(normal)) << std::hex << uint32_t{c};
    std::free(normal);
  }
  EXPECT_GT(sure, 30000u);
}

// Nothing is timed: quadratic work would outlast the test's time limit by far.
TEST(Unicode, OrdersVeryManyCombiningMarks) {
  std::string text = "a";
  for (int i = 0; i < 250'000; ++i) text += "\xCC\x81\xCC\xA3";  // classes 230 and 220
  EXPECT_EQ(nfc(text).size(), text.size());  // U+1EA1, three bytes, for a and one dot below
}

}  // namespace
}  // namespace troika::text
