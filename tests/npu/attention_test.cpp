// Flash attention on one simulated core, against attention by its definition in double.
#include "npu/design/attention_design.h"

#include <cmath>
#include <cstring>
#include <gmock/gmock.h>
#include <random>

#include "base/half.h"
#include "npu/design/check.h"
#include "npu/sim/simulator.h"
#include "npu/txn/parameters.h"
#include "npu/txn/shim.h"

namespace troika::npu {
namespace {

constexpr int kRows = kAttentionRows, kD = kHeadSize, kTile = kRows * kD;

TEST(Attention, FitsTheMemoryOfACore) {
  AttentionDesign design = make_attention_design();
  EXPECT_THAT(violations(design.spec), testing::IsEmpty());
  const BufferSpec& last = design.spec.buffers.back();
  EXPECT_EQ(last.address + last.bytes, 50208u);
  design.spec.buffers[0].bytes += 16384;  // not twice as many queries beside it
  EXPECT_THAT(violations(design.spec), testing::Contains(testing::HasSubstr("overlaps buffer Q.0")));
}

std::vector<bf16> random_rows(int rows, float size, std::mt19937& random) {
  std::normal_distribution<float> normal(0, size);
  std::vector<bf16> values(size_t(rows) * kD);
  for (bf16& v : values) v = float_to_bf16(normal(random));
  return values;
}

double value(bf16 v) { return bf16_to_float(v); }

// Rows as A's blocks [m/4, k/8, 4, 8], as B's of keys [n/4, k, 4], and as B's of values, whose depth the keys are.
size_t place_in_q(int row, int i) { return size_t(row / 4 * (kD / 8) + i / 8) * 32 + row % 4 * 8 + i % 8; }
size_t place_in_k(int row, int i) { return size_t(row / 4 * kD + i) * 4 + row % 4; }
size_t place_in_v(int row, int i) { return size_t(i / 4 * kRows + row) * 4 + i % 4; }
size_t place_in_o(int row, int i) { return size_t(row / 4 * (kD / 4) + i / 4) * 16 + row % 4 * 4 + i % 4; }

TEST(Attention, IsWithinBfloat16OfItsDefinition) {
  const AttentionDesign design = make_attention_design();
  sim::Simulator simulator(design.spec);
  std::mt19937 random(2);
  for (int before : {0, 3}) {
    const int keys = (before + 1) * kRows;
    // Scores of a few tens: later blocks have larger ones, and most weights are small.
    std::vector<bf16> q = random_rows(kRows, 2, random), k = random_rows(keys, 2, random), v = random_rows(keys, 1, random);
    sim::HostBuffer packed_q(2 * kTile), packed_kv(size_t(2) * 2 * keys * kD), packed_o(2 * kTile);
    auto* to_q = reinterpret_cast<bf16*>(packed_q.host().data());
    auto* to_kv = reinterpret_cast<bf16*>(packed_kv.host().data());
    for (int row = 0; row < kRows; ++row)
      for (int i = 0; i < kD; ++i) to_q[place_in_q(row, i)] = q[row * kD + i];
    for (int row = 0; row < keys; ++row)
      for (int i = 0; i < kD; ++i) {
        bf16* block = to_kv + size_t(row / kRows) * 2 * kTile;
        block[place_in_k(row % kRows, i)] = k[row * kD + i];
        block[kTile + place_in_v(row % kRows, i)] = v[row * kD + i];
      }
    packed_q.to_device(0, packed_q.size());
    packed_kv.to_device(0, packed_kv.size());

    std::vector<txn::Operation> operations;
    const std::span parameter(&design.parameter, 1), lock(&design.parameter_lock, 1);
    txn::tell(operations, design.spec, parameter, lock, {uint32_t(before)});
    sim::HostBuffer* arguments[] = {&packed_q, &packed_kv, &packed_o};
    for (int i = 0; i < 3; ++i) {
      txn::Transfer transfer{.port = design.spec.shims[i].port, .descriptor = i};
      transfer.argument = uint32_t(i);
      transfer.words = uint32_t(arguments[i]->size() / 4);
      transfer.token = i == kAttentionO;
      txn::start(operations, transfer);
    }
    operations.push_back(txn::TokenWait{design.spec.shims[kAttentionO].port});
    simulator.run(txn::encode(operations), arguments);
    packed_o.from_device(0, packed_o.size());
    auto* o = reinterpret_cast<const bf16*>(packed_o.host().data());

    for (int row = 0; row < kRows; ++row) {
      const int seen = before * kRows + row + 1;
      std::vector<double> weights(seen);
      double largest = -INFINITY, sum = 0;
      for (int key = 0; key < seen; ++key) {
        for (int i = 0; i < kD; ++i) weights[key] += value(q[row * kD + i]) * value(k[key * kD + i]) / std::sqrt(double(kD));
        largest = std::max(largest, weights[key]);
      }
      for (double& w : weights) sum += w = std::exp(w - largest);
      for (int i = 0; i < kD; ++i) {
        double exact = 0, size = 0;
        for (int key = 0; key < seen; ++key) {
          exact += weights[key] / sum * value(v[key * kD + i]);
          size += weights[key] / sum * std::fabs(value(v[key * kD + i]));
        }
        // Weights are rounded to bfloat16 before they meet values, and so is the result.
        const double within = 0x1.1p-8 * (size + std::fabs(exact));
        ASSERT_NEAR(value(o[place_in_o(row, i)]), exact, within) << before << ": " << row << ", " << i;
      }
    }
  }
}

}  // namespace
}  // namespace troika::npu
