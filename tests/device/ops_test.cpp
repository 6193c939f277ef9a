// One list of op cases for every device there is. A case is a small tape; its result on the device is compared
// with the plain definition in ops/reference.cpp. A new device needs no new test.
#include <gtest/gtest.h>

#include <array>
#include <functional>

#include "device/tape.h"
#include "device/vulkan/context.h"
#include "kernels/kernel_table.h"
#include "ops/rewrites.h"

namespace troika::device {
namespace {

using ops::Builder;
using ops::Tensor;

struct Case {
  std::string name;
  int bucket = 1, live = 1;                              // tokens
  std::function<Tensor(Builder&, std::vector<Tensor>)> ops;  // takes the inputs, returns a [T, …] tensor
  std::vector<int> inputs;                               // columns of each
  Format weights = Format::f32;
  Format cache = Format::f32;
  bool multiplies = false;                               // by weights: int8 activations may be used
  int sequences = 1;
  std::vector<int> positions{};                          // of each live token; empty: 0, 1, 2, …
  bool fuses = false;
  int merged = 0;                                        // > 0: `ops` gives one row for this many tokens
  int groups = 1;                                        // of cache pages
  int pages = 12;                                        // of each sequence
  std::function<void(ops::StepInputs&)> adjust{};
};

constexpr int kFeatureWidth = 17;

Tape make_tape(const Case& c) {
  Tape tape;
  int outputs = c.merged > 0 ? c.live / c.merged : std::max(1, c.live / 2);
  Builder b(c.bucket, c.merged > 0 ? c.bucket / c.merged : std::min(c.bucket, outputs + 1));
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < c.inputs.size(); ++i) inputs.push_back(b.embed("x" + std::to_string(i), 4, c.inputs[i]));
  Tensor result = c.ops(b, inputs);
  tape.program = b.finish(c.merged > 0 ? result : b.pick_rows(result));
  tape.first_op = inputs.size();

  tape.inputs = ops::StepInputs(c.bucket, c.bucket, c.sequences, c.pages, c.groups, kFeatureWidth);
  tape.inputs.features = random_values(tape.inputs.features.size(), 99);
  tape.inputs.tokens = c.live;
  tape.inputs.outputs = outputs;
  for (int o = 0; o < outputs; ++o) tape.inputs.output_rows[o] = c.live - outputs + o;
  tape.pages = c.groups * c.sequences * c.pages;
  std::vector<int> shuffled(tape.pages);
  for (int i = 0; i < tape.pages; ++i) shuffled[i] = i;
  std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937(5));
  std::copy(shuffled.begin(), shuffled.end(), tape.inputs.page_table.begin());
  for (int t = 0; t < c.live; ++t) {
    tape.inputs.place(t, t * 5 % 9, c.positions.empty() ? t : c.positions[t], t * c.sequences / c.live);
  }
  if (c.adjust) c.adjust(tape.inputs);
  tape.cache_format = c.cache;
  tape.fill_weights(c.weights, 11);
  tape.fill_inputs(77);
  if (!c.fuses) return tape;
  size_t parts = tape.program.ops.size();
  tape.program = ops::fuse(tape.program, [](auto&, auto&) { return true; });
  EXPECT_LT(tape.program.ops.size(), parts) << c.name << " was to be fused";
  return tape;
}

// The CPU multiplies F16 and BF16 weights in int16: a step of weights is 1/16 of one of int8 activations (127 to 2048 up to
// the largest), one of activations less. A GPU's matrix unit takes halves.
constexpr double kIn16Bits = 1.0 / 16;

