// The simulated array: products through the very words of their streams, bit for bit; and that it behaves as its parts do.
#include "npu/sim/simulator.h"

#include <cmath>
#include <gmock/gmock.h>
#include <random>

#include "npu/cost/cost.h"
#include "npu/gemm/reference.h"
#include "npu/pass_design.h"
#include "npu/sim/races.h"
#include "npu/sim/walk.h"
#include "npu/txn/gemm_stream.h"

namespace troika::npu::sim {
namespace {

template <typename Number>
std::vector<Number> random_integers(size_t count, int most, std::mt19937& random) {
  std::vector<Number> values(count);
  for (Number& v : values) v = Number(int(random() % (2 * most + 1)) - most);
  return values;
}

W4Matrix random_w4(int n, int k, std::mt19937& random) {
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> weights(size_t(n) * k);
  for (float& w : weights) w = normal(random);
  return quantise_w4(weights, n, k);
}

void fill(HostBuffer& buffer, const std::vector<std::byte>& bytes) {
  std::copy(bytes.begin(), bytes.end(), buffer.host().begin());
  buffer.to_device(0, bytes.size());
}

std::vector<float> random_floats(size_t count, std::mt19937& random) {
  std::normal_distribution<float> normal(0, 1);
  std::vector<float> values(count);
  for (float& v : values) v = normal(random);
  return values;
}

// A product of random values: packed as the array takes it, and plain.
struct Product {
  Product(const GemmTile& tile, const GemmShape& shape)
      : packed_x(packed_x_bytes(tile, shape)), packed_w(packed_w_bytes(tile, shape)), packed_y(packed_y_bytes(tile, shape)) {
    std::mt19937 random(shape.m + shape.n + shape.k);
    std::vector<int8_t> x, w;
    std::vector<int16_t> wide_x;
    if (tile.result == ResultKind::bf16) token_scales = random_floats(size_t(shape.m), random);
    if (tile.x == XKind::i16) {
      wide_x = random_integers<int16_t>(size_t(shape.m) * shape.k, 32767, random);
      fill(packed_x, pack_x(tile, shape, wide_x));
    } else {
      x = random_integers<int8_t>(size_t(shape.m) * shape.k, 127, random);
      fill(packed_x, pack_x(tile, shape, x, token_scales));
    }
    if (tile.weights == WeightKind::w4) {
      W4Matrix w4 = random_w4(shape.n, shape.k, random);
      if (tile.result == ResultKind::bf16) bias = random_floats(size_t(shape.n), random);
      channel_scales = w4.channel_scale;
      w = int8_of(w4);
      fill(packed_w, pack_w(tile, w4, bias));
    } else {
      w = random_integers<int8_t>(size_t(shape.n) * shape.k, 127, random);
      fill(packed_w, pack_w(tile, shape, w));
    }
    sums = wide_x.empty() ? multiply(shape, x, w) : multiply(shape, wide_x, w);
  }

  Report run(Simulator& simulator, const std::vector<uint32_t>& stream) {
    HostBuffer* arguments[] = {&packed_x, &packed_w, &packed_y};
    Report report = simulator.run(stream, arguments);
    packed_y.from_device(0, packed_y.size());
    return report;
  }

