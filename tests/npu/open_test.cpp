// Arrays of plug-ins: opened, tested, asked how they share memory, and lost.
#include "npu/runtime/open.h"

#include <gmock/gmock.h>
#include <sys/mman.h>

#include <iterator>

#include "npu/made_up_npu.h"
#include "npu/runtime/calibrate.h"
#include "npu/runtime/descriptor.h"
#include "npu/runtime/plugin.h"
#include "npu/runtime/self_test.h"
#include "npu/runtime/simulated.h"

namespace troika::npu {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(OpenArray, TakesThePlugInsNpuAndNotTheSimulator) {
  MadeUpNpu machine;
  Logged logged;
  const OpenedArray opened = open_array(machine.options());
  EXPECT_FALSE(opened.gemm.facts.is_simulated);
  EXPECT_STREQ(opened.gemm.facts.device, "NPU of a test");
  EXPECT_EQ(opened.sharing.step(), 1);
  EXPECT_THAT(logged.text(), HasSubstr("NPU: NPU of a test, fake plug-in; the self-test is right; memory: step 1 of 4"));
}

TEST(OpenArray, SimulatesWhereItIsAskedTo) {
  const OpenedArray opened = open_array({.plugin = kSimulated, .root = "/nowhere"});
  EXPECT_TRUE(opened.gemm.facts.is_simulated);
}

TEST(OpenArray, GoesDownTheLadderWhereSharingIsRefused) {
  struct Case {
    const char* fault;
    int step;
    const char* says;
  };
  for (const Case& c :
       {Case{"no_host_pages", 2, "host's pages: no, creating a buffer of user pages failed (error 95); exports: yes"},
        Case{"no_export", 1, "exports: no, exporting a buffer failed (error 95); imports: no"}}) {
    MadeUpNpu machine;
    machine.inject(c.fault);
    const OpenedArray opened = open_array(machine.options());
    EXPECT_EQ(opened.sharing.step(), c.step) << c.fault;
    EXPECT_THAT(to_text(opened.sharing), HasSubstr(c.says));
  }
}

TEST(OpenArray, RefusesAnArrayWithOneWrongBit) {
  MadeUpNpu machine;
  const OpenedArray opened = open_array(machine.options());
  KnownProduct known(opened.gemm.context(kW4A8));
  EXPECT_NO_THROW(known.run());
  std::vector<std::byte> elsewhere(known.product.x.size());
  known.product.x.host()[7] ^= std::byte{4};
  EXPECT_THAT([&] { known.run(elsewhere); }, ThrowsMessage<Error>(HasSubstr("the self-test is wrong at [")));
  machine.inject("wrong_bit");
  EXPECT_THAT([&] { open_array(machine.options()); },
              ThrowsMessage<Error>(HasSubstr("the self-test is wrong at [0, 0] of 256 x 512: ")));
  EXPECT_THAT([&] { open_array(machine.options()); }, ThrowsMessage<Error>(HasSubstr("stays off until"))) << "a loss, too";
}

TEST(OpenArray, CountsNoLossWhereThereIsNoRoom) {
  MadeUpNpu machine;
  machine.inject("no_room");
  for (int again = 0; again < 3; ++again) {
    Logged logged;
    EXPECT_THAT([&] { open_array(machine.options()); }, ThrowsMessage<Error>("allocating a buffer: Cannot allocate memory"));
    EXPECT_EQ(logged.text(), "");
  }
  machine.inject("");
  EXPECT_EQ(open_array(machine.options()).life, 0);
}

TEST(Plugin, IsRefusedWithoutATableOrAFunction) {
  MadeUpNpu machine;
  machine.inject("no_table");
  EXPECT_THAT([&] { load_plugin(machine.plugin()); },
              ThrowsMessage<Error>(fmt::format("the plug-in {} gives no table of functions", machine.plugin().string())));
  machine.inject("no_function");
  EXPECT_THAT([&] { load_plugin(machine.plugin()); }, ThrowsMessage<Error>(HasSubstr(" lacks the function export_fd; take ")));
  machine.inject("other_version");
  EXPECT_THAT([&] { load_plugin(machine.plugin()); }, ThrowsMessage<Error>(HasSubstr("has version 2 of the interface")));
}

TEST(Plugin, MayForgetToEndItsTexts) {
  MadeUpNpu machine;
  machine.inject("endless_texts");
  const OpenedArray opened = open_array(machine.options());
  const abi::Facts& facts = opened.gemm.facts;
  EXPECT_EQ(facts.device, std::string(sizeof(facts.device) - 1, 'x'));
  EXPECT_EQ(facts.runtime, std::string(sizeof(facts.runtime) - 1, 'x'));
  EXPECT_EQ(facts.report, std::string(sizeof(facts.report) - 1, 'x'));
  EXPECT_THAT(opened.sharing.host_pages, ::testing::MatchesRegex("x{500} \\(error [0-9]+\\)"));
}

TEST(Plugin, ThatSimulatesLeavesNoDescriptorOpenWhereItFails) {
  const abi::Plugin& plugin = simulated_plugin();
  const Descriptor small(memfd_create("small", MFD_CLOEXEC));
  const auto open_files = [] { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); };
  const auto before = open_files();
  abi::Why why{};
  EXPECT_EQ(plugin.import_fd(nullptr, small.number(), 4096, &why), nullptr);
  EXPECT_STREQ(why.text, "no memory of 4096 bytes to share");
  EXPECT_EQ(plugin.allocate(nullptr, 0, uint64_t{1} << 62, &why), nullptr);
  EXPECT_EQ(open_files(), before);
}