// rounding: that of int8 activations is 1; 0: none but that of float32. least_unit: what the values are made of, where they
// may cancel to almost nothing (tape.h).
void compare(const Tape& tape, const Outcome& got, const Outcome& want, double rounding, double least_unit) {
  std::vector<bool> written(got.arena.size(), false);
  for (const ops::TensorInfo& t : tape.program.tensors) {
    size_t id = size_t(&t - tape.program.tensors.data());
    if (t.role != ops::Role::activation) continue;
    size_t live = size_t(ops::live_rows(t, tape.inputs)) * t.shape.columns(), at = got.offsets[id];
    bool computed = false;
    for (const ops::Op& op : tape.program.ops) computed |= std::count(op.out.begin(), op.out.end(), Tensor{uint32_t(id)});
    if (!computed) continue;  // fused away
    std::span<const float> ours{&got.arena[at], live}, right{&want.arena[at], live};
    EXPECT_TRUE(rounding > 0 ? close_on_average(ours, right, rounding) : close(ours, right, 2e-5, least_unit))
        << t.name << to_string(t.shape);
    std::fill_n(written.begin() + ptrdiff_t(at), live, true);
  }
  for (size_t i = 0; i < written.size(); ++i) {
    if (written[i]) continue;
    ASSERT_TRUE(same_bits({&got.arena[i], 1}, {&want.arena[i], 1})) << "overwritten: arena[" << i << "] is " << got.arena[i];
  }
  for (size_t i = 0; i < got.keys.size(); ++i) {
    EXPECT_TRUE(same_bits(got.keys[i], want.keys[i])) << "keys of cache " << i;
    EXPECT_TRUE(same_bits(got.values[i], want.values[i])) << "values of cache " << i;
  }
}

// A device in one of the ways it can be set up.
struct Rig {
  std::unique_ptr<Device> device;
  DeviceOptions options;
  bool multiplies;  // differs from the one before only in how it multiplies by weights
};

// Every device with and without int8 activations; the CPU with the kernels of every instruction set of this machine,
// and with weights in panels and as they lie in the file.
const std::vector<Rig>& rigs() {
  static const std::vector<Rig> all = [] {
    std::vector<DeviceOptions> ways;
    for (bool float32 : {true, false}) {
      for (bool repack : {true, false}) ways.push_back({.threads = 2, .float32 = float32, .repack = repack});
    }
    std::vector<Rig> found;
    for (std::string_view name : device_names()) {
      if (name == "npu") continue;  // it rounds weights too, and does nothing else: npu_test.cpp
      std::vector<std::string> sets = {""};
      if (name == "cpu") {
        using kernels::Isa;
        sets.clear();
        for (auto [isa, set] : {std::pair{Isa::scalar, "scalar"}, {Isa::avx2, "avx2"}, {Isa::avx512, "avx512"}}) {
          if (kernels::kernel_table(isa)) sets.push_back(set);
          else fmt::print("not tested here: the CPU's kernels for {}\n", set);
        }
      }
      for (const std::string& set : sets) {
        for (DeviceOptions way : ways) {
          if (!way.repack && name != "cpu") continue;
          way.isa = set;
          try {
            found.push_back({make_device(name, way), way, !way.float32 || !way.repack});
          } catch (const Error& error) {
            EXPECT_EQ(name, "vulkan") << error.what();  // the one that a machine may lack
            fmt::print("not tested here: vulkan: {}\n", error.what());
          }
        }
      }
    }
    return found;
  }();
  return all;
}

void check_on_every_device(const Case& c) {
  Tape tape = make_tape(c);
  Outcome want = run_plain(tape);
  int ran = 0;
  for (const auto& [device, options, multiplies] : rigs()) {
    if (multiplies && !c.multiplies) continue;
    SCOPED_TRACE(fmt::format("{} on {}{}{}", c.name, device->info().description, options.float32 ? " in float32" : "",
                             options.repack ? "" : ", weights as in the file"));
    for (const ops::Op& op : tape.program.ops) ASSERT_TRUE(device->supports(tape.program, op));
    Outcome got;
    try {
      got = run_on(*device, tape, c.cache);
    } catch (const Error&) {
      ASSERT_NE(c.cache, Format::f32);
      continue;  // does not keep this cache format, and says so
    }
    ++ran;
    const bool rounds = device->info().name == "cpu" || (device->info().name == "vulkan" && vulkan::Context::open()->lanes());
    const bool in_16_bits = rounds && (c.weights == Format::f16 || c.weights == Format::bf16);
    double rounding = !c.multiplies || options.float32 ? 0 : in_16_bits ? kIn16Bits : 1;
    compare(tape, got, want, rounding, c.multiplies ? 0.1 : 1e-3);
  }
  EXPECT_GT(ran, 0);
}

constexpr Format kFloats[] = {Format::f32, Format::f16, Format::bf16};
std::vector<Format> block_formats() {
  std::vector<Format> found;
  for (const FormatInfo& f : formats()) {
    if (f.block_values > 1) found.push_back(f.format);
  }
  return found;
}

