#include "apps/bench_serve_values.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace troika::apps::load {
namespace {

TEST(BenchServeValues, RangesHaveOneNumberOrTwo) {
  EXPECT_EQ(read_range("-p", "512").least, 512);
  EXPECT_EQ(read_range("-p", "512").most, 512);
  EXPECT_EQ(read_range("-p", "128..1024").least, 128);
  EXPECT_EQ(read_range("-p", "128..1024").most, 1024);
  for (const char* wrong :
       {"", "0", "-3", "5..", "..5", "9..8", "5..6..7", "5.5", "many", "5 ", "99999999999"})
    EXPECT_THROW(read_range("-p", wrong), Error) << wrong;
}

TEST(BenchServeValues, TimesHaveUnits) {
  EXPECT_EQ(read_seconds("-t", "60"), 60);
  EXPECT_EQ(read_seconds("-t", "0.5s"), 0.5);
  EXPECT_EQ(read_seconds("-t", "250ms"), 0.25);
  EXPECT_EQ(read_seconds("-t", "2m"), 120);
  for (const char* wrong : {"", "s", "-1s", "5 s", "5d", "nan", "inf", "1e9h"})
    EXPECT_THROW(read_seconds("-t", wrong), Error) << wrong;
}

TEST(BenchServeValues, SharesAreFromNothingToAll) {
  EXPECT_EQ(read_share("-s", "10%"), 0.1);
  EXPECT_EQ(read_share("-s", "0.1"), 0.1);
  EXPECT_EQ(read_share("-s", "100%"), 1);
  EXPECT_EQ(read_share("-s", "0"), 0);
  for (const char* wrong : {"", "%", "101%", "1.5", "-1%", "nan", "10%%", "ten"})
    EXPECT_THROW(read_share("-s", wrong), Error) << wrong;
}

TEST(BenchServeValues, AnErrorNamesTheOptionAndTheValue) {
  try {
    read_range("--prompt-tokens", "few");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "--prompt-tokens few: give a number of tokens or a range of them, such as 512 or 128..1024");
  }
}

}  // namespace
}  // namespace troika::apps::load
