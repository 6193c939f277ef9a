// What our kernels use of AMD's aie_api. Nothing here compiles with the real headers, so the kernels keep to a list that
// was made from them by hand; a name that is not on it is found here and not at the first build for the device.
#include <gtest/gtest.h>

#include <aie_api/aie.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace {

// Functions and types of namespace aie.
const std::set<std::string> kNames{
    "accum", "add", "broadcast", "concat", "interleave_zip", "inv", "invsqrt", "load_v", "mac", "max", "min", "mmul", "mul",
    "reduce_add", "reduce_max", "rounding_mode", "set_rounding", "store_v", "sub", "to_fixed", "to_float", "transpose",
    "upshift", "vector", "zeros"};
// Members of vectors, accumulators and block products.
const std::set<std::string> kMembers{"cast_to", "extract", "first", "mac", "second", "to_vector", "unpack"};
// Block products that AIE2's matrix unit has: mmul<M, K, N, A, B>.
const std::set<std::string> kShapes{"4, 8, 8, int8_t, int8_t", "4, 4, 8, int16_t, int8_t", "4, 8, 4, bfloat16, bfloat16"};

std::string code_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return std::regex_replace(text.str(), std::regex("//[^\n]*"), "");
}

std::set<std::string> found(const std::string& code, const std::string& pattern) {
  std::set<std::string> all;
  std::regex regex(pattern);
  for (std::sregex_iterator it(code.begin(), code.end(), regex), end; it != end; ++it) all.insert((*it)[1]);
  return all;
}

void expect_within(const std::set<std::string>& used, const std::set<std::string>& allowed, const std::string& where) {
  for (const std::string& name : used) EXPECT_TRUE(allowed.count(name)) << where << " uses " << name;
}

TEST(AieApi, IsUsedByKernelsWithinTheList) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TROIKA_SOURCE_DIR "/npu/kernels")) {
    const std::string name = entry.path().filename();
    const bool for_cores = entry.path().extension() == ".cc" || name.starts_with("matmul") || name.starts_with("vector");
    if (!for_cores) continue;
    ++files;
    const std::string code = code_of(entry.path());
    expect_within(found(code, R"(\baie::(\w+))"), kNames, name);
    const std::string without_includes = std::regex_replace(code, std::regex("#include [^\n]*"), "");
    expect_within(found(without_includes, R"(\.(?:template )?([a-z]\w*))"), kMembers, name);
    expect_within(found(code, R"(\bmmul<([^>]*)>)"), kShapes, name);
    // No heap, no library of mathematics, no includes but these.
    expect_within(found(code, R"(\b(new|delete|malloc|free|std::\w+|throw|virtual|double)\b)"), {}, name);
    expect_within(found(code, R"(#include (\S+))"),
                  {"<aie_api/aie.hpp>", "\"npu/kernels/kernels.h\"", "\"npu/kernels/matmul.h\"",
                   "\"npu/kernels/vector_math.h\""}, name);
  }
  EXPECT_GE(files, 4);
}

TEST(AieApi, NarrowsAsTheRegistersSay) {
  aie::vector<int32_t, 32> wide{};
  const int values[] = {300, -300, 5, 6, 7, -5, -6, -7};
  for (int i = 0; i < 8; ++i) wide.set(values[i], i);
  aie::accum<acc32, 32> sums(wide);
  auto cut = sums.to_vector<int8_t>();
  EXPECT_EQ(cut[0], 44);
  EXPECT_EQ(cut[1], -44);
  auto floor = sums.to_vector<int32_t>(1);
  EXPECT_EQ(floor[2], 2);
  EXPECT_EQ(floor[5], -3);
  aie::set_saturation(aie::saturation_mode::saturate);
  aie::set_rounding(aie::rounding_mode::conv_even);
  auto held = sums.to_vector<int8_t>();
  EXPECT_EQ(held[0], 127);
  EXPECT_EQ(held[1], -128);
  auto even = sums.to_vector<int32_t>(1);  // 2.5, 3, 3.5, −2.5, −3, −3.5
  EXPECT_EQ(even[2], 2);
  EXPECT_EQ(even[3], 3);
  EXPECT_EQ(even[4], 4);
  EXPECT_EQ(even[5], -2);
  EXPECT_EQ(even[7], -4);
  aie::set_saturation(aie::saturation_mode::none);
  aie::set_rounding(aie::rounding_mode::floor);
}

TEST(AieApi, UnpacksTheLowHalfFirst) {
  aie::vector<uint8_t, 32> bytes{};
  bytes.set(0xa7, 0);
  auto q = bytes.cast_to<uint4>().unpack();
  EXPECT_EQ(q[0], 7);
  EXPECT_EQ(q[1], 10);
}

TEST(AieApi, InterleavesInTurn) {
  aie::vector<int32_t, 4> a{{0, 1, 2, 3}}, b{{4, 5, 6, 7}};
  auto [first, second] = aie::interleave_zip(a, b, 1);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(first[i], i / 2 + i % 2 * 4);
    EXPECT_EQ(second[i], 2 + i / 2 + i % 2 * 4);
  }
}

}  // namespace
