// What the CPU device promises beyond right answers: a row's result is the same to the last bit however many
// threads run and whatever rows stand beside it; its pool survives being replayed, started twice and dropped.
#include <gtest/gtest.h>

#include "device/cpu/compiler.h"
#include "device/cpu/thread_pool.h"
#include "device/tape.h"
#include "ops/rewrites.h"

namespace troika::device {
namespace {

using ops::Builder;
using ops::Tensor;

constexpr int kRows = 33, kWidth = 512, kHeads = 8, kKvHeads = 2, kHeadDim = 64;

// A whole decoder layer and a head, fused as far as it goes, for `rows` sequences that each add one token.
Tape layer(int rows, int first_row, Format format) {
  Tape tape;
  Builder b(rows, rows);
  Tensor x = b.embed("x", 4, kWidth);
  Tensor normed = b.rms_norm(x, "attn_norm", 1e-6f);
  Tensor q = b.linear(normed, "q", kHeads * kHeadDim, Builder::Bias::yes);
  Tensor k = b.linear(normed, "k", kKvHeads * kHeadDim, Builder::Bias::yes);
  Tensor v = b.linear(normed, "v", kKvHeads * kHeadDim, Builder::Bias::yes);
  auto table = std::make_shared<ops::RopeTable>();
  for (int i = 0; i < kHeadDim / 2; ++i) table->inverse_frequency.push_back(std::pow(1e4f, -2.0f * i / kHeadDim));
  q = b.rope(q, kHeads, table);
  k = b.rope(k, kKvHeads, table);
  int cache = b.kv_cache(kKvHeads, kHeadDim);
  b.kv_write(cache, k, v);
  Tensor mixed = b.attend(q, {.cache = cache, .heads = kHeads, .scale = 0.125f});
  x = b.add(x, b.linear(mixed, "o", kWidth));
  Tensor h = b.rms_norm(x, "mlp_norm", 1e-6f);
  Tensor gate = b.linear(h, "gate", 768), up = b.linear(h, "up", 768);
  h = b.gated(ops::Activation::silu, gate, up);
  x = b.add(x, b.linear(h, "down", kWidth));
  Tensor m = b.rms_norm(x, "moe_norm", 1e-6f);
  x = b.add(x, b.moe(m, b.linear(m, "router", 5), "expert", 256,
                     {.used = 2, .normalise = true, .act = ops::Activation::silu}));
  Tensor s = b.rms_norm(x, "sparse_norm", 1e-6f);
  Tensor open = b.cut_below(b.linear_part(s, "sparse_gate", 512, {{768, kWidth}}), 1);
  s = b.gated(ops::Activation::gelu_tanh, open, b.linear_where(s, "sparse_up", open, {{768, kWidth}}));
  x = b.add(x, b.linear_part(s, "sparse_down", kWidth, {{kWidth, 768}}));
  x = b.softcap(b.layer_norm(x, "out_norm", 1e-5f), 3);
  tape.program = ops::fuse(b.finish(b.linear(b.pick_rows(x), "head", 300)), [](auto&, auto&) { return true; });
  tape.first_op = 1;
  tape.inputs = ops::StepInputs(rows, rows, kRows, 2);
  tape.inputs.tokens = tape.inputs.outputs = rows;
  tape.pages = kRows * 2;
  for (int i = 0; i < tape.pages; ++i) tape.inputs.page_table[i] = (i * 37) % tape.pages;
  for (int t = 0; t < rows; ++t) {
    tape.inputs.place(t, 0, (first_row + t) * 29 % 64, first_row + t);
    tape.inputs.output_rows[t] = t;
  }
  static std::map<Format, Tape> filled;  // the weights' numbers do not depend on the rows: fill them once
  if (auto found = filled.find(format); found != filled.end()) {
    tape.weights = found->second.weights;
    tape.values = found->second.values;
  } else {
    tape.fill_weights(format, 3);
    filled[format].weights = tape.weights;
    filled[format].values = tape.values;
  }
  auto all = random_values(size_t(kRows) * kWidth, 9);
  tape.values[tape.program.ops[0].out[0].id] = {all.begin() + first_row * kWidth,
                                                 all.begin() + (first_row + rows) * kWidth};
  return tape;
}

std::vector<float> logits_of(const Tape& tape, Device& device, Format cache) {
  Outcome o = run_on(device, tape, cache);
  const ops::TensorInfo& t = tape.program[tape.program.logits];
  auto first = o.arena.begin() + ptrdiff_t(o.offsets[tape.program.logits.id]);
  return {first, first + t.shape.values()};
}

class EveryFormat : public ::testing::TestWithParam<std::pair<Format, bool>> {};

// Every format in float32, and block formats with int8 activations too.
std::vector<std::pair<Format, bool>> format_cases() {
  std::vector<std::pair<Format, bool>> cases;
  for (const FormatInfo& f : formats()) {
    if (f.format == Format::i32) continue;
    cases.push_back({f.format, true});
    if (f.block_values > 1) cases.push_back({f.format, false});
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Cpu, EveryFormat, ::testing::ValuesIn(format_cases()), [](const auto& test) {
  return std::string(troika::info(test.param.first).name) + (test.param.second ? "_float32" : "_int8");
});

TEST_P(EveryFormat, GivesTheSameBitsOnAnyNumberOfThreads) {
  auto [format, float32] = GetParam();
  Tape tape = layer(17, 0, format);
  auto one = make_device("cpu", {.threads = 1, .float32 = float32});
  auto want = logits_of(tape, *one, Format::f16);
  for (int threads : {2, 3}) {
    auto several = make_device("cpu", {.threads = threads, .float32 = float32});
    EXPECT_TRUE(same_bits(logits_of(tape, *several, Format::f16), want)) << threads << " threads";
  }
}

TEST_P(EveryFormat, GivesARowTheSameBitsAloneAndInAnyBatch) {
  auto [format, float32] = GetParam();
  auto device = make_device("cpu", {.threads = 2, .float32 = float32});
  std::vector<std::vector<float>> alone;
  for (int row = 0; row < kRows; ++row) alone.push_back(logits_of(layer(1, row, format), *device, Format::f16));
  for (int rows : {2, 3, 4, 5, 7, 8, 9, 16, 17, 33}) {
    int first = (kRows - rows) / 2;
    auto together = logits_of(layer(rows, first, format), *device, Format::f16);
    for (int row = 0; row < rows; ++row) {
      EXPECT_TRUE(same_bits(std::span(together).subspan(size_t(row) * 300, 300), alone[first + row]))
          << "row " << row << " of " << rows;
    }
  }
}

TEST(Cpu, AgreesWithTheReferenceOnAWholeLayer) {
  Tape tape = layer(9, 0, Format::f32);
  auto cpu = make_device("cpu", {.threads = 2, .float32 = true});
  auto reference = make_device("reference", {});
  auto got = logits_of(tape, *cpu, Format::f32), want = logits_of(tape, *reference, Format::f32);
  EXPECT_TRUE(close(got, want, 1e-4));
}

TEST(Cpu, ReadsWeightsOfAnyFormatInPlace) {
  auto device = make_device("cpu", {.threads = 1, .repack = false});
  for (const FormatInfo& f : formats()) {
    auto view = packed("w", f.format, {64, 4096}, random_values(64 * 4096, 1));
    long before = view.keep.use_count();
    auto weight = std::dynamic_pointer_cast<cpu::CpuWeight>(device->prepare(view, {}));
    ASSERT_NE(weight, nullptr);
    EXPECT_GT(view.keep.use_count(), before);  // the mapping lives as long as the weight
    EXPECT_EQ(weight->data, view.bytes.data()) << f.name;
    EXPECT_TRUE(weight->floats.empty()) << f.name;
  }
}

TEST(Cpu, ReportsItsThreadsAndInstructionSet) {
  auto device = make_device("cpu", {.threads = 3});
  EXPECT_EQ(device->info().name, "cpu");
  EXPECT_NE(device->info().description.find("3 threads"), std::string::npos);
  EXPECT_GT(device->info().memory_bytes, size_t{1} << 20);
}

TEST(Cpu, RefusesMoreMemoryThanThereIs) {
  auto device = make_device("cpu", {.threads = 1});
  EXPECT_THROW(device->allocate(size_t{1} << 62), Error);
}

TEST(ThreadPool, RunsEveryTaskOnceAndLaunchesInOrder) {
  for (int threads : {1, 2, 5}) {
    cpu::ThreadPool pool({.threads = threads});
    std::vector<std::atomic<int>> first(100), second(100);
    std::atomic<bool> early = false;
    std::vector<cpu::Launch> launches(2);
    launches[0] = {[] { return 100; }, [&](int task, int) { ++first[task]; }};
    launches[1] = {[] { return 100; }, [&](int task, int) {
                     ++second[task];
                     for (auto& f : first) early = early || f != second[task];
                   }};
    for (int step = 0; step < 200; ++step) {
      pool.start(launches);
      pool.finish();
    }
    for (int i = 0; i < 100; ++i) EXPECT_EQ(first[i] + second[i], 400);
    EXPECT_FALSE(early);
  }
}

TEST(ThreadPool, FinishesWhatWasStartedBeforeTheNextStart) {
  cpu::ThreadPool pool({.threads = 3});
  std::atomic<int> done = 0;
  std::vector<cpu::Launch> launches = {{[] { return 50; }, [&](int, int) { ++done; }}};
  pool.start(launches);
  pool.start(launches);
  EXPECT_GE(done, 50);
  pool.finish();
  EXPECT_EQ(done, 100);
  pool.finish();
  EXPECT_EQ(done, 100);
}

double cpu_seconds() {
  timespec used;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return double(used.tv_sec) + double(used.tv_nsec) * 1e-9;
}

TEST(ThreadPool, SleepsWhenIdleAndWakesAgain) {
  cpu::ThreadPool pool({.threads = 4});
  std::atomic<int> done = 0;
  std::vector<cpu::Launch> launches = {{[] { return 8; }, [&](int, int) { ++done; }}};
  pool.start(launches);
  pool.finish();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  double before = cpu_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LT(cpu_seconds() - before, 0.05);
  pool.start(launches);
  pool.finish();
  EXPECT_EQ(done, 16);
}

}  // namespace
}  // namespace troika::device
