// Whatever keeps an NPU away or takes it away: one clear line, and the tokens that the CPU would give. The NPU is a plug-in as
// a real one would be, with the simulator inside (tests/npu/plugins).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "device/npu/npu_device.h"
#include "engine/clients.h"
#include "npu/made_up_npu.h"

namespace troika::engine {
namespace {

using npu::Logged, npu::MadeUpNpu;
using ::testing::HasSubstr, ::testing::Not;

namespace fs = std::filesystem;

constexpr int kTokens = 6;
constexpr int kRunsToOpen = 5;  // two self-tests, three ways to share memory
constexpr int kBuffersToOpen = 3 * kRunsToOpen, kSyncsToOpen = 2 * kRunsToOpen;  // x, w and y; x and w to the array

npu::ArrayOptions wanted;  // of the engine that is loaded next

std::unique_ptr<Engine> load(const std::string& device) {
  static const bool added = [] {
    using device::DeviceOptions;
    device::add_backend(
        {"npu by plug-in", [](const DeviceOptions& o) { return device::npu::make(o, {}, wanted); }});
    return true;
  }();
  EXPECT_TRUE(added);
  return Engine::load(fs::path(TROIKA_SOURCE_DIR) / "tests/goldens/qwen2-tied",
                      {.device = device, .threads = 2, .context = 512});
}

std::unique_ptr<Engine> load_npu(const MadeUpNpu& machine) {
  wanted = machine.options();
  return load("npu by plug-in");
}

Request request(std::vector<int32_t> prompt, int tokens = kTokens) {
  Request request{.prompt = std::move(prompt), .max_tokens = tokens, .sampling = {.temperature = 0}};
  request.stop_at_end_tokens = false;
  return request;
}

std::vector<int32_t> text() {
  std::vector<int32_t> ids = prompt(17, 3);
  for (int32_t& id : ids) id %= 277;
  return ids;
}

struct Case {
  const char *what, *says;
  std::function<void(const MadeUpNpu&)> spoil;
};

std::function<void(const MadeUpNpu&)> injects(const char* fault) {
  return [fault](const MadeUpNpu& machine) { machine.inject(fault); };
}

fs::path manifest_of(const MadeUpNpu& machine) { return machine.file_of(npu::make_gemm_design(npu::kW8A8), ".json"); }

const Case kAtLoad[] = {
    {"plug-in missing", "no NPU: there is no plug-in ", [](const MadeUpNpu& m) { fs::remove(m.plugin()); }},
    {"no library", "does not load",
     [](const MadeUpNpu& m) {
       fs::remove(m.plugin());
       put(m.plugin(), "no library");
     }},
    {"another version of the interface", "has version 2 of the interface, this Troika needs 1; take both from one build",
     injects("other_version")},
    {"device absent", "there is no NPU 1022:1502 on the PCI bus", [](const MadeUpNpu& m) { fs::remove_all(m.pci()); }},
    {"device absent for the library", "XRT finds none; is its part for NPUs there: apt-get install libxrt-npu2",
     injects("absent")},
    {"permission denied", "Permission denied; type: sudo usermod -aG render", injects("denied")},
    {"memlock too low", "8 MB may be locked, but the NPU needs",
     [](const MadeUpNpu& m) { m.limit_locked_memory("8388608"); }},
    {"memlock too low for the library", "temporarily unavailable; type: echo '* - memlock unlimited'",
     injects("locked_memory")},
    {"xclbin missing", "gemm_w8a8.xclbin is missing, without which the NPU cannot be configured",
     [](const MadeUpNpu& m) { fs::remove(m.file_of(npu::make_gemm_design(npu::kW8A8), ".xclbin")); }},
    {"xclbin of another version", "but this Troika needs",
     [](const MadeUpNpu& m) {
       fs::remove(manifest_of(m));
       fs::copy_file(m.file_of(npu::make_gemm_design(npu::kW4A8), ".json"), manifest_of(m));
     }},
    {"self-test wrong by one bit", "the self-test is wrong at [0, 0]", injects("wrong_bit@2")},
    {"time-out in the self-test", "did not finish a run within 5 s; it is opened once more", injects("timed_out@2")},
    {"sync forgotten", "the host wrote 0x", injects("unsynchronised")},
};

TEST(NpuFaults, AtLoadLeaveAllToTheCpuAndSayWhy) {
  const std::vector<int32_t> expected = alone(*load("cpu"), request(text()));
  for (const Case& c : kAtLoad) {
    MadeUpNpu machine;
    c.spoil(machine);
    Logged logged;
    auto engine = load_npu(machine);
    EXPECT_THAT(logged.text(), HasSubstr(c.says)) << c.what;
    EXPECT_THAT(logged.text(), HasSubstr("; going on without it")) << c.what;
    EXPECT_EQ(alone(*engine, request(text())), expected) << c.what;
    EXPECT_EQ(engine->stats().lost_device, "") << c.what;
  }
}

// What was said before the loss is the NPU's, what comes behind it the CPU's.
void expect_cpu_goes_on(const std::vector<int32_t>& tokens, const std::vector<int32_t>& by_npu, Engine& cpu, bool from_start) {
  for (int said = from_start ? 0 : 1; said < (from_start ? 1 : kTokens); ++said) {
    std::vector<int32_t> before = text();
    before.insert(before.end(), by_npu.begin(), by_npu.begin() + said);
    std::vector<int32_t> expected(by_npu.begin(), by_npu.begin() + said);
    for (int32_t id : alone(cpu, request(before, kTokens - said))) expected.push_back(id);
    if (tokens == expected) return;
  }
  ADD_FAILURE() << "the CPU did not go on where the NPU stopped";
}

TEST(NpuFaults, InAStepHandTheRestToTheCpu) {
  const struct {
    const char *fault, *says;
  } faults[] = {{"timed_out", "the NPU was lost: the NPU did not finish a run within 5 s; it is opened once more"},
                {"aborted", "the NPU was lost: the NPU's driver ended a run: the command was aborted"},
                {"lost", "the NPU was lost: the NPU does not answer: No such device"},
                {"unsynchronised", "that was not synchronised"}};
  auto cpu = load("cpu");
  MadeUpNpu healthy;
  const std::vector<int32_t> by_npu = alone(*load_npu(healthy), request(text()));
  const int first_run = kRunsToOpen + 1, in_mid_answer = first_run + 40;  // of 15 in a step
  for (const auto& [fault, says] : faults) {
    for (int run : {first_run, in_mid_answer}) {
      const bool counts_syncs = std::string(fault) == "unsynchronised";  // of weights, too
      MadeUpNpu machine;
      machine.inject(fmt::format("{}@{}", fault, counts_syncs ? run + 40 : run));
      Logged logged;
      auto engine = load_npu(machine);
      const std::vector<int32_t> tokens = alone(*engine, request(text()));
      EXPECT_NE(engine->stats().lost_device, "") << fault << run;
      EXPECT_EQ(engine->stats().failed, 0) << fault << run;
      EXPECT_THAT(logged.text(), HasSubstr(says));
      EXPECT_THAT(logged.text(), HasSubstr("; going on without npu by plug-in, on cpu"));
      expect_cpu_goes_on(tokens, by_npu, *cpu, run == first_run && !counts_syncs);
    }
  }
}

TEST(NpuFaults, ALostNpuComesBackOnceForTheNextModel) {
  MadeUpNpu machine;
  machine.inject(fmt::format("lost@{}", kRunsToOpen + 1));
  for (const char* says : {"is opened once more when a model is loaded next", "stays off until Troika is started again"}) {
    Logged logged;
    auto engine = load_npu(machine);
    EXPECT_THAT(engine->model().device, HasSubstr("npu: "));
    alone(*engine, request(text()));
    EXPECT_NE(engine->stats().lost_device, "");
    EXPECT_THAT(logged.text(), HasSubstr(says));
  }
  machine.inject("");
  Logged logged;
  EXPECT_EQ(load_npu(machine)->model().device, "cpu");
  EXPECT_THAT(logged.text(), HasSubstr("lost 2 times and stays off"));
}

TEST(NpuFaults, RefusedSharingAndRoomChangeNoToken) {
  MadeUpNpu healthy;
  const std::vector<int32_t> by_npu = alone(*load_npu(healthy), request(text()));
  for (const auto& [fault, says] : {std::pair{"no_host_pages", "(error 95)"}, {"no_export", "exports: no"}}) {
    MadeUpNpu machine;
    machine.inject(fault);
    Logged logged;
    EXPECT_EQ(alone(*load_npu(machine), request(text())), by_npu) << fault;
    EXPECT_THAT(logged.text(), HasSubstr(says));
  }
  MadeUpNpu machine;
  machine.inject(fmt::format("no_room@{}", kBuffersToOpen + 1));
  Logged logged;
  EXPECT_EQ(alone(*load_npu(machine), request(text())), alone(*load("cpu"), request(text())));
  EXPECT_THAT(logged.text(), HasSubstr("the NPU takes no more weights (allocating a buffer: Cannot allocate memory); the rest "
                                       "of the device list multiplies"));
}

TEST(NpuFaults, ARefusalIsNoLoss) {
  MadeUpNpu machine;
  for (const auto& [fault, is_dropped] : {std::pair{fmt::format("no_room@{}", kBuffersToOpen + 9), false},  // some weights
                                          {fmt::format("busy@{}", kRunsToOpen + 1), true}}) {
    machine.inject(fault);
    for (int again = 0; again < 3; ++again) {
      Logged logged;
      auto engine = load_npu(machine);
      EXPECT_THAT(engine->model().device, HasSubstr("npu: ")) << fault;
      EXPECT_EQ(alone(*engine, request(text())).size(), size_t(kTokens)) << fault;
      EXPECT_EQ(engine->stats().lost_device, is_dropped ? "npu by plug-in" : "") << fault;
      EXPECT_EQ(engine->stats().failed, 0) << fault;
      EXPECT_THAT(logged.text(), HasSubstr(is_dropped ? "refuses a run: no room in the queue" : "takes no more weights"));
      EXPECT_THAT(logged.text(), Not(HasSubstr("lost before"))) << fault;
    }
  }
}

TEST(NpuFaults, WhileWeightsAreBroughtThereLeaveThemToTheCpu) {
  MadeUpNpu machine;
  machine.inject(fmt::format("silent@{}", kSyncsToOpen + 1));
  Logged logged;
  auto engine = load_npu(machine);
  EXPECT_EQ(alone(*engine, request(text())), alone(*load("cpu"), request(text())));
  EXPECT_EQ(engine->stats().lost_device, "");
  EXPECT_THAT(logged.text(), HasSubstr("takes no more weights (the NPU was lost: the NPU does not answer: nothing was written; "
                                       "it is opened once more"));
}

TEST(NpuFaults, ThatEverybodySeesAreOneLoss) {
  MadeUpNpu machine;
  machine.inject("");
  std::unique_ptr<Engine> models[] = {load_npu(machine), load_npu(machine), load_npu(machine)};
  machine.inject("aborted");
  EXPECT_THROW(npu::open_array(machine.options()), Error);  // which injects it
  for (auto& model : models) {
    alone(*model, request(text()));
    EXPECT_NE(model->stats().lost_device, "");
  }
  machine.inject("");
  EXPECT_THAT(load_npu(machine)->model().device, HasSubstr("npu: "));
}

}  // namespace
}  // namespace troika::engine
