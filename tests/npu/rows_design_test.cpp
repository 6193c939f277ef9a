// Rows through kernels on the simulated array: what comes back is what each kernel makes of each tile, bit for bit.
#include "npu/design/rows_design.h"

#include <cstring>
#include <gmock/gmock.h>
#include <random>

#include "base/error.h"
#include "base/half.h"
#include "npu/design/check.h"
#include "npu/design/mlir.h"
#include "npu/kernels/catalogue.h"
#include "npu/sim/simulator.h"
#include "npu/txn/rows_stream.h"

namespace troika::npu {
namespace {

class RowsOnTheArray : public testing::TestWithParam<std::string_view> {};

// Any bytes that are numbers of bfloat16 are numbers of float32 too.
void fill(sim::HostBuffer& buffer, std::mt19937& random) {
  std::normal_distribution<float> normal(0, 1);
  for (size_t i = 0; i < buffer.size(); i += sizeof(bf16)) {
    bf16 value = float_to_bf16(normal(random));
    std::memcpy(&buffer.host()[i], &value, sizeof value);
  }
  buffer.to_device(0, buffer.size());
}

TEST_P(RowsOnTheArray, ComeBackAsTheKernelMakesThem) {
  const RowsDesign design = make_rows_design(GetParam());
  EXPECT_THAT(violations(design.spec), testing::IsEmpty());
  EXPECT_THAT(to_mlir(design.spec), testing::HasSubstr(fmt::format("func.call @{}(", GetParam())));
  sim::Simulator simulator(design.spec);
  std::mt19937 random(1);
  for (int tiles : {kTilesOfRound, 3 * kTilesOfRound}) {
    sim::HostBuffer x(size_t(tiles) * design.x_bytes), y(size_t(tiles) * design.y_bytes);
    sim::HostBuffer shared(std::max(4u, design.shared_bytes));
    fill(x, random);
    fill(shared, random);
    sim::HostBuffer* arguments[] = {&x, &shared, &y};
    EXPECT_EQ(simulator.run(txn::rows_stream(design, tiles), arguments).kernel_calls, size_t(tiles));
    y.from_device(0, y.size());
    std::vector<std::byte> expected(design.y_bytes);
    for (int tile = 0; tile < tiles; ++tile) {
      std::vector<std::byte*> buffers{&x.host()[tile * size_t(design.x_bytes)]};
      if (design.shared_bytes) buffers.push_back(shared.host().data());
      buffers.push_back(expected.data());
      kernels::find(GetParam())->run(buffers);
      ASSERT_EQ(std::memcmp(&y.host()[tile * size_t(design.y_bytes)], expected.data(), expected.size()), 0) << tile;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, RowsOnTheArray, testing::ValuesIn(kRowKernels),
                         [](const auto& info) { return std::string(info.param); });

TEST(RowsStream, RefusesTilesThatAreNoWholeRoundsOrTooMany) {
  const RowsDesign design = make_rows_design("softmax_bf16_2048");
  auto expect = [&](int tiles, const char* sentence) {
    EXPECT_THAT([&] { txn::rows_stream(design, tiles); }, testing::ThrowsMessage<Error>(testing::HasSubstr(sentence)));
  };
  expect(33, "33 tiles do not fill the NPU's rounds of 32; pad them to 64");
  expect(0, "pad them to 32");
  expect(1 << 20, "1048576 tiles are more than the 4 GB");
}

}  // namespace
}  // namespace troika::npu
