// The NPU's device: its products go through the simulated array and have the bits of the plain definition; what the array
// does not do, it leaves to others.
#include "device/npu/npu_device.h"

#include <gmock/gmock.h>

#include "device/npu/product_array.h"
#include "device/plain_npu.h"
#include "device/tape.h"

namespace troika::device {
namespace {

using ops::Builder;
using ops::Tensor;

const npu::Rounding kFourBits{.most_error = 1};  // all that 4 bits can do is done in 4 bits
const npu::Rounding kWideRows{.wide_rows = {"w"}};
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

// The tape's product alone: these devices do nothing else.
Outcome multiply_on(Device& device, const Tape& tape) {
  Loaded loaded = load_on(device, tape, Format::f32, kMultiplied);
  Segment segment = loaded.segment(tape);
  segment.end = segment.begin + 1;
  auto product = device.compile(segment);
  for (int again = 0; again < 2; ++again) {
    product->submit();
    product->wait();
  }
  return read_back(tape, loaded);
}

TEST(Npu, MultipliesAsThePlainDefinitionDoesInEveryBit) {
  for (const npu::Rounding& rounding : {kFourBits, kWideRows}) {
    auto npu = npu::make({.threads = 2}, rounding);
    PlainNpu plain(rounding);
    for (Format format : {Format::f32, Format::bf16, Format::q8_0, Format::q6_k, Format::q4_0, Format::q4_k, Format::iq4_nl}) {
      int block = info(format).block_values;
      for (int depth : {block == 1 ? 17 : block, 3 * block + (block == 1 ? 300 : 0)}) {
        for (int out : {1, 255, 600}) {
          Tape tape = linear_tape(format, depth, out, out == 255 ? 257 : 3, out == 1 ? Builder::Bias::no : Builder::Bias::yes);
          Outcome got = multiply_on(*npu, tape), want = multiply_on(plain, tape);
          EXPECT_TRUE(same_bits(got.arena, want.arena)) << info(format).name << " " << out << "x" << depth;
        }
      }
    }
  }
}

bool is_in_four_bits(const WeightView& view, const npu::Rounding& rounding = {}) {
  return std::holds_alternative<troika::npu::W4Matrix>(npu::round_matrix(view, kMultiplied, rounding)->values);
}

TEST(Npu, TakesRowsIn16BitsWhereTheWeightsNameAsksForIt) {
  auto values = random_values(40 * 512, 1);
  const npu::Rounding rounding{.most_error = 1, .wide_rows = {"gate", "down"}};
  for (Format format : {Format::q4_0, Format::q8_0}) {
    EXPECT_EQ(npu::round_matrix(packed("blk.0.ffn_up", format, {40, 512}, values), kMultiplied, rounding)->most_x, 127);
    EXPECT_GT(npu::round_matrix(packed("blk.0.ffn_down", format, {40, 512}, values), kMultiplied, rounding)->most_x, 32000);
  }
  EXPECT_FALSE(is_in_four_bits(packed("blk.0.ffn_down", Format::q4_0, {40, 512}, values), rounding));
}

TEST(Npu, KeepsFourBitsOnlyWhereTheyCostLittle) {
  auto values = random_values(40 * 512, 1);
  for (Format format : {Format::q4_0, Format::q4_k}) {
    EXPECT_TRUE(is_in_four_bits(packed("w", format, {40, 512}, values), {.most_error = 0.12}));
    EXPECT_FALSE(is_in_four_bits(packed("w", format, {40, 512}, values)));
  }
  EXPECT_FALSE(is_in_four_bits(packed("w", Format::q8_0, {40, 512}, values), kFourBits));
  EXPECT_FALSE(is_in_four_bits(packed("w", Format::f16, {40, 512}, values), kFourBits));
  std::fill(values.begin(), values.end(), 1.0f);
  EXPECT_TRUE(is_in_four_bits(packed("w", Format::q4_0, {40, 512}, values)));
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
    Outcome got = multiply_on(*npu, tape), want = run_plain(tape);
    size_t at = got.offsets[tape.program.ops[1].out[0].id], count = size_t(17) * 300;
    EXPECT_TRUE(close_on_average({&got.arena[at], count}, {&want.arena[at], count})) << info(format).name;
  }
}

TEST(Npu, GivesARowTheSameBitsAloneAndInAnyBatch) {
  auto npu = npu::make({.threads = 1}, kFourBits);
  std::vector<float> alone;
  for (int rows : {1, 2, 256, 300}) {
    Tape tape = linear_tape(Format::q4_0, 256, 40, rows, Builder::Bias::yes);
    auto& x = tape.values.at(tape.program.ops[0].out[0].id);
    for (int i = 0; i < 256; ++i) x[size_t(i)] = std::sin(float(i));
    Outcome got = multiply_on(*npu, tape);
    std::span<const float> row(&got.arena[got.offsets[tape.program.ops[1].out[0].id]], 40);
    if (rows == 1) alone.assign(row.begin(), row.end());
    EXPECT_TRUE(same_bits(row, alone)) << rows;
  }
}

TEST(Npu, LeavesToOthersWhatTheArrayDoesNot) {
  auto npu = make_device("npu", {});
  Tape part = tape_of(4, 3, 64, Format::q8_0, [](Builder& b, Tensor x) {
    return b.linear_part(x, "w", 40, {Shape{45, 96}, 4});
  });
  Tape whole = linear_tape(Format::q8_0, 64, 40, 3, Builder::Bias::no);
  for (const ops::Op& op : part.program.ops) EXPECT_FALSE(npu->supports(part.program, op)) << op.name;
  for (const ops::Op& op : whole.program.ops) {
    EXPECT_EQ(npu->supports(whole.program, op), op.kind == ops::OpKind::linear) << op.name;
  }
  auto values = random_values(64, 1);
  EXPECT_EQ(npu->prepare(packed("tied", Format::f32, {8, 8}, values), WeightUse{}), nullptr);
  EXPECT_NE(npu->prepare(packed("matrix", Format::f32, {8, 8}, values), kMultiplied), nullptr);
  EXPECT_NE(npu->prepare(packed("bias", Format::f32, {64}, values), kMultiplied), nullptr);
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