Case linear_case(Format format, int depth, int out, int tokens, Builder::Bias bias) {
  return {.name = fmt::format("linear {} {}x{} tokens {}", info(format).name, out, depth, tokens),
          .bucket = tokens + 2, .live = tokens,
          .ops = [=](Builder& b, auto x) { return b.linear(x[0], "w", out, bias); },
          .inputs = {depth}, .weights = format, .multiplies = true};
}

TEST(EveryDevice, MultipliesByFloatWeightsOfAnyShape) {
  for (Format format : kFloats) {
    for (int depth : {1, 3, 17, 64, 255}) {
      for (int out : {1, 3, 17, 255}) {
        for (int tokens : {1, 2, 3, 17}) check_on_every_device(linear_case(format, depth, out, tokens, Builder::Bias::yes));
      }
    }
  }
}

TEST(EveryDevice, MultipliesByBlockWeightsOfAnyShape) {
  for (Format format : block_formats()) {
    int block = info(format).block_values;
    for (int depth : {block, 3 * block, 9 * block}) {
      if (depth > 1000) continue;
      for (int out : {1, 3, 17, 255}) {
        for (int tokens : {1, 2, 3, 7, 17}) check_on_every_device(linear_case(format, depth, out, tokens, Builder::Bias::no));
      }
    }
  }
}

// The first rows or later ones, and the first columns up to the edge of a block, of a larger weight.
TEST(EveryDevice, MultipliesByPartOfAWeight) {
  for (Format format : {Format::f32, Format::f16, Format::q8_0, Format::q5_1, Format::q4_k, Format::q6_k}) {
    int depth = info(format).block_values == 1 ? 17 : 2 * info(format).block_values;
    for (int out : {1, 17, 255}) {
      for (int tokens : {1, 3, 17}) {
        Shape whole{out + 5, depth + info(format).block_values};
        Case c = linear_case(format, depth, out, tokens, Builder::Bias::no);
        c.name += ", in part";
        c.ops = [=](Builder& b, auto x) {
          return b.add(b.linear_part(x[0], "w", out, {whole}), b.linear_part(x[0], "w", out, {whole, 4}));
        };
        check_on_every_device(c);
        c.name += " and gated";
        c.fuses = true;
        c.ops = [=](Builder& b, auto x) {
          Tensor gate = b.linear_part(x[0], "gate", out, {whole}), up = b.linear_part(x[0], "up", out, {whole});
          return b.gated(ops::Activation::gelu_tanh, gate, up);
        };
        check_on_every_device(c);
      }
    }
  }
}

TEST(EveryDevice, MultipliesWhereAGateIsOpen) {
  for (Format format : {Format::f32, Format::bf16, Format::q8_0, Format::q4_0, Format::q4_k, Format::q6_k}) {
    int block = info(format).block_values, depth = block == 1 ? 33 : 3 * block;
    for (int out : {1, 17, 255}) {
      for (int tokens : {1, 2, 5, 31, 100, 512}) {
        if (out == 255 && tokens > 31) continue;
        Case c = linear_case(format, depth, out, tokens, Builder::Bias::no);
        c.name = "linear_where: " + c.name;
        c.inputs.push_back(256);
        c.ops = [=](Builder& b, auto x) {
          Tensor gate = b.act(ops::Activation::relu, b.slice(x[1], 0, out));
          return b.linear_where(x[0], "w", gate, {{out + 3, depth + block}, 2});
        };
        check_on_every_device(c);
      }
    }
  }
}

// Tiles of activations and tasks that are just full, lack a token or have one more.
TEST(EveryDevice, MultipliesAnyNumberOfTokens) {
  for (const FormatInfo& format : formats()) {
    if (format.format == Format::i32) continue;
    int depth = format.block_values == 1 ? 35 : std::max(96, format.block_values), out = 19;
    for (int tokens : {1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 32, 33, 64, 100, 512}) {
      check_on_every_device(linear_case(format.format, depth / format.block_values * format.block_values, out, tokens,
                                        tokens % 2 ? Builder::Bias::yes : Builder::Bias::no));
    }
  }
}

TEST(EveryDevice, MultipliesManyTokens) {
  for (Format format : {Format::f16, Format::q8_0, Format::q5_1, Format::q4_k, Format::q6_k}) {
    check_on_every_device(linear_case(format, 1024, 48, 255, Builder::Bias::yes));
  }
}

