// Products in int8 and in halves: a row gets the same bits from every kernel, whatever the number of rows, and from a step that
// is cut into many submissions.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "device/tape.h"
#include "device/vulkan/compiler.h"
#include "device/vulkan_here.h"
#include "ops/rewrites.h"

namespace troika::device::vulkan {
namespace {

using ops::Builder;
using ops::Tensor;

constexpr int kDepth = 768, kMostRows = 100;

// What `ops` makes of the first `rows` of the rows of x.
Tape tape_of(int rows, Format format, const std::function<Tensor(Builder&, Tensor)>& ops) {
  Tape tape;
  Builder b(rows, 1);
  Tensor x = b.embed("x", 4, kDepth);
  tape.program = b.finish(b.pick_rows(ops(b, x)));
  tape.program = ops::fuse(tape.program, [](auto&, auto&) { return true; });
  tape.first_op = 1;
  tape.inputs = ops::StepInputs(rows, 1, 1, 4);
  tape.inputs.tokens = rows;
  tape.inputs.outputs = 1;
  for (int t = 0; t < rows; ++t) tape.inputs.place(t, 0, t, 0);
  tape.fill_weights(format, 3);
  std::vector<float> all = random_values(size_t(kMostRows) * kDepth, 5);
  all.resize(size_t(rows) * kDepth);
  tape.values[x.id] = std::move(all);
  return tape;
}

// A norm, products with a bias, gated and of a part of a weight.
Tensor products(Builder& b, Tensor x) {
  Tensor h = b.rms_norm(x, "norm", 1e-6f);
  Tensor gate = b.linear(h, "gate", 256), up = b.linear(h, "up", 256);
  Tensor inner = b.gated(ops::Activation::silu, gate, up);
  Tensor out = b.add(b.linear(h, "w", 77, Builder::Bias::yes), b.linear_part(h, "part", 77, {{100, kDepth + 256}, 5}));
  return b.concat(out, b.linear(inner, "down", 80));
}

// A product that a norm follows, and products that read the normed rows only.
Tensor products_around_a_norm(Builder& b, Tensor x) {
  Tensor sum = b.add(x, b.linear(x, "o", kDepth, Builder::Bias::yes));
  Tensor h = b.rms_norm(sum, "norm", 1e-6f);
  Tensor q = b.linear(h, "q", 77, Builder::Bias::yes), gate = b.linear(h, "gate", 64), up = b.linear(h, "up", 64);
  return b.concat(b.concat(q, b.gated(ops::Activation::silu, gate, up)), sum);
}

// The same of rows that are cut into slices of which the last is shorter.
Tensor products_in_uneven_slices(Builder& b, Tensor x) {
  const int width = 288;
  Tensor narrow = b.linear(x, "narrow", width);
  Tensor h = b.rms_norm(b.add(narrow, b.linear(narrow, "o", width)), "norm", 1e-6f);
  return b.gated(ops::Activation::silu, b.linear(h, "gate", 64), b.linear(h, "up", 64));
}

struct Result {
  std::vector<float> rows;  // of all that is joined behind the last products
  int submissions, dispatches;
};

// `replay`: what is done with the commands instead of running them once.
Result run(Device& device, const Tape& tape, CompileOptions options,
           const std::function<void(Recorder&)>& replay = [](Recorder& recorder) {
             recorder.submit();
             recorder.wait();
           }) {
  const Loaded loaded = load_on(device, tape, Format::f32);
  const auto context = Context::open();
  Scratch scratch(context);
  const auto step = std::make_shared<StepBlock>(*context, tape.inputs);
  const Segment segment = loaded.segment(tape);
  const Compiled compiled = Compiler(context, segment, step, scratch, options).compile();
  step->upload();
  replay(*compiled.recorder);
  const Outcome o = read_back(tape, loaded);
  const Tensor out = tape.program.ops[tape.program.ops.size() - 2].out[0];
  const auto first = o.arena.begin() + ptrdiff_t(o.offsets[out.id]);
  return {{first, first + tape.program[out].shape.values()}, compiled.recorder->submissions(), compiled.recorder->dispatches()};
}

class VulkanInt8 : public OnVulkan {};

TEST_F(VulkanInt8, GivesARowTheSameBitsWhateverTheNumberOfRows) {
  for (Format format : {Format::q4_0, Format::q2_k}) {
    for (const auto& ops : {products, products_around_a_norm}) {
      const Result all = run(*device_, tape_of(kMostRows, format, ops), {});
      for (int rows : {1, 2, 5, 8, 9, 16, 17, 31, 33, 64}) {
        for (uint32_t at_once : {8u, 32u}) {
          const std::vector<float> few = run(*device_, tape_of(rows, format, ops), {.rows_at_once = at_once}).rows;
          EXPECT_TRUE(same_bits(few, std::span(all.rows).first(few.size())))
              << info(format).name << ", " << rows << " rows, " << at_once << " at once";
        }
      }
    }
  }
}

class VulkanInt8Chained : public OnVulkanChained {};

TEST_F(VulkanInt8Chained, GivesTheBitsThatBarriersGive) {
  const auto run_all = [&] {
    std::vector<std::vector<float>> results;
    for (Format format : {Format::q4_0, Format::q6_k}) {
      for (const auto& ops : {products, products_around_a_norm}) {
        for (int rows : {1, 2, 8}) results.push_back(run(*device_, tape_of(rows, format, ops), {}).rows);
      }
    }
    for (int rows : {1, 2, 8}) results.push_back(run(*device_, tape_of(rows, Format::q4_0, products_in_uneven_slices), {}).rows);
    return results;
  };
  const auto chained = run_all();
  ASSERT_TRUE(Context::open()->has_chains());
  Context::open()->stop_chains();
  const auto behind_barriers = run_all();
  for (size_t i = 0; i < chained.size(); ++i) EXPECT_TRUE(same_bits(chained[i], behind_barriers[i])) << i;
}

// The trials that a tuner would make of a tape.
std::vector<Trial> trials_of(Device& device, const Tape& tape, CompileOptions options, Tuner& tuner) {
  const Loaded loaded = load_on(device, tape, Format::f32);
  const auto context = Context::open();
  Scratch scratch(context);
  const auto step = std::make_shared<StepBlock>(*context, tape.inputs);
  const Segment segment = loaded.segment(tape);
  options.tuner = &tuner;
  Compiler compiler(context, segment, step, scratch, options);
  const std::vector<Trial> trials = compiler.trials();
  tuner.measure(trials);
  return trials;
}

// With each candidate in its turn as the fastest; gives how many there are at most.
size_t expect_same_bits_of_candidates(Device& device, const Tape& tape, std::span<const float> want, CompileOptions options) {
  size_t number = 0, most = 1;
  for (; number < most; ++number) {
    const auto file = std::make_shared<MeasuredFile>("", 0);
    const auto prefer = [&](const Trial& trial) {
      std::vector<double> seconds(trial.candidates.size(), 2);
      seconds[number % seconds.size()] = 1;
      return seconds;
    };
    Tuner tuner(file, {prefer, [] { return 0.0; }});
    for (const Trial& trial : trials_of(device, tape, options, tuner)) most = std::max(most, trial.candidates.size());
    options.tuner = &tuner;
    EXPECT_TRUE(same_bits(run(device, tape, options).rows, want)) << "candidate " << number;
    for (auto& [product, kernel] : file->measured.kernels) kernel = "no such kernel";
    EXPECT_TRUE(same_bits(run(device, tape, options).rows, want)) << "of no known kernel";
  }
  return most;
}

TEST_F(VulkanInt8, GivesTheSameBitsWithWhateverIsSaidToBeTheFastest) {
  for (int rows : {1, 12, 33, kMostRows}) {
    SCOPED_TRACE(rows);
    const Tape tape = tape_of(rows, Format::q4_k, products);
    const size_t most = expect_same_bits_of_candidates(*device_, tape, run(*device_, tape, {.matrix_unit = false}).rows, {});
    EXPECT_EQ(most > 1, rows > 8);
  }
}

TEST_F(VulkanInt8, FindsTheFastestKernelOfEachProduct) {
  if (!Context::open()->keeps_time()) GTEST_SKIP() << "this GPU keeps no time";
  const Tape tape = tape_of(33, Format::q4_0, products_around_a_norm);
  const auto file = std::make_shared<MeasuredFile>("", 0);
  Tuner tuner(file, stopwatch_of(Context::open()), 1e9);
  const std::vector<Trial> trials = trials_of(*device_, tape, {}, tuner);
  EXPECT_GE(trials.size(), 2u);
  EXPECT_EQ(file->measured.kernels.size(), trials.size());
  EXPECT_TRUE(trials_of(*device_, tape, {}, tuner).empty()) << "nothing is left to measure";
  EXPECT_TRUE(same_bits(run(*device_, tape, {.tuner = &tuner}).rows, run(*device_, tape, {}).rows));
}

Tape product_tape(int rows, Format format, int columns) {
  return tape_of(rows, format, [=](Builder& b, Tensor x) { return b.linear(x, "w", columns, Builder::Bias::yes); });
}

TEST_F(VulkanInt8, GivesTheSameBitsOnTheMatrixUnit) {
  if (!matrix_shape(Context::open()->caps())) GTEST_SKIP() << "this GPU has no matrix unit for int8";
  for (const FormatInfo& format : formats()) {
    const PanelFormat* panel = find_panel_format(format.format);
    if (!panel || panel->block_values < 32) continue;
    const Tape tape = product_tape(40, format.format, 50);
    EXPECT_TRUE(same_bits(run(*device_, tape, {}).rows, run(*device_, tape, {.matrix_unit = false}).rows)) << format.name;
  }
}

TEST_F(VulkanInt8, GivesTheSameBitsWithEveryTileOfTheMatrixUnit) {
  if (!matrix_shape(Context::open()->caps())) GTEST_SKIP() << "this GPU has no matrix unit for int8";
  for (Format format : {Format::q4_k, Format::q6_k}) {
    const Tape tape = product_tape(kMostRows, format, 150);
    const Result want = run(*device_, tape, {.matrix_unit = false});
    for (const MatrixTile& tile : matrix_tiles()) {
      EXPECT_TRUE(same_bits(run(*device_, tape, {.matrix_tile = tile}).rows, want.rows))
          << info(format).name << ", tile " << &tile - matrix_tiles().data();
    }
  }
}

// With few rows the norm is no dispatch of its own; whoever else reads normed rows gets them as they are.
TEST_F(VulkanInt8, EndsAProductWithTheNormBehindIt) {
  for (int rows : {3, 40}) {
    const Tape alone = tape_of(rows, Format::q8_0, products_around_a_norm);
    const Tape shared = tape_of(rows, Format::q8_0, [](Builder& b, Tensor x) {
      Tensor sum = b.add(x, b.linear(x, "o", kDepth, Builder::Bias::yes));
      Tensor h = b.rms_norm(sum, "norm", 1e-6f);
      return b.concat(b.linear(h, "q", 77), h);
    });
    for (const Tape* tape : {&alone, &shared}) {
      const Result got = run(*device_, *tape, {});
      const Outcome want = run_plain(*tape);
      const Tensor out = tape->program.ops[tape->program.ops.size() - 2].out[0];
      const auto right = std::span(want.arena).subspan(want.offsets[out.id], got.rows.size());
      EXPECT_TRUE(close_on_average(got.rows, right)) << rows << " rows, " << (tape == &alone ? "alone" : "shared");
    }
  }
  const auto layer = [](int others) {
    return [=](Builder& b, Tensor x) {
      Tensor h = b.rms_norm(b.add(x, b.linear(x, "o", kDepth)), "norm", 1e-6f);
      Tensor q = b.linear(h, "q", 32);
      return others ? b.concat(b.softcap(h, 3), q) : b.softcap(q, 3);
    };
  };
  const auto dispatches = [&](int rows, int others) { return run(*device_, tape_of(rows, Format::q8_0, layer(others)), {}).dispatches; };
  for (int rows : {3, 40}) {
    const int norm = rows == 3 ? 1 : 0, concat = 2;
    EXPECT_EQ(dispatches(rows, 1) - dispatches(rows, 0), norm + concat) << rows << " rows";
  }
}

TEST_F(VulkanInt8, GivesTheSameBitsInManySubmissions) {
  for (int rows : {3, 64}) {
    const Tape tape = tape_of(rows, Format::q4_k, products);
    const Result one = run(*device_, tape, {}), many = run(*device_, tape, {.most_work = 1});
    EXPECT_EQ(one.submissions, 1);
    EXPECT_GT(many.submissions, 4);
    EXPECT_TRUE(same_bits(one.rows, many.rows));
  }
}

TEST_F(VulkanInt8, GivesTheSameBitsWhenItsSubmissionsAreCutAgain) {
  const Tape tape = tape_of(64, Format::q4_k, products);
  const auto check_timed = [](const Recorder& recorder) {
    EXPECT_EQ(recorder.timed().size(), Context::open()->keeps_time() ? size_t(recorder.submissions()) : 0);
    for (const Submission& each : recorder.timed()) EXPECT_GT(each.seconds, 0);
  };
  const auto cut_twice = [&](Recorder& recorder) {
    for (uint64_t most : {uint64_t{1}, uint64_t{20'000'000}}) {
      EXPECT_TRUE(recorder.cut_again(most));
      EXPECT_FALSE(recorder.cut_again(most)) << "nothing changes";
      EXPECT_GT(recorder.submissions(), 1);
      recorder.submit();
      recorder.wait();
      check_timed(recorder);
    }
  };
  EXPECT_TRUE(same_bits(run(*device_, tape, {}).rows, run(*device_, tape, {.timed = Recorder::Timed::submissions}, cut_twice).rows));
}

// Rounded rows are kept in a few places in turn; a product must not round its result into the place of what it reads.
TEST_F(VulkanInt8, KeepsWhatAProductReadsWhileItRoundsItsResult) {
  const auto rows_behind = [&](int others) {
    Tape tape;
    Builder b(2, 2);
    const Tensor x = b.embed("x", 4, 64);
    Tensor last = b.linear(x, "first", 64), sum = last;
    for (int i = 0; i < others; ++i) sum = b.add(sum, last = b.linear(last, fmt::format("other.{}", i), 64));
    Tensor gate = b.linear(x, "gate", 64), up = b.linear(x, "up", 64);
    Tensor inner = b.gated(ops::Activation::silu, gate, up);
    tape.program = b.finish(b.pick_rows(b.concat(b.linear(inner, "down", 64), sum)));
    tape.program = ops::fuse(tape.program, [](auto&, auto&) { return true; });
    tape.first_op = 1;
    tape.inputs = ops::StepInputs(2, 2, 1, 4);
    tape.inputs.tokens = tape.inputs.outputs = 2;
    for (uint32_t id = 0; id < tape.program.tensors.size(); ++id) {  // the same weights, however many others there are
      const ops::TensorInfo& t = tape.program.tensors[id];
      if (t.role != ops::Role::weight) continue;
      const uint32_t seed = uint32_t(std::hash<std::string>()(t.name));
      tape.weights[id] = packed(t.name, Format::q8_0, t.shape, random_values(size_t(t.shape.values()), seed, 0.1f));
      tape.values[id].resize(size_t(t.shape.values()));
    }
    tape.values[x.id] = random_values(2 * 64, 5);
    std::vector<float> rows = run(*device_, tape, {}).rows;
    rows.resize(64);  // of the first row, what "down" made
    return rows;
  };
  const std::vector<float> want = rows_behind(0);
  for (int others = 1; others < 9; ++others) EXPECT_TRUE(same_bits(rows_behind(others), want)) << others << " others";
}

class VulkanHalves : public OnVulkan {
 protected:
  void SetUp() override {
    OnVulkan::SetUp();
    if (!IsSkipped() && !Context::open()->lanes()) GTEST_SKIP() << "this GPU has no matrix unit whose lanes we know";
  }
};

// Products one of which has a depth that ends in the middle of a span, if the format's blocks do.
std::function<Tensor(Builder&, Tensor)> narrow_products(Format format) {
  const int inner = 3 * std::max(32, info(format).block_values);
  return [inner](Builder& b, Tensor x) {
    Tensor gate = b.linear(x, "gate", inner), up = b.linear(x, "up", inner);
    return b.linear(b.gated(ops::Activation::silu, gate, up), "down", 50, Builder::Bias::yes);
  };
}

TEST_F(VulkanHalves, AgreeWithFloat32) {
  for (const FormatInfo& format : formats()) {
    const PanelFormat* panel = find_panel_format(format.format);
    if (!panel || format.format == Format::f32) continue;
    for (int rows : {3, 40}) {
      const Tape tape = tape_of(rows, format.format, narrow_products(format.format));
      const std::vector<float> want = run(*device_, tape, {.float32 = true}).rows;
      const std::vector<float> got = run(*device_, tape, {.halves = true}).rows;
      EXPECT_TRUE(close(got, want, 5e-3, 0)) << format.name << ", " << rows << " rows";
      EXPECT_FALSE(same_bits(got, want)) << format.name;
    }
  }
}

TEST_F(VulkanHalves, GiveARowTheSameBitsWhateverTheNumberOfRows) {
  for (Format format : {Format::q4_k, Format::q2_k, Format::q5_1, Format::f16}) {
    const std::function<Tensor(Builder&, Tensor)> kinds[] = {products, products_around_a_norm, narrow_products(format)};
    for (const auto& ops : kinds) {
      const Result all = run(*device_, tape_of(kMostRows, format, ops), {.halves = true});
      for (int rows : {1, 2, 5, 8, 9, 16, 17, 33, 64}) {
        const std::vector<float> few = run(*device_, tape_of(rows, format, ops), {.halves = true}).rows;
        EXPECT_TRUE(same_bits(few, std::span(all.rows).first(few.size()))) << info(format).name << ", " << rows << " rows";
      }
    }
  }
}

TEST_F(VulkanHalves, GiveTheSameBitsWithEveryTile) {
  for (Format format : {Format::q4_0, Format::bf16}) {
    for (int rows : {1, 12, kMostRows}) {
      SCOPED_TRACE(rows);
      const Tape tape = tape_of(rows, format, products);
      const std::vector<float> want = run(*device_, tape, {.halves = true}).rows;
      const size_t most = expect_same_bits_of_candidates(*device_, tape, want, {.halves = true});
      if (rows > 1) EXPECT_GT(most, 1u);
    }
  }
}

// What is larger than a half can be is cut, so that a sum is never of infinities.
TEST_F(VulkanHalves, CutWhatIsTooLarge) {
  Tape tape = tape_of(3, Format::q8_0, narrow_products(Format::q8_0));
  for (auto& [tensor, values] : tape.values) {
    if (values.size() == size_t{3} * kDepth) values[kDepth + 7] = 1e9f;
  }
  for (float value : run(*device_, tape, {.halves = true}).rows) EXPECT_TRUE(std::isfinite(value));
}

}  // namespace
}  // namespace troika::device::vulkan
