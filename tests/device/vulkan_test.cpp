// The Vulkan device gives the same bits: replayed, recorded anew, and for a row whatever stands beside it.
#include <gtest/gtest.h>

#include <numeric>
#include <utility>

#include "device/tape.h"
#include "device/vulkan/context.h"
#include "device/vulkan/panels.h"
#include "device/vulkan_here.h"
#include "ops/rewrites.h"

namespace troika::device {
namespace {

using ops::Builder;
using ops::Tensor;

class VulkanBits : public OnVulkan {};

constexpr int kPages = 12;  // of each sequence

// A row of the step.
struct Token {
  int sequence, position;
};

// Whatever `ops` makes of inputs of these widths, for `tokens` in a step that has room for `capacity`.
Tape tape_of(const std::vector<Token>& tokens, int capacity, int sequences, const std::vector<int>& widths,
             const std::function<Tensor(Builder&, std::vector<Tensor>)>& ops, int pages = kPages) {
  Tape tape;
  Builder b(capacity, 1);
  std::vector<Tensor> inputs;
  for (int width : widths) inputs.push_back(b.embed(fmt::format("x{}", inputs.size()), 4, width));
  tape.program = b.finish(b.pick_rows(ops(b, inputs)));
  tape.first_op = inputs.size();
  tape.inputs = ops::StepInputs(capacity, 1, sequences, pages);
  tape.inputs.tokens = int(tokens.size());
  tape.inputs.outputs = 1;
  for (size_t t = 0; t < tokens.size(); ++t) tape.inputs.place(int(t), 0, tokens[t].position, tokens[t].sequence);
  std::iota(tape.inputs.page_table.rbegin(), tape.inputs.page_table.rend(), 0);
  tape.pages = sequences * pages;
  return tape;
}

// The inputs of row t are those of row first + t of `all`.
void take_inputs(Tape& tape, const Tape& all, size_t first) {
  for (size_t i = 0; i < tape.first_op; ++i) {
    const Tensor x = tape.program.ops[i].out[0];
    const size_t width = size_t(tape.program[x].shape.columns());
    const auto from = all.values.at(x.id).begin() + ptrdiff_t(first * width);
    std::copy_n(from, size_t(tape.inputs.tokens) * width, tape.values[x.id].begin());
  }
}

// Live rows of what the tape's last op but pick_rows made.
std::span<const float> result_rows(const Tape& tape, const Outcome& o, size_t first, size_t count) {
  const Tensor out = tape.program.ops[tape.program.ops.size() - 2].out[0];
  const size_t width = size_t(tape.program[out].shape.columns());
  return {o.arena.data() + o.offsets[out.id] + first * width, count * width};
}

std::vector<Token> rows_of_text(int count) {
  std::vector<Token> tokens;
  for (int t = 0; t < count; ++t) tokens.push_back({0, t});
  return tokens;
}

// A dense layer as Qwen3 has it: 4 query heads on 2 key/value heads of 32.
Tensor dense_layer(Builder& b, Tensor x) {
  const int heads = 4, kv_heads = 2, dim = 32, width = 96;
  const int cache = b.kv_cache(kv_heads, dim);
  const auto table = rope_table(dim, 1);
  Tensor h = b.rms_norm(x, "norm", 1e-6f);
  Tensor q = b.rope(b.rms_norm(b.linear(h, "q", heads * dim), "q_norm", 1e-6f, dim), heads, table);
  Tensor k = b.rope(b.rms_norm(b.linear(h, "k", kv_heads * dim), "k_norm", 1e-6f, dim), kv_heads, table);
  b.kv_write(cache, k, b.linear(h, "v", kv_heads * dim));
  Tensor a = b.attend(q, {.cache = cache, .heads = heads, .scale = 0.2f});
  x = b.add(x, b.linear(a, "o", width));
  h = b.rms_norm(x, "ffn_norm", 1e-6f);
  Tensor gate = b.linear(h, "gate", 160), up = b.linear(h, "up", 160);
  return b.add(x, b.linear(b.gated(ops::Activation::silu, gate, up), "down", width));
}

Tape layer_tape() {
  const std::vector<Token> tokens = {{0, 40}, {0, 41}, {0, 42}, {1, 0}, {2, 300}};
  Tape tape = tape_of(tokens, 8, 3, {96}, [](Builder& b, auto x) { return dense_layer(b, x[0]); });
  tape.program = ops::fuse(tape.program, [](auto&, auto&) { return true; });
  tape.cache_format = Format::f16;
  tape.fill_weights(Format::q8_0, 11);
  tape.fill_inputs(77);
  return tape;
}

bool same_outcome(const Outcome& a, const Outcome& b) {
  return same_bits(a.arena, b.arena) && a.keys == b.keys && a.values == b.values;
}

void replay_a_thousand_times(Device& device) {
  const Tape tape = layer_tape();
  const Loaded loaded = load_on(device, tape, Format::f16);
  const auto executable = device.compile(loaded.segment(tape));
  executable->submit();
  executable->wait();
  const Outcome first = read_back(tape, loaded);
  for (int replay = 1; replay < 1000; ++replay) {
    executable->submit();
    executable->wait();
    ASSERT_TRUE(same_outcome(read_back(tape, loaded), first)) << "replay " << replay;
  }
}

TEST_F(VulkanBits, AreTheSameInAThousandReplays) { replay_a_thousand_times(*device_); }

TEST_F(VulkanBits, AreTheSameInAThousandReplaysInInt8) { replay_a_thousand_times(*make_device("vulkan", {})); }

class VulkanBitsChained : public OnVulkanChained {};

TEST_F(VulkanBitsChained, AreTheSameInAThousandReplaysAndBehindBarriers) {
  const auto device = make_device("vulkan", {});
  const Tape tape = layer_tape();
  replay_a_thousand_times(*device);
  const Outcome chained = run_on(*device, tape, Format::f16);
  const auto context = vulkan::Context::open();
  ASSERT_TRUE(context->has_chains()) << "nobody waited in vain";
  context->stop_chains();
  EXPECT_TRUE(same_outcome(run_on(*device, tape, Format::f16), chained));
}

TEST_F(VulkanBits, AreTheSameWhenTheTapeIsRecordedAgain) {
  const Tape tape = layer_tape();
  const Outcome first = run_on(*device_, tape, Format::f16);
  EXPECT_TRUE(same_outcome(run_on(*device_, tape, Format::f16), first));
  const auto other = make_device("vulkan", {.float32 = true});
  EXPECT_TRUE(same_outcome(run_on(*other, tape, Format::f16), first)) << "on a second device of the process";
}

constexpr int kCounts[] = {1, 2, 3, 7, 8, 9, 17, 33, 64};
constexpr int kMostRows = 64;

// Each row alone, among others and in a step with room for more has the bits that it has among all 64.
void check_rows(Device& device, Format format, int width, const std::function<Tensor(Builder&, std::vector<Tensor>)>& ops) {
  const auto tape_with = [&](int count, int capacity) {
    Tape tape = tape_of(rows_of_text(count), capacity, 1, {width}, ops);
    tape.program = ops::fuse(tape.program, [](auto&, auto&) { return true; });
    tape.fill_weights(format, 11);
    tape.fill_inputs(77);
    return tape;
  };
  const Tape all = tape_with(kMostRows, kMostRows);
  const Outcome want = run_on(device, all, Format::f32);
  EXPECT_FALSE(same_bits(result_rows(all, want, 0, 1), result_rows(all, want, 1, 1))) << "rows differ";
  for (int count : kCounts) {
    for (int capacity : {count, kMostRows}) {
      Tape tape = tape_with(count, capacity);
      const size_t first = size_t(kMostRows - count);
      take_inputs(tape, all, first);
      const Outcome got = run_on(device, tape, Format::f32);
      EXPECT_TRUE(same_bits(result_rows(tape, got, 0, size_t(count)), result_rows(all, want, first, size_t(count))))
          << info(format).name << ": " << count << " rows where there is room for " << capacity;
    }
  }
}

TEST_F(VulkanBits, OfAProductsRowDoNotDependOnTheNumberOfRows) {
  for (const FormatInfo& format : formats()) {
    if (!vulkan::find_panel_format(format.format)) continue;
    const int block = format.block_values, depth = block == 1 ? 70 : block <= 32 ? 9 * block : 2 * block;
    check_rows(*device_, format.format, depth, [](Builder& b, auto x) { return b.linear(x[0], "w", 19); });
  }
}

TEST_F(VulkanBits, OfAGatedProductsRowDoNotDependOnTheNumberOfRows) {
  for (Format format : {Format::f32, Format::f16, Format::q4_0, Format::q4_k}) {
    check_rows(*device_, format, 512, [](Builder& b, auto x) {
      Tensor gate = b.linear(x[0], "gate", 19), up = b.linear(x[0], "up", 19);
      return b.gated(ops::Activation::silu, gate, up);
    });
  }
}

TEST_F(VulkanBits, OfAnExpertsRowDoNotDependOnTheNumberOfRows) {
  for (Format format : {Format::f32, Format::q8_0}) {
    check_rows(*device_, format, 96, [](Builder& b, auto x) {
      return b.moe(x[0], b.slice(x[0], 3, 6), "expert", 64, {2, true, ops::Activation::silu});
    });
  }
}

// Its products in halves on the matrix unit: skipped where there is none whose lanes we know.
class VulkanAttentionInHalves : public OnVulkan {
 protected:
  void SetUp() override {
    OnVulkan::SetUp();
    if (!IsSkipped()) take_halves();
  }
  void take_halves() {
    if (!vulkan::Context::open()->lanes()) GTEST_SKIP() << "this GPU has no matrix unit whose lanes we know";
    float32_ = std::exchange(device_, make_device("vulkan", {.halves = true}));
  }
  std::unique_ptr<Device> float32_;
};

// In float32 or in halves.
class VulkanAttention : public VulkanAttentionInHalves, public testing::WithParamInterface<bool> {
 protected:
  void SetUp() override {
    OnVulkan::SetUp();
    if (!IsSkipped() && GetParam()) take_halves();
  }
};

INSTANTIATE_TEST_SUITE_P(, VulkanAttention, testing::Bool(), [](const auto& p) { return p.param ? "InHalves" : "InFloat32"; });

TEST_F(VulkanAttentionInHalves, IsNearToFloat32) {
  const std::vector<Token> tokens = {{0, 0}, {1, 126}, {1, 127}, {1, 128}, {2, 30}, {2, 31}, {2, 32}, {2, 33}, {3, 300}};
  const auto check = [&](int dim, int group, Format cache, int window, float softcap) {
    const int kv_heads = 2, heads = group * kv_heads;
    const auto table = rope_table(dim, 1);
    for (size_t first : {0, 4}) {  // of many rows, of few
      const std::vector<Token> some(tokens.begin() + ptrdiff_t(first), tokens.end());
      const int capacity = int(some.size()) + (first == 0 ? 7 : 0);
      const auto ops = [&](Builder& b, auto x) {
        const int number = b.kv_cache(kv_heads, dim, window);
        b.kv_write(number, b.rope(x[1], kv_heads, table), x[2]);
        return b.attend(b.rope(x[0], heads, table),
                        {.cache = number, .heads = heads, .scale = 0.125f, .softcap = softcap, .window = window});
      };
      Tape tape = tape_of(some, capacity, 4, {heads * dim, kv_heads * dim, kv_heads * dim}, ops);
      tape.cache_format = cache;
      tape.fill_inputs(77);
      const Outcome got = run_on(*device_, tape, cache), want = run_on(*float32_, tape, cache);
      EXPECT_TRUE(close(result_rows(tape, got, 0, some.size()), result_rows(tape, want, 0, some.size()), 1e-2))
          << info(cache).name << ", heads of " << dim << ", group " << group << ", window " << window << ", softcap " << softcap;
    }
  };
  for (int dim : {64, 96, 128, 256}) check(dim, 7, Format::f16, 0, 0);
  check(128, 1, Format::f16, 100, 0);
  check(64, 40, Format::f16, 0, 20);
  check(128, 4, Format::q8_0, 0, 0);
  check(64, 4, Format::q4_0, 150, 0);
}

TEST_P(VulkanAttention, OfAttentionDoNotDependOnOtherSequences) {
  const int heads = 4, kv_heads = 2, dim = 64;
  const std::vector<Token> tokens = {{0, 0}, {0, 1}, {0, 2}, {1, 100}, {2, 62}, {2, 63}, {2, 64}, {2, 65}, {3, 380}};
  for (Format cache : {Format::f32, Format::f16, Format::q8_0, Format::q4_0}) {
    for (int window : {0, 40}) {
      const auto tape_with = [&](const std::vector<Token>& some, int capacity) {
        Tape tape = tape_of(some, capacity, 4, {heads * dim, kv_heads * dim, kv_heads * dim}, [&](Builder& b, auto x) {
          const int number = b.kv_cache(kv_heads, dim, window);
          b.kv_write(number, x[1], x[2]);
          return b.attend(x[0], {.cache = number, .heads = heads, .scale = 0.125f, .window = window});
        });
        tape.cache_format = cache;
        tape.fill_inputs(77);
        return tape;
      };
      const Tape all = tape_with(tokens, 16);
      const Outcome want = run_on(*device_, all, cache);
      for (size_t first = 0, end; first < tokens.size(); first = end) {
        end = first;
        while (end < tokens.size() && tokens[end].sequence == tokens[first].sequence) ++end;
        const std::vector<Token> alone(tokens.begin() + ptrdiff_t(first), tokens.begin() + ptrdiff_t(end));
        Tape tape = tape_with(alone, int(alone.size()));
        take_inputs(tape, all, first);
        const Outcome got = run_on(*device_, tape, cache);
        EXPECT_TRUE(same_bits(result_rows(tape, got, 0, end - first), result_rows(all, want, first, end - first)))
            << info(cache).name << " window " << window << ": sequence " << tokens[first].sequence;
      }
    }
  }
}

// Over contexts of several stretches, which one workgroup goes through or several share, for a tile of rows or for one.
TEST_P(VulkanAttention, OfAttentionDoNotDependOnHowManyShareTheWork) {
  std::vector<Token> tokens;
  for (int position = 1470; position < 1490; ++position) tokens.push_back({0, position});
  tokens.push_back({1, 1499});
  for (int position = 5; position < 19; ++position) tokens.push_back({2, position});
  for (int position = 700; position < 705; ++position) tokens.push_back({3, position});
  const int dim = 64, kv_heads = 2;
  const auto table = rope_table(dim, 1);
  for (Format cache : {Format::f16, Format::q8_0}) {
    for (int group : {1, 7}) {
      for (int window : {0, 300}) {
        const int heads = group * kv_heads;
        const auto tape_with = [&](const std::vector<Token>& some, int capacity) {
          const auto ops = [&](Builder& b, auto x) {
            const int number = b.kv_cache(kv_heads, dim, window);
            return b.attend(b.rope(x[0], heads, table),
                            {.cache = number, .heads = heads, .scale = 0.25f, .window = window});
          };
          Tape tape = tape_of(some, capacity, 4, {heads * dim}, ops, 48);
          tape.cache_format = cache;
          tape.fill_inputs(77);
          return tape;
        };
        const Tape all = tape_with(tokens, 40);
        const Outcome want = run_on(*device_, all, cache);
        const auto check = [&](size_t first, size_t count, int capacity) {
          const auto begin = tokens.begin() + ptrdiff_t(first);
          Tape tape = tape_with({begin, begin + ptrdiff_t(count)}, capacity);
          take_inputs(tape, all, first);
          const Outcome got = run_on(*device_, tape, cache);
          EXPECT_TRUE(same_bits(result_rows(tape, got, 0, count), result_rows(all, want, first, count)))
              << info(cache).name << " group " << group << " window " << window << ": " << count << " rows from " << first;
        };
        for (size_t t : {0, 10, 19, 20, 21, 34, 39}) check(t, 1, 1);
        check(3, 30, 40);
        check(18, 3, 128);
      }
    }
  }
}

// As where each op is compiled by itself, so that rope leaves its result to whoever comes behind it, and keys and values are in the
// cache before attention begins: of texts that end in the first stretch, that go from one to the next in this step, that have two.
TEST_P(VulkanAttention, OfKeysAndQueriesDoNotDependOnWhereTheyAreTurned) {
  const std::vector<Token> tokens = {{0, 40}, {0, 41}, {1, 207}, {2, 126}, {2, 127}, {2, 128}, {3, 0}};
  const int heads = 6, kv_heads = 2, rows = int(tokens.size());
  const auto check = [&](int dim, int window, Format cache) {
    const auto table = rope_table(dim, 1);
    const auto ops = [&](Builder& b, auto x) {
      const int number = b.kv_cache(kv_heads, dim, window);
      b.kv_write(number, b.rope(x[1], kv_heads, table), x[2]);
      return b.attend(b.rope(x[0], heads, table), {.cache = number, .heads = heads, .scale = 0.125f, .window = window});
    };
    Tape tape = tape_of(tokens, 8, 4, {heads * dim, kv_heads * dim, kv_heads * dim}, ops);
    tape.fill_inputs(77);
    tape.cache_format = cache;
    const Outcome together = run_on(*device_, tape, cache);
    const Loaded loaded = load_on(*device_, tape, cache);
    for (size_t i = tape.first_op; i < tape.program.ops.size(); ++i) {
      Segment one = loaded.segment(tape);
      one.begin = i;
      one.end = i + 1;
      const auto executable = device_->compile(one);
      executable->submit();
      executable->wait();
    }
    const Outcome apart = read_back(tape, loaded);
    const auto what = fmt::format("{}, heads of {}, window {}", info(cache).name, dim, window);
    EXPECT_TRUE(same_bits(result_rows(tape, together, 0, rows), result_rows(tape, apart, 0, rows))) << what;
    EXPECT_EQ(together.keys, apart.keys) << what;
    EXPECT_EQ(together.values, apart.values) << what;
  };
  for (int dim : {64, 72, 128, 256}) check(dim, 0, Format::f16);
  check(64, 100, Format::f16);
  check(64, 0, Format::q4_0);
}

// A long text read whole, in parts and token by token.
TEST_P(VulkanAttention, OfAttentionDoNotDependOnHowATextIsCutIntoSteps) {
  const int heads = 2, dim = 32, count = 70;
  const auto tape_with = [&](int first, int rows) {
    std::vector<Token> tokens;
    for (int t = 0; t < rows; ++t) tokens.push_back({0, first + t});
    Tape tape = tape_of(tokens, rows, 1, {heads * dim, heads * dim, heads * dim}, [&](Builder& b, auto x) {
      const int number = b.kv_cache(heads, dim);
      b.kv_write(number, x[1], x[2]);
      return b.attend(x[0], {.cache = number, .heads = heads, .scale = 0.2f});
    });
    tape.cache_format = Format::f16;
    tape.fill_inputs(77);
    return tape;
  };
  const Tape all = tape_with(0, count);
  const Outcome want = run_on(*device_, all, Format::f16);
  for (int rows : {1, 7, 32}) {
    Loaded before;
    for (int first = 0; first < count; first += rows) {
      Tape tape = tape_with(first, std::min(rows, count - first));
      take_inputs(tape, all, size_t(first));
      Loaded loaded = load_on(*device_, tape, Format::f16);
      if (first > 0) loaded.caches = before.caches;
      const auto executable = device_->compile(loaded.segment(tape));
      executable->submit();
      executable->wait();
      const size_t live = size_t(tape.inputs.tokens);
      ASSERT_TRUE(same_bits(result_rows(tape, read_back(tape, loaded), 0, live), result_rows(all, want, size_t(first), live)))
          << rows << " rows a step, from row " << first;
      before = std::move(loaded);
    }
  }
}

}  // namespace
}  // namespace troika::device
