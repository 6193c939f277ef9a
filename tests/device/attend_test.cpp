// The CPU's attention with every instruction set of this machine: against the plain definition over long contexts and
// many shapes, and the same to the last bit however tokens and threads are put together.
#include <gtest/gtest.h>

#include "device/cpu/attend_plan.h"
#include "device/cpu/compiler.h"
#include "device/cpu/thread_pool.h"
#include "device/host_memory.h"
#include "device/tape.h"

namespace troika::device {
namespace {

using ops::Builder;
using ops::Tensor;

// The CPU's ops with a table of one's choice.
class TableDevice : public Device {
 public:
  TableDevice(const kernels::KernelTable& table, int threads)
      : table_(table), threads_(threads),
        pool_(std::make_shared<cpu::ThreadPool>(cpu::PoolOptions{.threads = threads})) {}
  const DeviceInfo& info() const override { return info_; }
  bool supports(const ops::Program&, const ops::Op&) const override { return true; }
  std::shared_ptr<Buffer> allocate(size_t bytes) override { return allocate_host(bytes); }
  std::shared_ptr<Buffer> import(HostRegion region) override { return wrap_host(region); }
  std::shared_ptr<Weight> prepare(const WeightView&, WeightUse) override { return nullptr; }
  std::unique_ptr<Executable> compile(const Segment& segment) override {
    return std::make_unique<Launches>(cpu::compile(segment, {.kernels = &table_, .threads = threads_}), pool_);
  }

 private:
  struct Launches : Executable {
    Launches(cpu::Compiled c, std::shared_ptr<cpu::ThreadPool> p) : compiled(std::move(c)), pool(std::move(p)) {}
    void submit() override { pool->start(compiled.launches); }
    void wait() override { pool->finish(); }
    cpu::Compiled compiled;
    std::shared_ptr<cpu::ThreadPool> pool;
  };
  const kernels::KernelTable& table_;
  int threads_;
  std::shared_ptr<cpu::ThreadPool> pool_;
  DeviceInfo info_;
};

std::vector<const kernels::KernelTable*> tables() {
  std::vector<const kernels::KernelTable*> found;
  for (auto isa : {kernels::Isa::scalar, kernels::Isa::avx2, kernels::Isa::avx512}) {
    if (const kernels::KernelTable* table = kernels::kernel_table(isa)) found.push_back(table);
  }
  return found;
}

// Tokens of sequences that have so many positions in the cache; each sequence computes its last `tokens`.
struct Attention {
  int group = 1, kv_heads = 1, dim = 64;
  Format cache = Format::f32;
  std::vector<int> contexts = {1};
  int tokens = 1;
  int window = 0;
  float softcap = 0;
  int pages = 0;  // of a sequence; 0: as many as the longest takes
  int run = 0;  // the last so many tokens of each sequence see each other both ways

