// A tape on several devices gives the bits of one: with memory that is shared or not, wherever its ops are placed, and with
// devices that are at work at the same time.
#include "engine/relay.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <random>
#include <thread>

#include "engine/handing_on.h"
#include "engine/model.h"
#include "engine/weights.h"
#include "plan/memory.h"

namespace troika::engine {
namespace {

const std::filesystem::path kGoldens = std::filesystem::path(TROIKA_SOURCE_DIR) / "tests/goldens";

// Computes in a thread of its own, now and then a little late: who does not wait for it is found out. Its device does one thing
// at a time.
class Late : public device::Executable {
 public:
  Late(std::unique_ptr<device::Executable> inner, std::shared_ptr<int> of_device)
      : inner_(std::move(inner)), of_device_(std::move(of_device)) {}
  void submit() override {
    EXPECT_EQ(++*of_device_, 1) << "at once on one device";
    ++at_work;
    static std::minstd_rand random;
    const std::chrono::microseconds late(random() / 7 % 2 * 300);
    thread_ = std::jthread([this, late] {
      std::this_thread::sleep_for(late);
      inner_->submit();
      inner_->wait();
    });
    most_at_work = std::max<int>(most_at_work, at_work);
  }
  void wait() override {
    thread_.join();
    --*of_device_;
    --at_work;
  }
  static inline int at_work = 0, most_at_work = 0;

 private:
  const std::unique_ptr<device::Executable> inner_;
  const std::shared_ptr<int> of_device_;
  std::jthread thread_;
};

class Worker : public HandsOn {
 public:
  enum class Memory { shared, own };
  explicit Worker(Memory memory) : HandsOn(device::make_device("reference", {})), memory_(memory) {}
  std::shared_ptr<device::Buffer> import(device::HostRegion region) override {
    return memory_ == Memory::shared ? HandsOn::import(region) : nullptr;
  }
  std::unique_ptr<device::Executable> compile(const device::Segment& segment) override {
    return std::make_unique<Late>(HandsOn::compile(segment), at_work_);
  }

 private:
  const Memory memory_;
  const std::shared_ptr<int> at_work_ = std::make_shared<int>(0);
};

// A text as two batches of rows.
struct Prompt {
  Tape tape;
  plan::MemoryPlan memory;
  std::vector<ops::StepInputs> inputs;
  int tokens;  // of each

