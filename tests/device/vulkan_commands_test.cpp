// What the Vulkan device records: how many dispatches, and a barrier wherever one needs what another wrote.
#include <gtest/gtest.h>

#include "device/tape.h"
#include "device/vulkan/vulkan_device.h"
#include "device/vulkan_here.h"
#include "ops/rewrites.h"

namespace troika::device::vulkan {
namespace {

using ops::Builder;
using ops::Tensor;

using Ops = std::function<Tensor(Builder&, std::vector<Tensor>)>;
enum class Rows { tokens, outputs };  // that a result has

// Inputs are there before the commands run; `ops` is all that is recorded.
Tape tape_of(const std::vector<int>& widths, Rows rows, Format weights, const Ops& ops) {
  Tape tape;
  Builder b(4, 2);
  std::vector<Tensor> inputs;
  for (int width : widths) inputs.push_back(b.embed(fmt::format("x{}", inputs.size()), 4, width));
  const Tensor result = ops(b, inputs);
  tape.program = b.finish(rows == Rows::outputs ? result : b.pick_rows(result));
  tape.first_op = inputs.size();
  tape.inputs = ops::StepInputs(4, 4, 1, 1, 1, widths[0]);
  for (ops::StepInputs::Spans& spans : tape.inputs.spans) spans = {std::vector<int32_t>(4), std::vector<int32_t>(4)};
  tape.program = ops::fuse(tape.program, [](auto&, auto&) { return true; });
  tape.cache_format = Format::f16;
  tape.fill_weights(weights, 1);
  tape.fill_inputs(2);
  return tape;
}

// Without the pick_rows that a program with a row for each token ends with.
Recorded count(Device& device, const Tape& tape, Rows rows) {
  const Loaded loaded = load_on(device, tape, tape.cache_format);
  Segment segment = loaded.segment(tape);
  if (rows == Rows::tokens) --segment.end;
  return recorded(*device.compile(segment));
}

class VulkanCommands : public OnVulkan {
 protected:
  VulkanCommands() : OnVulkan("0") {}
  Recorded count(const std::vector<int>& widths, Rows rows, const Ops& ops) {
    return vulkan::count(*device_, tape_of(widths, rows, Format::f32, ops), rows);
  }
};

struct OpCase {
  std::string name;
  std::vector<int> inputs;  // columns of each
  Ops op;
  Rows rows = Rows::tokens;
  int read_later = -1;  // the input that is read behind a barrier of the op's own
};

const std::vector<OpCase>& op_cases() {
  static const std::vector<OpCase> cases = {
      {"linear", {64}, [](Builder& b, auto x) { return b.linear(x[0], "w", 64, Builder::Bias::yes); }},
      {"linear_where", {64, 32}, [](Builder& b, auto x) { return b.linear_where(x[0], "w", x[1], {{32, 64}}); }},
      {"linear_gated", {64}, [](Builder& b, auto x) {
         Tensor gate = b.linear(x[0], "gate", 32), up = b.linear(x[0], "up", 32);
         return b.gated(ops::Activation::silu, gate, up);
       }},
      {"moe", {64, 5}, [](Builder& b, auto x) {
         return b.moe(x[0], x[1], "expert", 32, {2, true, ops::Activation::silu});
       }, Rows::tokens, 0},
      {"rms_norm", {64}, [](Builder& b, auto x) { return b.rms_norm(x[0], "n", 1e-6f); }},
      {"rms_norm of heads", {64}, [](Builder& b, auto x) { return b.rms_norm(x[0], "n", 1e-6f, 16); }},
      {"rms_norm_plain", {64}, [](Builder& b, auto x) { return b.rms_norm_plain(x[0], 1e-6f); }},
      {"layer_norm", {64}, [](Builder& b, auto x) { return b.layer_norm(x[0], "n", 1e-6f); }},
      {"add", {64, 64}, [](Builder& b, auto x) { return b.add(x[0], x[1]); }},
      {"mul", {64, 64}, [](Builder& b, auto x) { return b.mul(x[0], x[1]); }},
      {"mul_by", {64}, [](Builder& b, auto x) { return b.mul_by(x[0], "n"); }},
      {"scale", {64}, [](Builder& b, auto x) { return b.scale(x[0], 2); }},
      {"act", {64}, [](Builder& b, auto x) { return b.act(ops::Activation::silu, x[0]); }},
      {"gated", {64, 64}, [](Builder& b, auto x) { return b.gated(ops::Activation::silu, x[0], x[1]); }},
      {"softcap", {64}, [](Builder& b, auto x) { return b.softcap(x[0], 2); }},
      {"rope", {64}, [](Builder& b, auto x) { return b.rope(x[0], 2, rope_table(32, 1)); }},
      {"kv_write and attend", {64, 32, 32}, [](Builder& b, auto x) {
         const int cache = b.kv_cache(1, 32);
         b.kv_write(cache, x[1], x[2]);
         return b.attend(x[0], {.cache = cache, .heads = 2, .scale = 1});
       }, Rows::tokens, 0},
      {"attend", {64}, [](Builder& b, auto x) {
         return b.attend(x[0], {.cache = b.kv_cache(1, 32), .heads = 2, .scale = 1});
       }},
      {"attend_spans", {64, 32, 32}, [](Builder& b, auto x) {
         return b.attend_spans(x[0], x[1], x[2], {.heads = 2, .kv_heads = 1, .scale = 1});
       }},
      {"concat", {64, 32}, [](Builder& b, auto x) { return b.concat(x[0], x[1]); }},
      {"slice", {64}, [](Builder& b, auto x) { return b.slice(x[0], 7, 32); }},
      {"mix", {9, 64, 64, 64}, [](Builder& b, auto x) { return b.mix(x[0], 3, {x[1], x[2], x[3]}); }},
      {"match_rms", {64, 64}, [](Builder& b, auto x) { return b.match_rms(x[0], x[1], 1e-5f); }},
      {"cut_below", {64}, [](Builder& b, auto x) { return b.cut_below(x[0], 1); }},
      {"insert_features", {64}, [](Builder& b, auto x) { return b.insert_features(x[0]); }},
      {"pick_rows", {64}, [](Builder& b, auto x) { return b.pick_rows(x[0]); }, Rows::outputs},
      {"join_rows", {64}, [](Builder& b, auto x) { return b.join_rows(x[0]); }, Rows::outputs},
      {"mean_rows", {64}, [](Builder& b, auto x) { return b.mean_rows(x[0]); }, Rows::outputs},
  };
  return cases;
}

// An op that forgot to say what it reads would not wait for it.
TEST_F(VulkanCommands, WaitForWhateverMadeAnInputOfAnyOp) {
  for (const OpCase& c : op_cases()) {
    const int alone = count(c.inputs, c.rows, c.op).barriers;
    for (size_t i = 0; i < c.inputs.size(); ++i) {
      if (static_cast<int>(i) == c.read_later) continue;
      const Recorded with = count(c.inputs, c.rows, [&](Builder& b, std::vector<Tensor> x) {
        x[i] = b.softcap(x[i], 3);
        return c.op(b, x);
      });
      EXPECT_EQ(with.barriers, alone + 1) << c.name << ", input " << i;
    }
  }
}

// Whatever of its inputs was made just before, so that its own dispatches may have barriers between them.
TEST_F(VulkanCommands, WaitForTheResultOfAnyOp) {
  for (const OpCase& c : op_cases()) {
    for (size_t made = 0; made <= c.inputs.size(); ++made) {
      const auto with = [&](bool read) {
        return count(c.inputs, c.rows, [&](Builder& b, std::vector<Tensor> x) {
          if (made < x.size()) x[made] = b.softcap(x[made], 3);
          Tensor out = c.op(b, x);
          return read ? b.softcap(out, 5) : out;
        });
      };
      EXPECT_EQ(with(true).barriers, with(false).barriers + 1) << c.name << ", input " << made << " made just before";
    }
  }
}

TEST_F(VulkanCommands, DoNotWaitForWhatTheyDoNotRead) {
  const Recorded apart = count({64, 64}, Rows::tokens, [](Builder& b, auto x) {
    b.softcap(x[0], 3);
    return b.softcap(x[1], 3);
  });
  EXPECT_EQ(apart.dispatches, 2);
  EXPECT_EQ(apart.barriers, 0);
}

// Layers in the order of models/decoder.cpp.
Ops layers(int number) {
  return [=](Builder& b, std::vector<Tensor> inputs) {
    const auto table = rope_table(32, 1);
    Tensor x = inputs[0];
    for (int i = 0; i < number; ++i) {
      const auto scope = b.scope(fmt::format("layer.{}", i));
      const int cache = b.kv_cache(2, 32);
      Tensor h = b.rms_norm(x, "norm", 1e-6f);
      Tensor q = b.linear(h, "q", 128), k = b.linear(h, "k", 64), v = b.linear(h, "v", 64);
      b.kv_write(cache, b.rope(k, 2, table), v);
      Tensor mixed = b.attend(b.rope(q, 4, table), {.cache = cache, .heads = 4, .scale = 1});
      if (i == number - 1) {
        mixed = b.pick_rows(mixed);
        x = b.pick_rows(x);
      }
      x = b.add(x, b.linear(mixed, "o", 96));
      h = b.rms_norm(x, "ffn_norm", 1e-6f);
      Tensor gate = b.linear(h, "gate", 160), up = b.linear(h, "up", 160);
      x = b.add(x, b.linear(b.gated(ops::Activation::silu, gate, up), "down", 96));
    }
    return b.linear(b.rms_norm(x, "norm", 1e-6f), "head", 64);
  };
}

Recorded of_layers(int number) {
  const auto device = make_device("vulkan", {});
  return count(*device, tape_of({96}, Rows::outputs, Format::q8_0, layers(number)), Rows::outputs);
}

// What one more layer takes, with weights in blocks.
Recorded of_a_layer() {
  const Recorded two = of_layers(2), three = of_layers(3);
  return {three.dispatches - two.dispatches, three.barriers - two.barriers, three.submissions - two.submissions};
}

// As docs/vulkan.md says, of at most 8 rows a step.
TEST_F(VulkanCommands, OfADenseLayerAreAsManyAsTheDocsSay) {
  const Recorded layer = of_a_layer();
  EXPECT_EQ(layer.dispatches, 7);
  EXPECT_EQ(layer.barriers, 5);
}

class VulkanCommandsChained : public OnVulkanChained {};

TEST_F(VulkanCommandsChained, OfADenseLayerHaveNoBarrier) {
  const Recorded layer = of_a_layer();
  EXPECT_EQ(layer.dispatches, 7);
  EXPECT_EQ(layer.barriers, 0);
}

TEST_F(VulkanCommandsChained, OfTheLastLayerHaveBarriersWhereRowsArePicked) {
  const Recorded one = of_layers(1);  // norm ▏ q, k, v, attend ▏ two picks ▏ round ▏ out, gate and up, down, head
  EXPECT_EQ(one.dispatches, 12);
  EXPECT_EQ(one.barriers, 4);
}

}  // namespace
}  // namespace troika::device::vulkan
