// What the Vulkan device tells of rows of logits: the largest, sums of weights, and whole rows where they are wanted.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "device/plain_top.h"
#include "device/tape.h"
#include "device/vulkan/vulkan_device.h"
#include "device/vulkan_here.h"

namespace troika::device {
namespace {

using ops::Wanted;

constexpr Wanted kTop{.whole = 0}, kWhole{.whole = Wanted::logits};

// Rows that are the logits of a step, as they are.
struct Rows {
  Tape tape;
  Loaded loaded;
  std::unique_ptr<Executable> executable;
  size_t width;

  Rows(Device& device, const std::vector<std::vector<float>>& rows, int capacity, int drawable,
       const std::vector<Wanted>& wanted)
      : width(rows[0].size()) {
    ops::Builder b(capacity, capacity);
    tape.program = b.finish(b.pick_rows(b.embed("x", 4, int(width))));
    tape.first_op = 1;
    tape.inputs = ops::StepInputs(capacity, capacity, 1, 1);
    tape.inputs.tokens = tape.inputs.outputs = int(rows.size());
    tape.inputs.drawable = drawable;
    std::iota(tape.inputs.output_rows.begin(), tape.inputs.output_rows.end(), 0);
    std::ranges::copy(wanted, tape.inputs.wanted.begin());
    std::vector<float>& x = tape.values[tape.program.ops[0].out[0].id];
    for (const auto& row : rows) x.insert(x.end(), row.begin(), row.end());
    x.resize(size_t(capacity) * width, NAN);
    loaded = load_on(device, tape, Format::f32);
    executable = device.compile(loaded.segment(tape));
    for (int again = 0; again < 2; ++again) {
      executable->submit();
      executable->wait();
    }
  }
  std::span<const float> result(int row) const {
    const auto* all = reinterpret_cast<const float*>(executable->result(tape.program.logits));
    return {all + size_t(row) * width, width};
  }
};

::testing::AssertionResult same(const TopLogits& got, const TopLogits& want) {
  if (got.count != want.count || got.all_numbers != want.all_numbers) {
    return ::testing::AssertionFailure() << got.count << " listed, all numbers: " << got.all_numbers;
  }
  for (int i = 0; i < want.count; ++i) {
    const TopLogit a = got.largest[i], b = want.largest[i];
    if (a.id == b.id && a.logit == b.logit) continue;
    return ::testing::AssertionFailure() << "place " << i << " has " << a.id << ", " << a.logit << ", not " << b.id << ", "
                                         << b.logit;
  }
  const auto near = [](float a, float b) { return !std::isfinite(b) || std::abs(a - b) <= 2e-5f * b; };
  if (near(got.sum, want.sum) && near(got.drawable_sum, want.drawable_sum)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "sums " << got.sum << ", " << got.drawable_sum << ", not " << want.sum << ", "
                                       << want.drawable_sum;
}

// Usual rows, and odd ones.
std::vector<std::vector<float>> rows_of(size_t width, uint32_t seed) {
  std::vector<std::vector<float>> rows;
  for (uint32_t i = 0; i < 16; ++i) {
    std::vector<float> row = random_values(width, seed * 16 + i, i % 3 == 0 ? 3 : i % 3 == 1 ? 0.01f : 30);
    switch (i) {
      case 3: for (float& l : row) l = std::round(l); break;
      case 4: for (float& l : row) l = 0; break;
      case 5: for (size_t t = 0; t < width; ++t) row[t] = t % 3 ? -INFINITY : row[t]; break;
      case 6: row[width / 2] = NAN; break;
      case 7: std::ranges::fill(row, NAN); break;
      case 8: std::ranges::fill(row, -INFINITY); break;
      case 9: for (size_t t = 0; t < width; ++t) row[t] = t % 2 ? 0.0f : -0.0f; break;
      case 10: row[width - 1] = INFINITY; break;
      case 11: for (size_t t = 0; t < width; ++t) row[t] = float(t); break;
      case 12: for (size_t t = 0; t < width; ++t) row[t] = -float(t / 100); break;
      case 13: for (size_t t = 0; t < width; ++t) row[t] = t % 7 ? NAN : -1e38f; break;
      case 14: std::ranges::fill(row, -3.5f), row[0] = 1e-40f; break;
      default: break;
    }
    rows.push_back(row);
  }
  return rows;
}

class VulkanTop : public OnVulkan {};

TEST_F(VulkanTop, IsAsDefined) {
  const float factors[] = {1, 1 / 0.7f, 0.1f, 100};
  for (size_t width : {1, 2, 63, 65, 127, 129, 331, 4095, 4097, 9000, 151936}) {
    const auto rows = rows_of(width, uint32_t(width));
    const int drawable = int(width) - int(width) / 50;
    std::vector<Wanted> wanted;
    for (size_t i = 0; i < rows.size(); ++i) wanted.push_back({.whole = 0, .factor = factors[i % 4]});
    const Rows got(*device_, rows, int(rows.size()), drawable, wanted);
    for (size_t i = 0; i < rows.size(); ++i) {
      ASSERT_TRUE(same(*got.executable->top(int(i)), plain_top(rows[i], drawable, wanted[i].factor)))
          << "width " << width << ", row " << i;
    }
  }
}

TEST_F(VulkanTop, IsOfTheLargestVocabulary) {
  for (size_t width : {262208, 262400}) {
    const auto row = random_values(width, 5, 3);
    const Rows got(*device_, {row}, 1, int(width), {kTop});
    EXPECT_TRUE(same(*got.executable->top(0), plain_top(row, int(width), 1)));
  }
}

TEST_F(VulkanTop, HasTheSameBitsWhateverStandsBesideTheRow) {
  const auto rows = rows_of(9000, 1);
  const Rows all(*device_, rows, 64, 8999, std::vector<Wanted>(rows.size(), kTop));
  for (size_t i = 0; i < rows.size(); ++i) {
    const Rows alone(*device_, {rows[i]}, 1, 8999, {kTop});
    const TopLogits &a = *all.executable->top(int(i)), &b = *alone.executable->top(0);
    EXPECT_TRUE(same(a, b)) << "row " << i;
    EXPECT_EQ(std::memcmp(&a.sum, &b.sum, 2 * sizeof(float)), 0) << "row " << i;
  }
}

TEST_F(VulkanTop, IsNotLookedForUnlessSomethingMayBeDrawn) {
  const Rows got(*device_, {{1, 2, 3}}, 1, 0, {kTop});
  EXPECT_EQ(got.executable->top(0), nullptr);
}

// One op makes the logits here; copies wait for it only.
TEST_F(VulkanTop, IsLookedForBehindTheLogits) {
  const auto copying = vulkan::make({.float32 = true}, vulkan::Results::copied);
  const auto recorded = [](Device& device, int drawable) {
    return vulkan::recorded(*Rows(device, {{1, 2, 3}}, 1, drawable, {kTop}).executable);
  };
  const vulkan::Recorded with = recorded(*copying, 3), without = recorded(*copying, 0);
  EXPECT_EQ(with.dispatches, 4);
  EXPECT_EQ(with.barriers, 2);
  EXPECT_EQ(without.dispatches, 2);
  EXPECT_EQ(without.barriers, 1);
}

TEST_F(VulkanTop, LeavesRowsThatAreNotWantedWhereTheyAre) {
  const auto device = vulkan::make({.float32 = true}, vulkan::Results::copied);
  std::vector<std::vector<float>> rows;
  for (uint32_t i = 0; i < 5; ++i) rows.push_back(random_values(5000, i));
  const Rows got(*device, rows, 8, 5000, {kTop, kWhole, kTop, kTop, kWhole});
  const std::vector<float> nothing(5000);
  for (int row : {1, 4}) EXPECT_TRUE(same_bits(got.result(row), rows[size_t(row)])) << row;
  for (int row : {0, 2, 3}) EXPECT_TRUE(same_bits(got.result(row), nothing)) << row;
  for (int row : {3, 0}) {
    got.executable->fetch(row);
    EXPECT_TRUE(same_bits(got.result(row), rows[size_t(row)])) << row << " was fetched";
  }
  EXPECT_TRUE(same_bits(got.result(2), nothing));
  EXPECT_TRUE(same(*got.executable->top(2), plain_top(rows[2], 5000, 1)));
}

}  // namespace
}  // namespace troika::device