  std::string name() const {
    return fmt::format("{}x{} of {} {} contexts {}… tokens {} window {} softcap {} run {}", group, kv_heads, dim,
                       info(cache).name, contexts[0], tokens, window, softcap, run);
  }
};

// Row t of the step stands for the token at `positions[t]` of sequence `sequences[t]`; q depends on those only.
Tape attention_tape(const Attention& a) {
  Tape tape;
  int heads = a.group * a.kv_heads, live = 0, sequences = int(a.contexts.size()), pages = a.pages;
  for (int context : a.contexts) {
    live += std::min(a.tokens, context);
    pages = std::max(pages, ops::pages_for(context));
  }
  Builder b(live + 1, 1);
  Tensor q = b.embed("q", 4, heads * a.dim);
  int cache = b.kv_cache(a.kv_heads, a.dim, a.window);
  float scale = 1.5f / std::sqrt(float(a.dim));
  tape.program = b.finish(b.pick_rows(b.attend(
      q, {.cache = cache, .heads = heads, .scale = scale, .softcap = a.softcap, .window = a.window})));
  tape.first_op = 1;
  tape.cache_format = a.cache;
  tape.inputs = ops::StepInputs(live + 1, 1, sequences, pages);
  tape.inputs.tokens = live;
  tape.inputs.outputs = 1;
  tape.pages = sequences * pages;
  for (int i = 0; i < tape.pages; ++i) tape.inputs.page_table[i] = int(int64_t(i) * 1009 % tape.pages);
  tape.fill_inputs(7);
  std::vector<float>& values = tape.values[q.id];
  int t = 0;
  for (int s = 0; s < sequences; ++s) {
    for (int position = std::max(0, a.contexts[s] - a.tokens); position < a.contexts[s]; ++position, ++t) {
      tape.inputs.place(t, 0, position, s);
      if (position >= a.contexts[s] - a.run) {
        tape.inputs.run_first[t] = std::max(0, a.contexts[s] - a.run);
        tape.inputs.run_last[t] = a.contexts[s] - 1;
      }
      auto row = random_values(size_t(heads) * a.dim, uint32_t(position * 31 + s));
      std::copy(row.begin(), row.end(), values.begin() + ptrdiff_t(t) * heads * a.dim);
    }
  }
  return tape;
}

std::vector<float> attended(const Tape& tape, const Outcome& o) {
  Tensor out = tape.program.ops[1].out[0];
  auto first = o.arena.begin() + ptrdiff_t(o.offsets[out.id]);
  return {first, first + ptrdiff_t(tape.inputs.tokens) * tape.program[out].shape.columns()};
}

void check(const Attention& a) {
  Tape tape = attention_tape(a);
  std::vector<float> want = attended(tape, run_plain(tape));
  for (const kernels::KernelTable* table : tables()) {
    TableDevice device(*table, 2);
    EXPECT_TRUE(close(attended(tape, run_on(device, tape, a.cache)), want, 2e-5)) << table->name << " " << a.name();
  }
}

constexpr Format kCaches[] = {Format::f32, Format::f16, Format::q8_0, Format::q4_0};

TEST(CpuAttention, IsRightForHeadsOfEverySizeAndNumber) {
  for (Format cache : kCaches) {
    for (int dim : {6, 16, 32, 64, 80, 96, 128, 256}) {
      if (dim % info(cache).block_values != 0) continue;
      for (int group : {1, 2, 3, 5, 6, 7, 8, 13, 50}) {
        check({.group = group, .kv_heads = 1 + group % 2, .dim = dim, .cache = cache, .contexts = {70, 3}, .tokens = 3});
      }
    }
  }
}

TEST(CpuAttention, IsRightForEveryLengthOfContext) {
  for (Format cache : kCaches) {
    for (int context : {1, 31, 32, 33, 511, 512, 513, 2000}) {
      for (int tokens : {1, 40}) {
        for (int window : {0, 32, 700}) {
          check({.group = 3, .kv_heads = 2, .dim = 32, .cache = cache, .contexts = {context}, .tokens = tokens,
                 .window = window, .softcap = window == 32 ? 3.0f : 0.0f});
        }
      }
    }
  }
}

TEST(CpuAttention, IsRightForRunsOfAPicture) {
  for (Format cache : kCaches) {
    for (int window : {0, 20, 600}) {
      for (int context : {50, 513, 1100}) {
        check({.group = 2, .kv_heads = 2, .dim = 64, .cache = cache, .contexts = {context}, .tokens = 90,
               .window = window, .run = 45});
      }
    }
  }
}

TEST(CpuAttention, IsRightInARaggedBatch) {
  for (Format cache : kCaches) {
    for (int tokens : {1, 2, 60}) {
      check({.group = 4, .kv_heads = 2, .dim = 64, .cache = cache, .contexts = {1, 2000, 33, 513, 1024, 7},
             .tokens = tokens});
    }
  }
}

// Nothing of what lies in a later token's place, or in a page of nobody's, reaches a token.
TEST(CpuAttention, GivesATokenTheSameBitsAloneAndInAPrompt) {
  for (Format cache : kCaches) {
    for (int window : {0, 40, 530}) {
      for (int group : {1, 3, 6, 7}) {
        Attention a{.group = group, .kv_heads = 2, .dim = 32, .cache = cache, .contexts = {1040}, .tokens = 60,
                    .window = window, .softcap = group == 3 ? 2.0f : 0.0f};
        Tape together = attention_tape(a);
        for (const kernels::KernelTable* table : tables()) {
          TableDevice device(*table, 2);
          auto all = attended(together, run_on(device, together, cache));
          size_t width = all.size() / 60;
          for (int position : {980, 991, 992, 1023, 1024, 1025, 1039}) {
            Attention one = a;
            one.contexts = {position + 1};
            one.tokens = 1;
            one.pages = ops::pages_for(1040);  // the same numbers in the cache
            Tape alone = attention_tape(one);
            if (info(cache).block_values == 1) {
              alone.fill_caches = [&](Outcome& o) {
                int64_t pages = alone.pages, first = window > 0 ? position - window + 1 : 0;
                for (int64_t j = 0; j < pages * ops::kPageTokens; ++j) {
                  if (j >= first && j <= position) continue;
                  size_t page = size_t(alone.inputs.page_table[j / ops::kPageTokens]) * 2;
                  for (size_t at = 0; at < 2 * 32; ++at) {
                    size_t head = (page + at / 32) * ops::kPageTokens * 32, slot = size_t(j % ops::kPageTokens);
                    o.keys[0][head + at % 32 * ops::kPageTokens + slot] = j % 2 ? NAN : INFINITY;
                    o.values[0][head + slot * 32 + at % 32] = j % 2 ? NAN : -INFINITY;
                  }
                }
              };
            }
            auto got = attended(alone, run_on(device, alone, cache));
            EXPECT_TRUE(same_bits(got, std::span(all).subspan(size_t(position - 980) * width, width)))
                << table->name << " position " << position << " " << a.name();
          }
        }
      }
    }
  }
}

TEST(CpuAttention, GivesTheSameBitsOnAnyNumberOfThreads) {
  for (Format cache : kCaches) {
    for (const auto& [contexts, tokens] : {std::pair{std::vector{2000}, 1}, std::pair{std::vector{2000}, 33},
                                           std::pair{std::vector{1, 1300, 513, 40}, 1}}) {
      for (int window : {0, 600}) {
        Tape tape = attention_tape({.group = 6, .kv_heads = 2, .dim = 64, .cache = cache, .contexts = contexts,
                                    .tokens = tokens, .window = window});
        for (const kernels::KernelTable* table : tables()) {
          TableDevice one(*table, 1), two(*table, 2), five(*table, 5);
          auto want = attended(tape, run_on(one, tape, cache));
          EXPECT_TRUE(same_bits(attended(tape, run_on(two, tape, cache)), want)) << table->name;
          EXPECT_TRUE(same_bits(attended(tape, run_on(five, tape, cache)), want)) << table->name;
        }
      }
    }
  }
}

// What a cache in q8_0 makes of a token is what the format says: half a step off at most.
TEST(CpuAttention, RoundsToTheNearestOf255StepsInQ8) {
  constexpr int kDim = 64;
  auto x = random_values(kDim, 3, 4);
  for (int d = 32; d < kDim; ++d) x[d] *= 1e-4f;
  for (const kernels::KernelTable* table : tables()) {
    for (Side side : {Side::keys, Side::values}) {
      auto page = cache_bytes(Format::q8_0, std::vector<float>(kDim * ops::kPageTokens, 0.0f), kDim, side);
      (side == Side::keys ? table->write_key : table->write_value)(Format::q8_0, x.data(), kDim, 5, page.data());
      auto got = cache_floats(Format::q8_0, page.data(), kDim * ops::kPageTokens, kDim, side);
      if (side == Side::keys) got = turned(got, kDim, ops::kPageTokens);
      for (int token = 0; token < ops::kPageTokens; ++token) {
        for (int d = 0; d < kDim; ++d) {
          float largest = 0;
          for (int i = d / 32 * 32; i < d / 32 * 32 + 32; ++i) largest = std::max(largest, std::abs(x[i]));
          EXPECT_NEAR(got[token * kDim + d], token == 5 ? x[d] : 0, token == 5 ? largest / 127 * 0.51f : 0) << table->name;
        }
      }
      x[40] = NAN;  // stays visible
      (side == Side::keys ? table->write_key : table->write_value)(Format::q8_0, x.data(), kDim, 6, page.data());
      x[40] = 0;
      got = cache_floats(Format::q8_0, page.data(), kDim * ops::kPageTokens, kDim, side);
      if (side == Side::keys) got = turned(got, kDim, ops::kPageTokens);
      EXPECT_TRUE(std::isnan(got[6 * kDim + 40])) << table->name;
      EXPECT_FALSE(std::isnan(got[6 * kDim + 31])) << table->name;
    }
  }
}

// A cache in q4_0: half a step off at most, and a whole one beyond the seventh on the other side of the largest.
TEST(CpuAttention, RoundsToTheNearestOf16StepsInQ4) {
  constexpr int kDim = 64;
  auto x = random_values(kDim, 3, 4);
  for (int d = 32; d < kDim; ++d) x[d] *= 1e-4f;
  x[3] = 20;
  x[7] = -20.5f;
  x[8] = 0;
  for (const kernels::KernelTable* table : tables()) {
    for (Side side : {Side::keys, Side::values}) {
      auto write = side == Side::keys ? table->write_key : table->write_value;
      auto page = cache_bytes(Format::q4_0, std::vector<float>(kDim * ops::kPageTokens, 0.0f), kDim, side);
      auto tokens = [&] {
        auto got = cache_floats(Format::q4_0, page.data(), kDim * ops::kPageTokens, kDim, side);
        return side == Side::keys ? turned(got, kDim, ops::kPageTokens) : got;
      };
      write(Format::q4_0, x.data(), kDim, 5, page.data());
      auto got = tokens();
      for (int token = 0; token < ops::kPageTokens; ++token) {
        for (int d = 0; d < kDim; ++d) {
          float largest = 0;
          for (int i = d / 32 * 32; i < d / 32 * 32 + 32; ++i) {
            if (std::abs(x[i]) > std::abs(largest)) largest = x[i];
          }
          float step = largest / -8;
          float want = token == 5 ? std::min(x[d] / step, 7.0f) * step : 0;
          EXPECT_NEAR(got[token * kDim + d], want, token == 5 ? std::abs(step) * 0.51f : 0) << table->name << " " << d;
        }
      }
      EXPECT_FLOAT_EQ(got[5 * kDim + 7], -20.5f);  // the largest stays what it is
      EXPECT_EQ(got[5 * kDim + 8], 0);             // so does 0
      x[40] = NAN;  // stays visible
      write(Format::q4_0, x.data(), kDim, 6, page.data());
      x[40] = 0;
      got = tokens();
      EXPECT_TRUE(std::isnan(got[6 * kDim + 40])) << table->name;
      EXPECT_FALSE(std::isnan(got[6 * kDim + 31])) << table->name;
    }
  }
}

TEST(CpuAttention, RotatesAsDefined) {
  for (int size : {8, 16, 32, 64, 128, 256, 512}) {
    auto x = random_values(size_t(size) * 3, uint32_t(size));
    x[1] = 300;  // an outlier
    auto want = ops::rotated(x, size);
    for (const kernels::KernelTable* table : tables()) {
      std::vector<float> got(x.size() + 2, kSentinel), in_place = x;
      table->rotate(x.data(), got.data() + 1, int(x.size()), size);
      table->rotate(in_place.data(), in_place.data(), int(x.size()), size);
      EXPECT_EQ(got.front(), kSentinel);
      EXPECT_EQ(got.back(), kSentinel);
      std::span<const float> rotated = std::span(got).subspan(1, x.size());
      EXPECT_TRUE(close(rotated, want, 1e-6)) << table->name << " " << size;
      EXPECT_TRUE(same_bits(in_place, rotated)) << table->name << " " << size;
      table->rotate(in_place.data(), in_place.data(), int(x.size()), size);
      EXPECT_TRUE(close(in_place, x, 3e-6)) << table->name << " " << size;  // its own inverse
    }
  }
}

// One channel of every key and value is far larger than the others, as in real models: unrotated, whatever shares its
// block would be rounded to nothing.
TEST(CpuAttention, SpreadsOutliersInQ4) {
  constexpr int kDim = 128, kTokens = 40;
  Tape tape;
  Builder b(kTokens, 1);
  Tensor q = b.embed("q", 4, kDim), k = b.embed("k", 4, kDim), v = b.embed("v", 4, kDim);
  int cache = b.kv_cache(1, kDim);
  b.kv_write(cache, k, v);
  Tensor out = b.attend(q, {.cache = cache, .heads = 1, .scale = 0.1f});
  tape.program = b.finish(b.pick_rows(out));
  tape.first_op = 3;
  tape.inputs = ops::StepInputs(kTokens, 1, 1, 2);
  tape.inputs.tokens = kTokens;
  tape.inputs.outputs = 1;
  tape.inputs.page_table = {1, 0};
  tape.pages = 2;
  tape.fill_inputs(3);
  for (int t = 0; t < kTokens; ++t) {
    tape.inputs.place(t, 0, t, 0);
    for (Tensor x : {k, v}) tape.values[x.id][size_t(t) * kDim + 17] = 40;
  }
  auto result = [&](const Outcome& o) {
    auto first = o.arena.begin() + ptrdiff_t(o.offsets[out.id]);
    std::vector<float> all(first, first + kTokens * kDim);
    for (int t = 0; t < kTokens; ++t) all[size_t(t) * kDim + 17] = 0;
    return all;
  };
  std::vector<float> want = result(run_plain(tape));
  for (const kernels::KernelTable* table : tables()) {
    TableDevice device(*table, 2);
    auto got = result(run_on(device, tape, Format::q4_0));
    double squares = 0, errors = 0;
    for (size_t i = 0; i < want.size(); ++i) {
      squares += double(want[i]) * want[i];
      errors += (double(got[i]) - want[i]) * (double(got[i]) - want[i]);
    }
    EXPECT_LT(std::sqrt(errors / squares), 0.4) << table->name;
    EXPECT_GT(errors, 0);
  }
}

cpu::AttendPlan::Sizes sizes(int tokens, int threads) {
  cpu::AttendPlan::Sizes s{.tokens = tokens, .tile_tokens = 8, .window = 0, .kv_heads = 2, .threads = threads,
                           .context = 8192, .row_floats = 100, .floats = 0};
  s.floats = cpu::AttendPlan::wanted_floats(s);
  return s;
}

TEST(AttendPlan, GivesEveryThreadWorkForOneTokenOfALongText) {
  cpu::AttendPlan plan(sizes(1, 16));
  ops::StepInputs inputs(1, 1, 1, 256);
  inputs.tokens = 1;
  inputs.place(0, 0, 8191, 0);
  plan.make(inputs);
  EXPECT_EQ(plan.tasks().size(), 16u);  // for each of two heads
  EXPECT_EQ(plan.split_tiles().size(), 1u);
  inputs.place(0, 0, 511, 0);
  plan.make(inputs);
  EXPECT_EQ(plan.tasks().size(), 1u);
  EXPECT_TRUE(plan.split_tiles().empty());
}

TEST(AttendPlan, JoinsOnlyTokensThatFollowEachOther) {
  cpu::AttendPlan plan(sizes(24, 1));
  ops::StepInputs inputs(24, 1, 3, 256);
  inputs.tokens = 24;
  for (int t = 0; t < 24; ++t) inputs.place(t, 0, t < 12 ? t : 100 + t + (t >= 22), t < 12 ? 0 : t < 20 ? 1 : 2);
  plan.make(inputs);
  std::vector<std::pair<int, int>> tiles;
  for (const auto& tile : plan.tiles()) tiles.push_back({tile.token, tile.tokens});
  EXPECT_EQ(tiles, (std::vector<std::pair<int, int>>{{0, 8}, {8, 4}, {12, 8}, {20, 2}, {22, 2}}));
}

// Every part that is left has its place, none shared; memory stays within what was asked for.
TEST(AttendPlan, KeepsWithinItsMemory) {
  for (int tokens : {1, 3, 8, 64}) {
    for (size_t floats : {size_t{0}, size_t{5000}, sizes(tokens, 16).floats}) {
      cpu::AttendPlan::Sizes s = sizes(tokens, 16);
      s.floats = floats;
      cpu::AttendPlan plan(s);
      ops::StepInputs inputs(tokens, 1, tokens, 256);
      inputs.tokens = tokens;
      for (int t = 0; t < tokens; ++t) inputs.place(t, 0, 8191 - 600 * t % 8000, t);
      plan.make(inputs);
      std::vector<bool> used(floats);
      std::vector<int> seen(tokens);
      for (cpu::AttendPlan::Task task : plan.tasks()) {
        const auto& tile = plan.tiles()[task.tile];
        seen[task.tile] += task.chunk < 0 ? tile.chunk_end - tile.chunk_begin : 1;
        if (task.chunk < 0) continue;
        for (int g = 0; g < 2; ++g) {
          size_t at = plan.partials(tile, g, task.chunk), count = tile.tokens * s.row_floats;
          ASSERT_LE(at + count, floats);
          for (size_t i = at; i < at + count; ++i) {
            ASSERT_FALSE(used[i]);
            used[i] = true;
          }
        }
      }
      for (int t = 0; t < int(plan.tiles().size()); ++t) {
        EXPECT_EQ(seen[t], plan.tiles()[t].chunk_end - plan.tiles()[t].chunk_begin);
      }
    }
  }
}

}  // namespace
}  // namespace troika::device
