// The NPU's device: its products go through the simulated array and have the bits of the plain definition; what the array
// does not do, the CPU does.
#include "device/npu/npu_device.h"

#include <gmock/gmock.h>

#include "device/npu/product_array.h"
#include "device/plain_npu.h"
#include "device/tape.h"

namespace troika::device {
namespace {

using ops::Builder;
using ops::Tensor;

constexpr double kAnyError = 1;  // all that 4 bits can do is done in 4 bits
constexpr WeightUse kMultiplied{.multiplied = true, .looked_up = false};

Tape tape_of(int bucket, int live, int depth, Format format, const std::function<Tensor(Builder&, Tensor)>& op) {
  Tape tape;
  Builder b(bucket, 1);
  Tensor x = b.embed("x", 4, depth);
  tape.program = b.finish(b.pick_rows(op(b, x)));
  tape.first_op = 1;
  tape.inputs = ops::StepInputs(bucket, 1, 1, 1);
  tape.inputs.tokens = live;
  tape.inputs.outputs = 1;
  tape.fill_weights(format, 11);
  tape.fill_inputs(77);
  return tape;
}

Tape linear_tape(Format format, int depth, int out, int live, Builder::Bias bias) {
  return tape_of(live + 1, live, depth, format, [&](Builder& b, Tensor x) { return b.linear(x, "w", out, bias); });
}

TEST(Npu, MultipliesAsThePlainDefinitionDoesInEveryBit) {
  auto npu = npu::make({.threads = 2}, kAnyError);
  PlainNpu plain({.threads = 2}, kAnyError);
  for (Format format : {Format::f32, Format::bf16, Format::q8_0, Format::q6_k, Format::q4_0, Format::q4_k, Format::iq4_nl}) {
    int block = info(format).block_values;
    for (int depth : {block == 1 ? 17 : block, 3 * block + (block == 1 ? 300 : 0)}) {
      for (int out : {1, 255, 600}) {
        Tape tape = linear_tape(format, depth, out, out == 255 ? 257 : 3, out == 1 ? Builder::Bias::no : Builder::Bias::yes);
        Outcome got = run_on(*npu, tape, Format::f32, kMultiplied), want = run_on(plain, tape, Format::f32, kMultiplied);
        EXPECT_TRUE(same_bits(got.arena, want.arena)) << info(format).name << " " << out << "x" << depth;
      }
    }
  }
}

bool is_in_four_bits(const WeightView& view, double most_error) {
  return std::holds_alternative<troika::npu::W4Matrix>(npu::round_matrix(view, kMultiplied, most_error).value());
}

TEST(Npu, KeepsFourBitsOnlyWhereTheyCostLittle) {
  auto values = random_values(40 * 512, 1);
  for (Format format : {Format::q4_0, Format::q4_k}) {
    EXPECT_TRUE(is_in_four_bits(packed("w", format, {40, 512}, values), 0.12));
    EXPECT_FALSE(is_in_four_bits(packed("w", format, {40, 512}, values), npu::kMostError));
  }
  EXPECT_FALSE(is_in_four_bits(packed("w", Format::q8_0, {40, 512}, values), kAnyError));
  EXPECT_FALSE(is_in_four_bits(packed("w", Format::f16, {40, 512}, values), kAnyError));
  std::fill(values.begin(), values.end(), 1.0f);
  EXPECT_TRUE(is_in_four_bits(packed("w", Format::q4_0, {40, 512}, values), npu::kMostError));
}

TEST(Npu, MultipliesOnlyWithMatricesThatFitARunAndAreNotLookedUp) {
  auto values = random_values(64, 1);
  EXPECT_FALSE(npu::round_matrix(packed("bias", Format::f32, {64}, values), kMultiplied));
  EXPECT_FALSE(npu::round_matrix(packed("tied", Format::f32, {8, 8}, values), WeightUse{}));
  auto wide = random_values(size_t(70000) * 1, 1);
  EXPECT_FALSE(npu::round_matrix(packed("wide", Format::f32, {70000, 1}, wide), kMultiplied));
}

TEST(Npu, ComesCloseToTheProductOfTheFile) {
  auto npu = make_device("npu", {.threads = 2});
  for (Format format : {Format::f32, Format::q8_0, Format::q6_k}) {
    Tape tape = linear_tape(format, 512, 300, 17, Builder::Bias::yes);
    Outcome got = run_on(*npu, tape, Format::f32, kMultiplied), want = run_plain(tape);
    size_t at = got.offsets[tape.program.ops[1].out[0].id], count = size_t(17) * 300;
    EXPECT_TRUE(close_on_average({&got.arena[at], count}, {&want.arena[at], count})) << info(format).name;
  }
}

TEST(Npu, GivesARowTheSameBitsAloneAndInAnyBatch) {
  auto npu = npu::make({.threads = 1}, kAnyError);
  std::vector<float> alone;
  for (int rows : {1, 2, 256, 300}) {
    Tape tape = linear_tape(Format::q4_0, 256, 40, rows, Builder::Bias::yes);
    auto& x = tape.values.at(tape.program.ops[0].out[0].id);
    for (int i = 0; i < 256; ++i) x[size_t(i)] = std::sin(float(i));
    Outcome got = run_on(*npu, tape, Format::f32, kMultiplied);
    std::span<const float> row(&got.arena[got.offsets[tape.program.ops[1].out[0].id]], 40);
    if (rows == 1) alone.assign(row.begin(), row.end());
    EXPECT_TRUE(same_bits(row, alone)) << rows;
  }
}

// Parts of a weight, fused products, weights that are looked up as well: the CPU's own arithmetic.
TEST(Npu, LeavesToTheCpuWhatTheArrayDoesNot) {
  auto npu = make_device("npu", {.threads = 2}), cpu = make_device("cpu", {.threads = 2, .repack = false});
  Tape part = tape_of(4, 3, 64, Format::q8_0, [](Builder& b, Tensor x) {
    return b.linear_part(x, "w", 40, {Shape{45, 96}, 4});
  });
  Tape whole = linear_tape(Format::q8_0, 64, 40, 3, Builder::Bias::no);
  for (auto [tape, use] : {std::pair{&part, kMultiplied}, {&whole, WeightUse{}}}) {
    Outcome got = run_on(*npu, *tape, Format::f32, use), want = run_on(*cpu, *tape, Format::f32, use);
    EXPECT_TRUE(same_bits(got.arena, want.arena));
  }
  ops::Op gated{.kind = ops::OpKind::linear_gated};
  EXPECT_FALSE(npu->supports(whole.program, gated));
}

TEST(Npu, IsLostWithTheFirstFaultOfItsArray) {
  using troika::npu::kW8A8;
  npu::ProductArray array(troika::npu::open_array({.plugin = troika::npu::kSimulated}));
  const troika::npu::GemmShape shape{256, 256, 128};
  const npu::ArrayBuffer w = array.share(kW8A8, std::vector<std::byte>(packed_w_bytes(kW8A8, shape))).value();
  npu::Product& product = array.product(kW8A8, shape);
  const auto multiply = [&] { array.start(product, w), array.finish(product); };
  multiply();
  w.host()[5] = std::byte{1};  // and the array is not told
  EXPECT_THAT(multiply, ::testing::ThrowsMessage<DeviceLost>(::testing::HasSubstr("reads byte 5 of a buffer")));
  w.to_device(0, w.size());
  EXPECT_THROW(multiply(), DeviceLost);
}

TEST(Npu, SaysThatItIsSimulatedAndRefusesFloat32) {
  auto npu = make_device("npu", {.threads = 1});
  EXPECT_TRUE(npu->info().is_simulated);
  EXPECT_EQ(npu->info().name, "npu (simulated)");
  EXPECT_THAT([] { make_device("npu", {.float32 = true}); },
              ::testing::ThrowsMessage<Error>(::testing::HasSubstr("multiplies in int8; leave --dtype f32 out")));
}

}  // namespace
}  // namespace troika::device