TEST(EveryDevice, SharesOneInputAmongSeveralLinears) {
  for (Format format : {Format::f32, Format::q4_k}) {
    check_on_every_device({.name = "three linears and back", .bucket = 9, .live = 9,
                           .ops = [](Builder& b, auto x) {
                             Tensor q = b.linear(x[0], "q", 256), k = b.linear(x[1], "k", 256);
                             return b.add(b.add(q, k), b.linear(x[0], "v", 256));
                           },
                           .inputs = {256, 256}, .weights = format, .multiplies = true});
  }
}

TEST(EveryDevice, FusesGatedLinears) {
  for (Format format : {Format::f32, Format::q8_0, Format::q4_k, Format::iq4_xs}) {
    for (int out : {3, 17, 255}) {
      for (int tokens : {1, 3, 33, 100, 512}) {
        if (out == 255 && tokens > 33) continue;
        check_on_every_device({.name = fmt::format("linear_gated {} tokens {}", out, tokens), .bucket = tokens, .live = tokens,
                               .ops = [=](Builder& b, auto x) {
                                 Tensor gate = b.linear(x[0], "gate", out), up = b.linear(x[0], "up", out);
                                 return b.gated(ops::Activation::silu, gate, up);
                               },
                               .inputs = {512}, .weights = format, .multiplies = true, .fuses = true});
      }
    }
  }
}

TEST(EveryDevice, EmbedsTokensFromAnyFormat) {
  for (const FormatInfo& format : formats()) {
    if (format.format == Format::i32) continue;
    check_on_every_device({.name = fmt::format("embed {}", format.name), .bucket = 19, .live = 17,
                           .ops = [](Builder& b, auto) { return b.embed("table", 7, 512); }, .weights = format.format});
  }
}

using Maker = std::function<Tensor(Builder&, std::vector<Tensor>)>;

TEST(EveryDevice, AgreesOnRowWiseOps) {
  const std::vector<std::pair<std::string, Maker>> kinds = {
      {"rms_norm", [](Builder& b, auto x) { return b.rms_norm(x[0], "n", 1e-6f); }},
      {"layer_norm", [](Builder& b, auto x) { return b.layer_norm(x[0], "n", 1e-5f); }},
      {"add", [](Builder& b, auto x) { return b.add(x[0], x[1]); }},
      {"mul", [](Builder& b, auto x) { return b.mul(x[0], x[1]); }},
      {"mul_by", [](Builder& b, auto x) { return b.mul_by(x[0], "n"); }},
      {"scale", [](Builder& b, auto x) { return b.scale(x[0], 0.37f); }},
      {"softcap", [](Builder& b, auto x) { return b.softcap(x[0], 1.5f); }},
      {"rms_norm_plain", [](Builder& b, auto x) { return b.rms_norm_plain(x[0], 1e-6f); }},
      {"match_rms", [](Builder& b, auto x) { return b.match_rms(b.scale(x[0], 0.1f), x[1], 1e-5f); }},
      {"concat", [](Builder& b, auto x) { return b.concat(x[0], x[1]); }},
      {"slice", [](Builder& b, auto x) { return b.slice(b.concat(x[0], x[1]), 1, 1); }},
  };
  for (const auto& [name, make] : kinds) {
    for (int columns : {1, 3, 17, 64, 255, 5001}) {
      if (name == "layer_norm" && columns == 1) continue;  // 0 by definition, times 1/ε in rounding errors
      for (int tokens : {1, 3, 17}) {
        check_on_every_device({.name = fmt::format("{} {}x{}", name, tokens, columns), .bucket = tokens + 1, .live = tokens,
                               .ops = make, .inputs = {columns, columns}});
      }
    }
  }
}

TEST(EveryDevice, AgreesOnAddNorm) {
  for (int columns : {1, 3, 17, 255, 1024}) {
    check_on_every_device({.name = fmt::format("add_norm {}", columns), .bucket = 6, .live = 5,
                           .ops = [](Builder& b, auto x) {
                             Tensor sum = b.add(x[0], x[1]);
                             return b.add(b.rms_norm(sum, "n", 1e-6f), sum);
                           },
                           .inputs = {columns, columns}, .fuses = true});
  }
}