  Prompt(const models::Architecture& architecture, const models::ModelSpec& spec, int tokens)
      : tape{models::trace(architecture, spec, tokens + 3, tokens), {}}, memory(plan::plan_memory(tape.program)),
        inputs(2, {tokens + 3, tokens, 1, 1, int(tape.program.windows.size())}), tokens(tokens) {
    for (int i = 0; i < 2; ++i) {
      inputs[size_t(i)].tokens = inputs[size_t(i)].outputs = tokens;
      for (int t = 0; t < tokens; ++t) {
        const int position = i * tokens + t;
        inputs[size_t(i)].place(t, (position * 31 + 5) % spec.vocabulary, position, 0);
      }
      std::iota(inputs[size_t(i)].output_rows.begin(), inputs[size_t(i)].output_rows.end(), 0);
    }
  }
  enum class Order { one_by_one, both };
  std::vector<float> run(const std::vector<std::unique_ptr<device::Device>>& devices, const HeldWeights& weights, Order order) {
    std::vector<device::Cache> caches;
    const std::vector<int> of_caches = plan::devices_of_caches(tape.program, tape.placement);
    for (size_t i = 0; i < of_caches.size(); ++i) {
      const size_t bytes = device::cache_page_bytes(tape.program.caches[i], Format::f32);
      device::Device& device = *devices[size_t(of_caches[i])];
      caches.push_back({device.allocate(bytes), device.allocate(bytes), Format::f32});
    }
    std::vector<std::unique_ptr<Relay>> relays;
    for (const ops::StepInputs& batch : inputs) {
      const Surroundings around{.offsets = memory.offsets, .devices = devices, .weights = &weights,
                                .arenas = std::make_shared<const Arenas>(devices, memory.bytes), .caches = caches,
                                .inputs = &batch};
      relays.push_back(std::make_unique<Relay>(tape, around, 0, tape.program.ops.size()));
    }
    for (int again = 0; again < 2; ++again) {
      if (order == Order::both) Relay::run_both(*relays[0], *relays[1]);
      else for (auto& relay : relays) relay->run();
    }
    std::vector<float> all;
    for (const auto& relay : relays) {
      const float* logits = relay->values(tape.program.logits);
      all.insert(all.end(), logits, logits + size_t(tokens) * size_t(tape.program[tape.program.logits].shape.columns()));
    }
    return all;
  }
};

// Each op anywhere, but for those of a cache, which are pinned together.
std::vector<int> anywhere(const ops::Program& program, plan::Devices devices, uint32_t seed) {
  std::mt19937 random(seed);
  plan::Pins pins;
  for (int layer = 0; layer < 8; ++layer) {
    for (ops::OpKind kind : {ops::OpKind::kv_write, ops::OpKind::attend}) {
      pins.push_back({.device = layer % int(devices.size()), .kind = kind, .part = "", .layers = {{layer, layer}}, .text = ""});
    }
  }
  std::vector<int> placement = plan::place(program, devices, pins);
  for (size_t i = 0; i < placement.size(); ++i) {
    const ops::OpKind kind = program.ops[i].kind;
    const bool is_free = kind != ops::OpKind::kv_write && kind != ops::OpKind::attend;
    if (is_free) placement[i] = int(random() % devices.size());
  }
  return placement;
}

TEST(Relay, GivesTheBitsOfOneDeviceWhereverOpsArePlaced) {
  for (const char* name : {"qwen2-tied", "qwen3-moe-sparse.f16.gguf"}) {
    auto file = files::ModelFile::open(kGoldens / name);
    const models::Architecture& architecture = models::architecture_of(*file);
    const models::ModelSpec spec = architecture.read(*file);
    Prompt prompt(architecture, spec, 9);
    std::vector<std::string> names;
    for (const ops::TensorInfo& tensor : prompt.tape.program.tensors) {
      if (tensor.role == ops::Role::weight) names.push_back(tensor.name);
    }
    const auto bring = [&](const std::string& weight) {
      return models::find_weight(*file, architecture.names, weight, spec.head_dim)->view;
    };
    const auto run_on = [&](std::vector<std::unique_ptr<device::Device>> devices, int seed, Prompt::Order order) {
      HeldWeights weights(devices, {}, {.own = {prompt.tape.program}}, names, bring);
      for (size_t d = 1; d < devices.size(); ++d) weights.hold_all(int(d), devices, names, bring);
      prompt.tape.placement = anywhere(prompt.tape.program, devices, uint32_t(seed));
      return prompt.run(devices, weights, order);
    };
    std::vector<std::unique_ptr<device::Device>> one;
    one.push_back(device::make_device("reference", {}));
    const std::vector<float> want = run_on(std::move(one), 0, Prompt::Order::one_by_one);
    for (int seed = 1; seed <= 12; ++seed) {
      std::vector<std::unique_ptr<device::Device>> devices;
      for (int d = 0; d < 2 + seed % 3; ++d) {
        devices.push_back(std::make_unique<Worker>((d + seed / 3) % 2 ? Worker::Memory::own : Worker::Memory::shared));
      }
      const std::vector<float> got = run_on(std::move(devices), seed, seed % 4 < 2 ? Prompt::Order::both : Prompt::Order::one_by_one);
      ASSERT_EQ(got.size(), want.size());
      EXPECT_EQ(std::memcmp(got.data(), want.data(), want.size() * sizeof(float)), 0) << name << ", placement " << seed;
    }
  }
  EXPECT_EQ(Late::at_work, 0);
  EXPECT_GT(Late::most_at_work, 1) << "devices work at the same time where they may";
}

TEST(Arenas, AreOneForDevicesThatShareMemory) {
  std::vector<std::unique_ptr<device::Device>> devices;
  for (auto memory : {Worker::Memory::shared, Worker::Memory::own, Worker::Memory::shared}) {
    devices.push_back(std::make_unique<Worker>(memory));
  }
  const Arenas arenas(devices, 5000);
  EXPECT_EQ(arenas.of(0)->host(), arenas.of(2)->host());
  EXPECT_NE(arenas.of(0)->host(), arenas.of(1)->host());
  for (int d = 0; d < 3; ++d) EXPECT_GE(arenas.of(d)->size(), 5000u);
}

}  // namespace
}  // namespace troika::engine
