#include "plan/segments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ops/builder.h"
#include "plan/some_device.h"

namespace troika::plan {
namespace {

using ops::OpKind;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

// Two layers of attention and a gated MLP; the second one looks at the first one's keys.
ops::Program two_layers() {
  auto rope = std::make_shared<ops::RopeTable>();
  rope->inverse_frequency.assign(8, 0.5f);
  ops::Builder b(4, 1);
  ops::Tensor x = b.embed("embed", 50, 32);
  int cache = -1;
  for (int layer = 0; layer < 2; ++layer) {
    auto scope = b.scope("layer." + std::to_string(layer));
    ops::Tensor normed = b.rms_norm(x, "norm", 1e-6f);
    if (layer == 0) {
      cache = b.kv_cache(1, 16);
      ops::Tensor k = b.linear(normed, "k", 16), v = b.linear(normed, "v", 16);
      b.kv_write(cache, b.rope(k, 1, rope), v);
    }
    ops::Tensor a = b.attend(b.linear(normed, "q", 32), {.cache = cache, .heads = 2, .scale = 0.3f});
    x = b.add(x, b.linear(a, "o", 32));
    normed = b.rms_norm(x, "mlp.norm", 1e-6f);
    ops::Tensor gate = b.linear(normed, "gate", 64), up = b.linear(normed, "up", 64);
    x = b.add(x, b.linear(b.gated(ops::Activation::silu, gate, up), "down", 32));
  }
  return b.finish(b.linear(b.pick_rows(x), "head", 50));
}

struct Three {
  std::vector<std::unique_ptr<device::Device>> all;
  const std::vector<std::string> names{"gpu", "npu", "cpu"};