TEST(EveryDevice, AgreesOnActivations) {
  for (auto kind : {ops::Activation::silu, ops::Activation::gelu_tanh, ops::Activation::gelu_erf, ops::Activation::relu,
                    ops::Activation::tanh}) {
    for (int columns : {1, 3, 17, 255}) {
      check_on_every_device({.name = fmt::format("act {} {}", int(kind), columns), .bucket = 4, .live = 3,
                             .ops = [=](Builder& b, auto x) { return b.act(kind, b.scale(x[0], 4)); }, .inputs = {columns}});
      check_on_every_device({.name = fmt::format("gated {} {}", int(kind), columns), .bucket = 4, .live = 3,
                             .ops = [=](Builder& b, auto x) { return b.gated(kind, x[0], x[1]); },
                             .inputs = {columns, columns}});
    }
  }
}

TEST(EveryDevice, RotatesHeads) {
  for (int head_dim : {2, 6, 16, 64, 80, 128}) {
    for (int heads : {1, 3, 7}) {
      auto one = rope_table(head_dim, 1), other = rope_table(head_dim, 1.25f);
      check_on_every_device({.name = fmt::format("rope {}x{}", heads, head_dim), .bucket = 5, .live = 4,
                             .ops = [=](Builder& b, auto x) {
                               return b.add(b.rope(x[0], heads, one), b.add(b.rope(x[0], heads, other), b.rope(x[1], heads, one)));
                             },
                             .inputs = {heads * head_dim, heads * head_dim}, .positions = {0, 17, 4095, 32767}});
    }
  }
}

TEST(EveryDevice, RotatesPairsByTheirAxes) {
  auto table = std::make_shared<ops::RopeTable>(*rope_table(24, 1));
  for (size_t i = 0; i < 12; ++i) table->axis.push_back(uint8_t(i * 7 % 3));
  check_on_every_device({.name = "m-rope", .bucket = 5, .live = 4,
                         .ops = [=](Builder& b, auto x) { return b.rope(x[0], 3, table); }, .inputs = {72},
                         .adjust = [](ops::StepInputs& inputs) {
                           for (int t = 0; t < 4; ++t) {
                             for (int a = 0; a < ops::kRopeAxes; ++a) inputs.rope_positions[a][t] = 100 * a + 3 * t;
                           }
                         }});
}

TEST(EveryDevice, NormalisesEachHead) {
  for (int dim : {1, 6, 32, 80}) {
    check_on_every_device({.name = fmt::format("head norm {}", dim), .bucket = 4, .live = 3,
                           .ops = [=](Builder& b, auto x) {
                             return b.add(b.rms_norm(x[0], "n", 1e-6f, dim), b.rms_norm_plain(x[0], 1e-3f, dim));
                           },
                           .inputs = {5 * dim}});
  }
}

TEST(EveryDevice, MixesStreams) {
  for (int columns : {1, 17, 255}) {
    check_on_every_device({.name = fmt::format("mix {}", columns), .bucket = 4, .live = 3,
                           .ops = [](Builder& b, auto x) { return b.mix(x[0], 3, {x[1], x[2], x[3], x[4]}); },
                           .inputs = {9, columns, columns, columns, columns}});
  }
}

TEST(EveryDevice, SendsRowsToTheirExperts) {
  for (Format format : {Format::f32, Format::q8_0, Format::q4_k}) {
    for (auto [experts, used] : {std::pair{1, 1}, std::pair{5, 2}, std::pair{17, 8}}) {
      for (int tokens : {1, 3, 35, 200}) {
        if (tokens == 200 && experts > 1) continue;  // more than one call multiplies: that of a single expert
        for (bool normalise : {true, false}) {
          ops::MoeParams params{used, normalise, ops::Activation::silu};
          check_on_every_device({.name = fmt::format("moe {} of {} tokens {}", used, experts, tokens), .bucket = tokens + 1,
                                 .live = tokens,
                                 .ops = [=](Builder& b, auto x) {
                                   return b.moe(x[0], b.slice(x[1], 0, experts), "expert", 256, params);
                                 },
                                 .inputs = {256, 256}, .weights = format, .multiplies = true});
        }
      }
    }
  }
  check_on_every_device({.name = "moe of odd widths", .bucket = 9, .live = 7,
                         .ops = [](Builder& b, auto x) {
                           ops::MoeParams params{3, true, ops::Activation::gelu_tanh};
                           return b.moe(x[0], x[1], "expert", 37, params);
                         },
                         .inputs = {51, 6}});
  check_on_every_device({.name = "moe with equal router values", .bucket = 4, .live = 3,
                         .ops = [](Builder& b, auto x) {
                           return b.moe(x[0], b.scale(x[1], 0), "expert", 16, {2, true, ops::Activation::silu});
                         },
                         .inputs = {16, 4}});
}

