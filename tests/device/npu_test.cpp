// The NPU's device: its products go through the simulated array and have the bits of the plain definition; what the array
// does not do, it leaves to others.
#include "device/npu/npu_device.h"

#include <gmock/gmock.h>

#include "device/npu/product_array.h"
#include "device/plain_npu.h"
#include "device/tape.h"
#include "npu/made_up_npu.h"

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

TEST(Npu, LeavesToOthersMatricesThatAreTooDeepOrTooLarge) {
  constexpr int kMostK = troika::npu::kMostK;
  auto row = random_values(size_t(kMostK) + 1, 1);
  EXPECT_FALSE(npu::round_matrix(packed("deep", Format::f32, {1, kMostK + 1}, row), kMultiplied));
  row.resize(kMostK);
  EXPECT_TRUE(npu::round_matrix(packed("deep", Format::f32, {1, kMostK}, row), kMultiplied));
  EXPECT_EQ(npu::most_rounded_bytes(Format::q8_0, {65536, 65536}), 0u) << "4 GB, of which a run reaches one byte less";
  EXPECT_EQ(npu::most_rounded_bytes(Format::q8_0, {65536, 65280}), size_t{65536} * (65280 + 4));
  EXPECT_EQ(npu::most_rounded_bytes(Format::q8_0, {65537, 256}), 0u);
  EXPECT_GT(npu::most_rounded_bytes(Format::q4_0, {65537, 256}), 0u) << "in 4 bits";
}

TEST(Npu, LeavesToOthersWeightsThatAreNoNumbers) {
  auto values = random_values(64 * 64, 1);
  for (float odd : {INFINITY, -INFINITY, NAN}) {
    values[77] = odd;
    EXPECT_FALSE(npu::round_matrix(packed("w", Format::f32, {64, 64}, values), kMultiplied)) << odd;
  }
  values[77] = 0;
  WeightView blocks = packed("w", Format::q4_0, {64, 64}, values);
  auto damaged = std::make_shared<std::vector<std::byte>>(blocks.bytes.begin(), blocks.bytes.end());
  (*damaged)[0] = std::byte{0};
  (*damaged)[1] = std::byte{0x7c};  // the first block's scale: infinite
  EXPECT_FALSE(npu::round_matrix({"w", Format::q4_0, {64, 64}, *damaged, damaged}, kMultiplied));
}

TEST(Npu, TakesNoMoreBytesThanWereSaidBefore) {
  for (const npu::Rounding& rounding : {npu::Rounding{}, kFourBits}) {
    auto npu = npu::make({.threads = 1}, rounding);
    for (Format format : {Format::f16, Format::q8_0, Format::q4_0, Format::q4_k}) {
      for (const Shape& shape : {Shape{1, 256}, Shape{300, 512}, Shape{1024, 1024}}) {
        const size_t before = npu->info().weight_bytes;
        ASSERT_NE(npu->prepare(packed("w", format, shape, random_values(size_t(shape.values()), 1)), kMultiplied), nullptr);
        const size_t bytes = npu->info().weight_bytes - before, said = most_bytes("npu", ops::OpKind::linear, format, shape);
        EXPECT_LE(bytes, said) << info(format).name;
        const bool is_whole_int8 = rounding.most_error < 1 && shape[0] == 1024;
        EXPECT_GE(bytes, is_whole_int8 ? said : 0) << info(format).name;
      }
    }
  }
  EXPECT_EQ(most_bytes("npu", ops::OpKind::moe, Format::q8_0, {64, 64}), 0u);
  EXPECT_EQ(most_bytes("cpu", ops::OpKind::linear, Format::q8_0, {64, 64}), size_t{64} * 64 / 32 * 34);
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

// The array refuses the product of all rows; that of a block of them was reserved with the weight.
TEST(Npu, MultipliesABlockOfRowsAtATimeWhereThereIsNoRoomForAll) {
  constexpr int kBuffersToOpen = 15, kOfWeights = 2 * 3;  // the tape has a table, too
  PlainNpu plain;
  for (int rows : {255, 256, 257, 700}) {
    Tape tape = linear_tape(Format::q8_0, 96, 40, rows, Builder::Bias::yes);
    const Outcome want = multiply_on(plain, tape);
    for (const std::string& fault : {std::string(), fmt::format("no_room@{}", kBuffersToOpen + kOfWeights + 1)}) {
      troika::npu::MadeUpNpu machine;
      machine.inject(fault);
      auto npu = npu::make({.threads = 1}, {}, machine.options());
      EXPECT_TRUE(same_bits(multiply_on(*npu, tape).arena, want.arena)) << fault << " " << rows;
    }
  }
}

// Each may read what the one before it made, and has its X and Y.
TEST(Npu, BeginsAProductWhenTheOneBeforeItIsDoneAndLeavesTheLastOneRunning) {
  Tape tape = tape_of(4, 3, 64, Format::q8_0, [](Builder& b, Tensor x) {
    for (const char* name : {"a", "b", "c"}) x = b.linear(x, name, 64);
    return x;
  });
  auto npu = npu::make({.threads = 1});
  PlainNpu plain;
  Loaded loaded = load_on(*npu, tape, Format::f32, kMultiplied), other = load_on(plain, tape, Format::f32, kMultiplied);
  Segment segment = loaded.segment(tape), same = other.segment(tape);
  segment.end = segment.begin + 3, same.end = same.begin + 3;
  auto products = npu->compile(segment), expected = plain.compile(same);
  for (int again = 0; again < 2; ++again) {
    expected->submit();
    const Outcome want = read_back(tape, other);
    const Outcome before = read_back(tape, loaded);
    products->submit();
    const Outcome running = read_back(tape, loaded);
    products->wait();
    EXPECT_TRUE(same_bits(read_back(tape, loaded).arena, want.arena));
    for (int op : {1, 2, 3}) {
      const ops::Tensor made = tape.program.ops[size_t(op)].out[0];
      const auto of = [&](const Outcome& outcome) {
        return std::span<const float>(&outcome.arena[outcome.offsets[made.id]], size_t(3) * 64);
      };
      EXPECT_TRUE(same_bits(of(running), of(op < 3 ? want : before))) << op;
    }
  }
}

TEST(Npu, IsLostWithTheFirstFaultOfItsArray) {
  using troika::npu::kW8A8;
  npu::ProductArray array(troika::npu::open_array({.plugin = troika::npu::kSimulated}));
  const troika::npu::GemmShape shape{256, 256, 128};
  const auto [w, block] = array.share(kW8A8, shape.n, shape.k, std::vector<std::byte>(packed_w_bytes(kW8A8, shape))).value();
  EXPECT_EQ(block, array.product(kW8A8, shape));
  npu::Product& product = *block;
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