  Three() {
    using Kinds = std::set<OpKind>;
    all.push_back(std::make_unique<SomeDevice>("gpu", Kinds{OpKind::linear, OpKind::attend, OpKind::kv_write, OpKind::linear_gated,
                                                            OpKind::gated, OpKind::add, OpKind::rms_norm}));
    all.push_back(std::make_unique<SomeDevice>("npu", Kinds{OpKind::linear}));
    all.push_back(std::make_unique<SomeDevice>("cpu", Kinds{}));
  }
  Pins pins(std::string_view text) const { return parse_pins(text, names, 2); }
};

// The devices of all ops of a kind, one digit each.
std::string devices_of(const ops::Program& p, const std::vector<int>& placement, OpKind kind) {
  std::string digits;
  for (size_t i = 0; i < p.ops.size(); ++i) {
    if (p.ops[i].kind == kind) digits += std::to_string(placement[i]);
  }
  return digits;
}

TEST(Place, GivesAnOpToTheFirstDeviceThatSupportsIt) {
  const ops::Program p = two_layers();
  const Three devices;
  const std::vector<int> placement = place(p, devices.all);
  EXPECT_EQ(devices_of(p, placement, OpKind::linear), "0000000000000");
  EXPECT_EQ(devices_of(p, placement, OpKind::rope), "2");
  EXPECT_EQ(summary(p, placement, devices.all), "gpu: 26 ops, npu: nothing, cpu: 3 ops");
}

TEST(Place, TakesTheNextDeviceWhereAWeightIsDeclined) {
  const ops::Program p = two_layers();
  const Three devices;
  const auto takes = [](int device, std::string_view name) { return device != 0 || name.find("mlp") == name.npos; };
  EXPECT_EQ(devices_of(p, place(p, devices.all, {}, takes), OpKind::rms_norm), "0202");
  EXPECT_THAT([&] { place(p, devices.all, {}, [](int, std::string_view) { return false; }); },
              ThrowsMessage<Error>(HasSubstr("no device can run embed")));
}

TEST(Place, HeedsPinsOfKindsOfLayersAndOfKindsInLayers) {
  const ops::Program p = two_layers();
  const Three devices;
  EXPECT_EQ(devices_of(p, place(p, devices.all, devices.pins("linear=npu,add=cpu")), OpKind::linear), "1111111111111");
  EXPECT_EQ(devices_of(p, place(p, devices.all, devices.pins("linear=npu,add=cpu")), OpKind::add), "2222");
  EXPECT_EQ(devices_of(p, place(p, devices.all, devices.pins("1=cpu")), OpKind::rms_norm), "0022");
  EXPECT_EQ(devices_of(p, place(p, devices.all, devices.pins("0:linear=npu")), OpKind::linear), "1111111000000");
}

TEST(Place, HeedsPinsOfLargeStepsFromTheirTokensOn) {
  const ops::Program p = two_layers();  // of 4 tokens
  const Three devices;
  EXPECT_EQ(devices_of(p, place(p, devices.all, devices.pins("linear@4=npu")), OpKind::linear), "1111111111111");
  EXPECT_EQ(devices_of(p, place(p, devices.all, devices.pins("linear@5=npu")), OpKind::linear), "0000000000000");
  EXPECT_EQ(devices_of(p, place(p, devices.all, devices.pins("1:linear@2=npu")), OpKind::linear), "0000000111110");
  EXPECT_EQ(devices_of(p, place(p, devices.all, devices.pins("linear=cpu,linear@2=npu")), OpKind::linear), "1111111111111");
  EXPECT_EQ(devices_of(p, place(p, devices.all, devices.pins("linear@2=npu,0+1:linear=cpu,linear@9=gpu")), OpKind::linear),
            "1111111111111");
}

TEST(Place, KeepsTheOpsOfACacheTogether) {
  const ops::Program p = two_layers();
  const Three devices;
  for (const char* pin : {"kv_write=cpu", "attend=cpu", "0:attend=cpu", "1:attend=cpu"}) {
    const std::vector<int> placement = place(p, devices.all, devices.pins(pin));
    EXPECT_EQ(devices_of(p, placement, OpKind::attend), "22") << pin;
    EXPECT_EQ(devices_of(p, placement, OpKind::kv_write), "2") << pin;
    EXPECT_EQ(devices_of_caches(p, placement), std::vector<int>{2}) << pin;
  }
}

std::string refusal(std::string_view text) {
  const Three devices;
  try {
    place(two_layers(), devices.all, devices.pins(text));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Place, SaysWhichPinsContradictEachOther) {
  EXPECT_EQ(refusal("linear=npu,0=gpu"),
            "--place linear=npu and 0=gpu contradict each other about layer.0.k (linear); leave one of them out");
  EXPECT_EQ(refusal("kv_write=cpu,1:attend=gpu"),
            "--place kv_write=cpu and 1:attend=gpu contradict each other about layer.1.attend (attend), since ops of one cache stay "
            "together; leave one of them out");
  EXPECT_EQ(refusal("linear=npu,0:linear=npu"), "");
}

TEST(Place, SaysWhatAPinnedDeviceDoesNotDo) {
  EXPECT_EQ(refusal("rope=npu"), "--place rope=npu: npu does not do layer.0.rope (rope); on cpu it runs");
  EXPECT_EQ(refusal("add=npu"), "--place add=npu: npu does not do layer.0.add (add); on gpu and cpu it runs");
}

TEST(Pins, SayWhatTheyDoNotKnow) {
  EXPECT_THAT(refusal("linear"), HasSubstr("--place linear: say what and where"));
  EXPECT_THAT(refusal("linear=tpu"), HasSubstr("tpu is not in the list of --device, which is gpu,npu,cpu"));
  EXPECT_THAT(refusal("lineal=npu"), HasSubstr("there is no such kind of operation; there are embed, "));
  EXPECT_THAT(refusal("linear_gated=npu"), HasSubstr("there is no such kind"));
  for (const char* text : {"0-2=gpu", "2=gpu", "1-0=gpu", "7-8:linear=npu", "1--1=gpu"}) {
    EXPECT_THAT(refusal(text), HasSubstr("the model has layers 0 to 1")) << text;
  }
  for (const char* text : {"linear@=npu", "linear@0=npu", "linear@-3=npu", "linear@many=npu"}) {
    EXPECT_THAT(refusal(text), HasSubstr("behind @ comes a number of tokens, such as linear@256=npu")) << text;
  }
  EXPECT_EQ(refusal("vision=npu"), "");
  for (const char* text : {"0:vision=npu", "vision@64=npu"}) {
    EXPECT_THAT(refusal(text), HasSubstr("vision is the whole tower, for all sizes of pictures")) << text;
  }
  for (const char* text : {"attend@64=cpu", "kv_write@64=cpu", "0@64=cpu", "0:attend@64=cpu"}) {
    EXPECT_THAT(refusal(text), HasSubstr("a cache stays on one device whatever a step's tokens")) << text;
  }
  for (const char* text : {"=gpu", "0-=gpu", "-1=gpu", "0:=gpu", ":linear=gpu", "0-1-2=gpu", ""}) {
    EXPECT_EQ(refusal(text).empty(), std::string_view(text).empty()) << text;
  }
}

TEST(Pins, OfALostDeviceAreLeftOut) {
  EXPECT_EQ(without_device("linear=npu,0-1=gpu,add=npu", "npu"), "0-1=gpu");
  EXPECT_EQ(without_device("", "npu"), "");
}

TEST(FusePlaced, FusesOnlyWhatStandsOnOneDeviceThatHasTheFusedOp) {
  const Three devices;
  const auto fused = [&](std::string_view pins) {
    const ops::Program p = two_layers();
    std::vector<int> placement = place(p, devices.all, devices.pins(pins));
    const ops::Program f = fuse_placed(p, devices.all, placement);
    EXPECT_EQ(placement.size(), f.ops.size());
    return devices_of(f, placement, OpKind::linear_gated) + "/" + devices_of(f, placement, OpKind::add_norm);
  };
  EXPECT_EQ(fused(""), "00/");                                        // gpu has no add_norm
  EXPECT_EQ(fused("linear=npu"), "/");                                // parts apart
  EXPECT_EQ(fused("linear=cpu"), "/");                                // gated stays behind
  EXPECT_EQ(fused("linear=cpu,gated=cpu"), "22/");
  EXPECT_EQ(fused("0=cpu"), "20/2");  // the add at its end and the norm behind it are apart
}

}  // namespace
}  // namespace troika::plan