TEST(EveryDevice, CutsWhatIsNotFarAboveTheMean) {
  for (int columns : {3, 17, 255, 5001}) {
    check_on_every_device({.name = fmt::format("cut_below {}", columns), .bucket = 4, .live = 3,
                           .ops = [](Builder& b, auto x) { return b.cut_below(b.scale(x[0], 3), 0.8f); },
                           .inputs = {columns}});
  }
}

TEST(EveryDevice, PutsFeaturesInThePlaceOfTokens) {
  check_on_every_device({.name = "features", .bucket = 9, .live = 7,
                         .ops = [](Builder& b, auto x) { return b.add(b.insert_features(x[0]), b.features(kFeatureWidth)); },
                         .inputs = {kFeatureWidth},
                         .adjust = [](ops::StepInputs& inputs) {
                           for (int t : {1, 2, 5}) inputs.feature_rows[t] = 6 - t;
                         }});
}

TEST(EveryDevice, MergesRowsThatFollowEachOther) {
  for (int group : {1, 4, 9}) {
    for (int columns : {1, 17, 64}) {
      auto both = [](Builder& b, auto x) { return b.concat(b.join_rows(x[0]), b.mean_rows(x[0])); };
      check_on_every_device({.name = fmt::format("merge {} rows of {}", group, columns), .bucket = 5 * group,
                             .live = 3 * group, .ops = both, .inputs = {columns}, .merged = group});
    }
  }
}

TEST(EveryDevice, AttendsAmongTheRowsOfASpan) {
  const int edges[] = {0, 1, 34, 40, 200, 201};
  for (auto [group, kv_heads, dim] : {std::array{1, 1, 16}, std::array{2, 2, 80}, std::array{1, 3, 72}, std::array{3, 1, 6}}) {
    for (auto kind : {ops::SpanKind::window, ops::SpanKind::frame}) {
      int heads = group * kv_heads;
      check_on_every_device({.name = fmt::format("spans {}x{} of {}", group, kv_heads, dim), .bucket = 210, .live = 201,
                             .ops = [=](Builder& b, auto x) {
                               return b.attend_spans(x[0], x[1], x[2], {.heads = heads, .kv_heads = kv_heads,
                                                                        .scale = 0.3f, .kind = kind});
                             },
                             .inputs = {heads * dim, kv_heads * dim, kv_heads * dim},
                             .adjust = [=](ops::StepInputs& inputs) {
                               inputs.spans[0] = {std::vector<int32_t>(210), std::vector<int32_t>(210)};
                               for (int i = 0; i < 5; ++i) {
                                 for (int t = edges[i]; t < edges[i + 1]; ++t) {
                                   inputs.spans[0].begin[t] = edges[i];
                                   inputs.spans[0].end[t] = edges[i + 1];
                                 }
                               }
                               inputs.spans[1] = {std::vector<int32_t>(210, 0), std::vector<int32_t>(210, 201)};
                             }});
    }
  }
}

constexpr Format kCaches[] = {Format::f32, Format::f16, Format::q8_0, Format::q4_0};

struct Heads { int group, kv_heads, dim; };

Case attend_case(Heads h, ops::AttendParams params, Format cache, std::vector<int> positions, int sequences) {
  int heads = h.group * h.kv_heads;
  return {.name = fmt::format("attend {}x{} of {} window {} softcap {} {}", h.group, h.kv_heads, h.dim, params.window,
                              params.softcap, info(cache).name),
          .bucket = int(positions.size()) + 1, .live = int(positions.size()),
          .ops = [=](Builder& b, auto x) {
            ops::AttendParams p = params;
            b.kv_cache(1, 32);  // another layer's cache
            p.cache = b.kv_cache(h.kv_heads, h.dim);
            p.heads = heads;
            p.scale = 1 / std::sqrt(float(h.dim));
            b.kv_write(p.cache, x[1], x[2]);
            return b.attend(x[0], p);
          },
          .inputs = {heads * h.dim, h.kv_heads * h.dim, h.kv_heads * h.dim}, .cache = cache,
          .sequences = sequences, .positions = std::move(positions)};
}