  HostBuffer packed_x, packed_w, packed_y;
  std::vector<float> token_scales, channel_scales, bias;
  std::vector<int32_t> sums;
};

// Runs a product and compares every sum with the plain one.
Report expect_product(Simulator& simulator, const GemmDesign& design, const GemmShape& shape) {
  Product product(design.tile, shape);
  Report report = product.run(simulator, txn::gemm_stream(design, shape));
  EXPECT_EQ(unpack_sums(design.tile, shape, product.packed_y.host()), product.sums);
  return report;
}

TEST(SimulatedGemm, OfFourBitWeightsIsExact) {
  GemmDesign design = make_gemm_design(kW4A8);
  Simulator simulator(design.spec);
  Report report = expect_product(simulator, design, {256, 512, 128});
  EXPECT_EQ(report.kernel_calls, 16u * (1 + 2 * 2));
  EXPECT_EQ(report.bytes_read, 256u * 128 + 512 * 128 / 2 + 2 * 2 * 512);
  EXPECT_EQ(report.bytes_written, 256u * 512 * 4);
}

TEST(SimulatedGemm, OfInt8WeightsIsExact) {
  for (const GemmTile& tile : {kW8A8, kW8A16}) {
    GemmDesign design = make_gemm_design(tile);
    Simulator simulator(design.spec);
    expect_product(simulator, design, {256, 256, 128});
  }
}

std::vector<bf16> random_bf16(size_t count, std::mt19937& random) {
  std::vector<bf16> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = float_to_bf16(std::normal_distribution<float>(0, 1)(random));
  return values;
}

// Products of bfloat16 are exact; each of K additions rounds once.
TEST(SimulatedGemm, OfBfloat16IsWithinTheRoundingOfItsSums) {
  std::mt19937 random(8);
  for (const GemmTile& tile : {kBf16, kBf16Wide}) {
    GemmDesign design = make_gemm_design(tile);
    Simulator simulator(design.spec);
    GemmShape shape{2 * tile.block_m(), tile.block_n(), 192};
    std::vector<bf16> x = random_bf16(size_t(shape.m) * shape.k, random), w = random_bf16(size_t(shape.n) * shape.k, random);
    HostBuffer packed_x(packed_x_bytes(tile, shape)), packed_w(packed_w_bytes(tile, shape));
    HostBuffer packed_y(packed_y_bytes(tile, shape));
    fill(packed_x, pack_x(tile, shape, x));
    fill(packed_w, pack_w(tile, shape, w));
    HostBuffer* arguments[] = {&packed_x, &packed_w, &packed_y};
    double simulated = simulator.run(txn::gemm_stream(design, shape), arguments).seconds;
    packed_y.from_device(0, packed_y.size());
    std::vector<float> y = unpack_floats(tile, shape, packed_y.host());
    std::vector<double> exact = multiply(shape, x, w);
    for (bf16& v : x) v.bits &= 0x7fff;
    for (bf16& v : w) v.bits &= 0x7fff;
    std::vector<double> sizes = multiply(shape, x, w);
    for (size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], exact[i], sizes[i] * shape.k * 0x1p-24) << tile.name << " " << i;
    double estimated = estimate(work_of(tile), shape, Calibration{}).seconds();
    EXPECT_NEAR(simulated, estimated, 0.15 * estimated) << tile.name;  // short: ends weigh more
  }
}

TEST(SimulatedGemm, IsScaledInTheCoresWhereTheDesignSaysSo) {
  GemmDesign design = make_gemm_design(kW4A8Scaled);
  Simulator simulator(design.spec);
  for (GemmShape shape : {GemmShape{512, 1024, 128}, {256, 512, 384}}) {
    Product product(design.tile, shape);
    Report report = product.run(simulator, txn::gemm_stream(design, shape));
    EXPECT_EQ(report.bytes_written, size_t(shape.m) * shape.n * 2);
    std::vector<float> y = unpack_scaled(design.tile, shape, product.packed_y.host());
    for (int m = 0; m < shape.m; ++m)
      for (int n = 0; n < shape.n; ++n) {
        double scaled = double(product.sums[size_t(m) * shape.n + n]) * product.token_scales[m] * product.channel_scales[n];
        double exact = scaled + product.bias[n];
        ASSERT_NEAR(y[size_t(m) * shape.n + n], exact, std::fabs(exact) * 0.004 + std::fabs(scaled) * 1e-6) << m << ", " << n;
      }
    double estimated = estimate(work_of(design.tile), shape, Calibration{}).seconds();
    EXPECT_NEAR(report.seconds, estimated, 0.15 * estimated);  // short products: ends weigh more
  }
}

TEST(SimulatedGemm, OfManyBlocksIsExact) {
  for (const GemmTile& tile : {kW4A8, kW8A8, kW8A16, kW4A8Few, kW8A8Few}) {
    GemmDesign design = make_gemm_design(tile);
    Simulator simulator(design.spec);
    expect_product(simulator, design, {5 * tile.block_m(), 2 * tile.block_n(), 128});
    expect_product(simulator, design, {tile.block_m(), 3 * tile.block_n(), 384});
  }
}

TEST(SimulatedGemm, OfAnyShapeRunsOnTheSameArrayAgainAndAgain) {
  GemmDesign design = make_gemm_design(kW4A8);
  Simulator simulator(design.spec);
  for (GemmShape shape : {GemmShape{256, 512, 128}, {256, 512, 640}, {512, 512, 128}, {256, 512, 128}})
    expect_product(simulator, design, shape);
}

TEST(SimulatedGemm, TakesTheTimeOfTheCostModel) {
  for (const GemmTile& tile : {kW4A8, kW8A8, kW8A16}) {
    GemmDesign design = make_gemm_design(tile);
    for (double read_gb_s : {20.0, 2.0}) {  // bound by the cores, and by memory
      Options options;
      options.calibration.read_gb_s = read_gb_s;
      Simulator simulator(design.spec, options);
      GemmShape shape{2 * tile.block_m(), tile.block_n(), 1024};
      double simulated = expect_product(simulator, design, shape).seconds;
      double estimated = estimate(work_of(tile), shape, options.calibration).seconds();
      EXPECT_NEAR(simulated, estimated, 0.1 * estimated) << read_gb_s;
    }
  }
}

TEST(SimulatedArray, CopiesThroughAMemoryTile) {
  Simulator simulator(pass_design());
  for (int round = 0; round < 2; ++round) {
    PassBuffers buffers(1024);
    simulator.run(pass_stream({.words = 1024}, {.words = 1024}), buffers.arguments());
    EXPECT_EQ(buffers.output(), buffers.input());
  }
}

TEST(SimulatedArray, FollowsStridesAndIterations) {
  // 2 × 4 × 8 words read with the axes turned; twice, the second time 256 words further on.
  Simulator simulator(pass_design());
  PassBuffers buffers(512);
  simulator.run(pass_stream({.words = 256, .size0 = 8, .size1 = 4, .stride = {4, 1, 32}, .iterations = 2,
                             .iteration_stride = 256, .repeats = 2},
                            {.words = 512}),
                buffers.arguments());
  std::vector<uint32_t> expected;
  for (int half = 0; half < 2; ++half)
    for (int i = 0; i < 8; ++i)
      for (int j = 0; j < 4; ++j)
        for (int k = 0; k < 8; ++k) expected.push_back(buffers.input()[half * 256 + i * 32 + j + k * 4]);
  EXPECT_EQ(buffers.output(), expected);
}

TEST(SimulatedArray, ReadsAndWritesAsFastAsMemoryLets) {
  Options options;
  options.calibration.read_gb_s = 1;
  PassBuffers buffers(4096);
  Simulator slow(pass_design(), options);
  uint64_t cycles = slow.run(pass_stream({.words = 4096}, {.words = 4096}), buffers.arguments()).cycles;
  EXPECT_NEAR(double(cycles), 4096 * 4, 1000);
  Simulator fast(pass_design());
  cycles = fast.run(pass_stream({.words = 4096}, {.words = 4096}), buffers.arguments()).cycles;
  EXPECT_NEAR(double(cycles), 4096, 1000);  // a word a cycle
}

TEST(SimulatedArray, RefusesADesignThatDoesNotFit) {
  DesignSpec design = pass_design();
  design.buffers[0].bytes = 600000;
  EXPECT_THAT([&] { Simulator simulator(design); },
              testing::ThrowsMessage<Error>(testing::HasSubstr("but that memory has 524288")));
}

TEST(Walk, VisitsWordsInTheOrderOfItsSteps) {
  Walk walk(7, {{2, 1}, {2, 10}, {kUnbounded, 100}});
  std::vector<uint64_t> visited;
  while (walk.left()) {
    Walk::Run run = walk.next(5);
    for (uint32_t i = 0; i < run.words; ++i) visited.push_back(run.word + i);
  }
  EXPECT_THAT(visited, testing::ElementsAre(0, 1, 10, 11, 100, 101, 110));
}

TEST(Races, AreAccessesThatNothingOrders) {
  Races races;
  int a = races.add_party("a"), b = races.add_party("b"), c = races.add_party("c"), memory = races.add_memory();
  Races::Message from_a, from_b;
  races.access(a, memory, 0, 8, true, "it");
  races.release(a, from_a);
  races.acquire(b, from_a);
  races.access(b, memory, 4, 12, true, "it");  // b heard of a
  races.release(b, from_b);
  races.acquire(c, from_b);
  races.access(c, memory, 0, 12, false, "it");  // c of both
  races.access(a, memory, 12, 16, true, "it");  // other bytes
  EXPECT_THAT([&] { races.access(a, memory, 0, 2, true, "it"); },
              testing::ThrowsMessage<Fault>("a writes bytes 0 to 2 of it, which c reads, and nothing orders the two."));
  EXPECT_THROW(races.access(a, memory, 6, 7, false, "it"), Fault);  // b wrote it
  EXPECT_NO_THROW(races.access(a, memory, 0, 2, false, "it"));      // two may read
}

}  // namespace
}  // namespace troika::npu::sim