TEST(OpenArray, IsLostOnceOpenedOnceMoreAndThenStaysOff) {
  MadeUpNpu machine;
  const ArrayOptions options = machine.options();
  const int first = open_array(options).life, beside = open_array(options).life;
  for (int life : {first, beside, first}) {  // when the NPU is reset, all that ran on it fails
    EXPECT_THAT(count_loss(options.plugin, life), HasSubstr("opened once more when a model is loaded next"));
  }
  int second = 0;
  {
    Logged logged;
    second = open_array(options).life;
    EXPECT_THAT(logged.text(), HasSubstr("the NPU was lost before; it is opened once more"));
  }
  EXPECT_THAT(count_loss(options.plugin, first), HasSubstr("opened once more when a model is loaded next"));
  EXPECT_NO_THROW(open_array(options));
  EXPECT_THAT(count_loss(options.plugin, second), HasSubstr("stays off until Troika is started again"));
  EXPECT_THAT([&] { open_array(options); }, ThrowsMessage<Error>(HasSubstr("lost 2 times and stays off until")));
  EXPECT_NO_THROW(open_array(MadeUpNpu().options())) << "another plug-in";
}

TEST(OpenArray, CountsAnNpuThatHangsInItsSelfTest) {
  MadeUpNpu machine;
  machine.inject("timed_out");
  EXPECT_THAT([&] { open_array(machine.options()); },
              ThrowsMessage<Error>(HasSubstr("the NPU did not finish a run within 5 s; it is opened once more")));
  EXPECT_THAT([&] { open_array(machine.options()); }, ThrowsMessage<Error>(HasSubstr("stays off until")));
  machine.inject("");
  EXPECT_THAT([&] { open_array(machine.options()); }, ThrowsMessage<Error>(HasSubstr("lost 2 times")));
}

TEST(OpenArray, DoesNotTakeOneXclbinForAnother) {
  MadeUpNpu machine;
  const auto xclbin = [&](const GemmTile& tile) { return machine.file_of(make_gemm_design(tile), ".xclbin"); };
  std::filesystem::copy_file(xclbin(kW4A8), xclbin(kW8A8), std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT([&] { open_array(machine.options()); }, ThrowsMessage<Error>(HasSubstr("is not the file that ")));
}

TEST(Calibrate, MeasuresWhatOnlyAnArrayCanTell) {
  MadeUpNpu machine;
  const Measured measured = calibrate(open_array(machine.options()).gemm, "/dev/null");
  EXPECT_FALSE(measured.clock_ghz.has_value());
  EXPECT_GT(measured.launch_us, 0);
  EXPECT_GT(measured.read_gb_s, 0);
  for (const char* design : {"gemm_w4a8", "gemm_w8a8"}) {
    EXPECT_GT(measured.efficiency.at(design), 0);
    EXPECT_LT(measured.efficiency.at(design), 1);  // of what computes here, which is no NPU
  }
}

}  // namespace
}  // namespace troika::npu