TEST(EveryDevice, AttendsInPagedCaches) {
  for (Format cache : kCaches) {
    for (Heads h : {Heads{1, 1, 16}, Heads{1, 3, 64}, Heads{2, 2, 128}, Heads{7, 2, 64}, Heads{5, 1, 80}, Heads{2, 1, 96},
                    Heads{3, 2, 6}}) {
      if (h.dim % info(cache).block_values != 0) continue;
      for (int window : {0, 1, 33, 100}) {
        for (float softcap : {0.0f, 2.0f}) {
          // Two sequences: the end of a long prompt over page edges, and a single late token.
          check_on_every_device(attend_case(h, {.softcap = softcap, .window = window}, cache, {30, 31, 32, 33, 34, 200}, 2));
        }
      }
    }
  }
}

TEST(EveryDevice, AttendsInARaggedBatch) {
  for (Format cache : kCaches) {
    std::vector<int> by_three = {0, 1, 2, 100, 101, 102, 63, 64, 65, 380, 381, 382};
    check_on_every_device(attend_case({2, 2, 32}, {}, cache, by_three, 4));
    check_on_every_device(attend_case({4, 1, 64}, {.window = 48}, cache, by_three, 4));
    for (Case c : {attend_case({7, 2, 64}, {}, cache, {1500}, 1),
                   attend_case({2, 2, 64}, {.softcap = 3, .window = 900}, cache, {1500, 1501, 3, 4}, 2)}) {
      c.pages = 48;
      check_on_every_device(c);
    }
  }
}

TEST(EveryDevice, AttendsToBothSidesOfARun) {
  for (int window : {0, 2, 33}) {
    Case c = attend_case({2, 2, 32}, {.window = window}, Format::f16, {30, 31, 32, 33, 34, 35, 36}, 1);
    c.adjust = [](ops::StepInputs& inputs) {
      for (int t = 1; t < 6; ++t) {
        inputs.run_first[t] = 31;
        inputs.run_last[t] = 35;
      }
    };
    check_on_every_device(c);
  }
}

TEST(EveryDevice, KeepsGroupsOfPagesApart) {
  for (Format cache : kCaches) {
    Case c{.name = fmt::format("two page groups {}", info(cache).name), .bucket = 7, .live = 6,
           .ops = [](Builder& b, auto x) {
             int all = b.kv_cache(1, 32), near = b.kv_cache(1, 32, 40);
             b.kv_write(all, x[1], x[2]);
             b.kv_write(near, x[2], x[1]);
             Tensor q = b.attend(x[0], {.cache = near, .heads = 1, .scale = 0.2f, .window = 40});
             return b.attend(q, {.cache = all, .heads = 1, .scale = 0.2f});
           },
           .inputs = {32, 32, 32}, .cache = cache, .sequences = 2, .positions = {60, 61, 62, 63, 64, 65}, .groups = 2};
    check_on_every_device(c);
  }
}

// As layers without a cache of their own do (Gemma 3n): they read what another one wrote, each with queries of its own.
TEST(EveryDevice, ReadsOneCacheInSeveralLayers) {
  for (Format cache : kCaches) {
    Case c{.name = fmt::format("shared cache {}", info(cache).name), .bucket = 7, .live = 6,
           .ops = [](Builder& b, auto x) {
             int shared = b.kv_cache(1, 64, 40);
             b.kv_write(shared, x[1], x[2]);
             Tensor q = b.attend(x[0], {.cache = shared, .heads = 2, .scale = 0.2f, .window = 40});
             return b.attend(q, {.cache = shared, .heads = 2, .scale = 0.3f, .window = 40});
           },
           .inputs = {128, 64, 64}, .cache = cache, .sequences = 2, .positions = {60, 61, 62, 63, 64, 65}};
    check_on_every_device(c);
  }
}

TEST(EveryDevice, RefusesACacheFormatThatItCannotKeep) {
  Tape tape = make_tape(attend_case({1, 1, 32}, {}, Format::f32, {0}, 1));
  for (std::string_view name : device_names()) {
    auto device = make_device(name, {.threads = 1});
    EXPECT_THROW(run_on(*device, tape, Format::q5_0), Error) << name;
  }
}

TEST(DeviceNames, AreListedWhenOneIsUnknown) {
  try {
    make_device("abacus", {});
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "unknown device \"abacus\"; there are: cpu, npu, reference, vulkan");
  }
}

}  // namespace
}  // namespace troika::device
